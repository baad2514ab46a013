namespace Starling.Protocols.Yamux;

/// <summary>A leaky bucket: a burst is free, and a sixteenth of it is earned back each second.</summary>
internal struct FloodMeter(int burst)
{
    private double _level;
    private Instant _last;

    /// <summary>Counts one; false when the burst is used up.</summary>
    public bool TryCount(Instant now)
    {
        var seconds = Math.Max(0, (now - _last).TotalSeconds);
        _last = now;
        _level = Math.Max(0, _level - (seconds * burst / 16)) + 1;
        return _level <= burst;
    }
}
