namespace Starling.Net.PubSub;

/// <summary>Says whether a write may be done on the thread that queued it. One thread at a time.</summary>
/// <remarks>Handing a frame over to another thread costs about 10 µs, which a lone message does not wait for. A burst is handed over all the same: while the
/// other thread gets going, what follows piles up and leaves in one frame. Each write on the caller's thread takes <see cref="Cost"/> of a credit that grows with time up to <see cref="Burst"/>.</remarks>
internal struct InlineCredit(TimeProvider clock)
{
    private static readonly TimeSpan Cost = TimeSpan.FromMicroseconds(25);
    private static readonly TimeSpan Burst = TimeSpan.FromMicroseconds(200);
    private readonly long _cost = (long)(Cost.TotalSeconds * clock.TimestampFrequency);
    private readonly long _burst = (long)(Burst.TotalSeconds * clock.TimestampFrequency);
    private long _spent;

    public bool TryTake()
    {
        var now = clock.GetTimestamp();
        var spent = Math.Max(_spent, now - _burst) + _cost;
        if (spent > now) return false;
        _spent = spent;
        return true;
    }
}
