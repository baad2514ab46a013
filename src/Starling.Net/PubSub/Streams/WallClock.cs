namespace Starling.Net.PubSub.Streams;

/// <summary>The time of day from the monotonic timestamp that is read anyway; set right once a second. Used under its owner's lock.</summary>
internal sealed class WallClock(TimeProvider clock)
{
    private static readonly TimeSpan Validity = TimeSpan.FromSeconds(1);
    private long _stamp;
    private long _micros = -1;

    /// <summary>Microseconds since 1970 at a timestamp of the clock that was just taken.</summary>
    public long At(long timestamp)
    {
        var elapsed = clock.GetElapsedTime(_stamp, timestamp);
        if (_micros >= 0 && elapsed < Validity) return _micros + (elapsed.Ticks / TimeSpan.TicksPerMicrosecond);
        _stamp = timestamp;
        return _micros = (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
    }
}
