namespace Starling.Net.Exchange;

/// <summary>What one peer may make this node do: a leaky bucket that empties within an hour. Safe for several threads.</summary>
internal sealed class ExchangeShare(int burst)
{
    private readonly Lock _gate = new();
    private double _level;
    private Instant _last;

    public bool TryTake(Instant now)
    {
        lock (_gate)
        {
            var hours = Math.Max(0, (now - _last).TotalHours);
            _last = now;
            _level = Math.Max(0, _level - (hours * burst)) + 1;
            if (_level <= burst) return true;
            _level = burst;
            return false;
        }
    }
}
