namespace Starling.Net.Tests.Spread;

/// <summary>A clock whose timers drop the fraction of a millisecond, as those of the system do: they may fire early.</summary>
internal sealed class WholeMilliseconds(TimeProvider inner) : TimeProvider
{
    public override long TimestampFrequency => inner.TimestampFrequency;

    public override long GetTimestamp() => inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Timer(inner.CreateTimer(callback, state, Whole(dueTime), Whole(period)));

    private static TimeSpan Whole(TimeSpan time) => new(time.Ticks / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond);

    private sealed class Timer(ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            // As the system's timers do.
            ArgumentOutOfRangeException.ThrowIfGreaterThan(dueTime.TotalMilliseconds, uint.MaxValue - 1d);

            // One millisecond may have begun before: it fires early however the time was rounded.
            return timer.Change(dueTime > TimeSpan.FromMilliseconds(1) ? Whole(dueTime) - TimeSpan.FromMilliseconds(1) : dueTime, Whole(period));
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
