namespace Starling;

/// <summary>A clock that moves only when told: for tests and simulations. Safe for several threads.</summary>
/// <remarks>Timers fire inside <see cref="Advance"/>, in order of their due time, on the caller's thread.</remarks>
public sealed class ManualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<(ManualTimer Timer, int Version), (long Due, long Order)> _timers = new();
    private readonly DateTimeOffset _start;
    private long _now;
    private long _order;

    /// <summary>Creates the clock at 2030-01-01 UTC, or at the given wall time.</summary>
    public ManualClock(DateTimeOffset? start = null) => _start = start ?? new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override long GetTimestamp() => Interlocked.Read(ref _now);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => _start.AddTicks(GetTimestamp());

    /// <summary>Moves the clock forward and fires every timer that falls due on the way.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span is negative.</exception>
    public void Advance(TimeSpan span)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.Zero);
        var target = GetTimestamp() + span.Ticks;
        while (NextDue(target) is { } timer) timer.Fire();
        lock (_gate)
        {
            // A callback, or another thread, may have gone further.
            if (target > _now) Interlocked.Exchange(ref _now, target);
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? NextDue(long target)
    {
        lock (_gate)
        {
            while (_timers.TryPeek(out var entry, out var at) && at.Due <= target)
            {
                _timers.Dequeue();
                if (entry.Timer.Version != entry.Version) continue;
                if (at.Due > _now) Interlocked.Exchange(ref _now, at.Due);
                if (entry.Timer.Period > TimeSpan.Zero) Schedule(entry.Timer, entry.Timer.Period);
                return entry.Timer;
            }
        }

        return null;
    }

    private void Schedule(ManualTimer timer, TimeSpan due) =>
        _timers.Enqueue((timer, ++timer.Version), (_now + due.Ticks, _order++));

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private bool _disposed;

        public int Version { get; set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                if (_disposed) return false;
                Version++;
                Period = period == Timeout.InfiniteTimeSpan ? TimeSpan.Zero : period;
                if (dueTime != Timeout.InfiniteTimeSpan) clock.Schedule(this, dueTime);
            }

            return true;
        }

        public void Dispose()
        {
            Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            lock (clock._gate) _disposed = true;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
