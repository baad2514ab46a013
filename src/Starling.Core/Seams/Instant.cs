namespace Starling;

/// <summary>A point on a node's monotonic clock: never set back, meaningless between processes.</summary>
/// <remarks>Cores are given instants and never read a clock. One tick is 100 ns, as in <see cref="TimeSpan"/>.</remarks>
/// <param name="Ticks">Ticks since an origin that the clock chose.</param>
public readonly record struct Instant(long Ticks) : IComparable<Instant>
{
    /// <summary>The instant after every other one: a deadline that is never reached.</summary>
    public static Instant Never => new(long.MaxValue);

    /// <summary>The later instant; <see cref="Never"/>, or the earliest one, when the sum would overflow.</summary>
    public static Instant operator +(Instant at, TimeSpan span)
    {
        var sum = unchecked(at.Ticks + span.Ticks);
        if (span.Ticks >= 0 && sum < at.Ticks) return Never;
        if (span.Ticks < 0 && sum > at.Ticks) return new Instant(long.MinValue);
        return new Instant(sum);
    }

    /// <summary>The earlier instant.</summary>
    public static Instant operator -(Instant at, TimeSpan span) => at + span.Negate();

    /// <summary>The time between two instants, negative when the left one is earlier.</summary>
    public static TimeSpan operator -(Instant left, Instant right) => new(left.Ticks - right.Ticks);

    /// <summary>Whether the left instant is earlier.</summary>
    public static bool operator <(Instant left, Instant right) => left.Ticks < right.Ticks;

    /// <summary>Whether the left instant is later.</summary>
    public static bool operator >(Instant left, Instant right) => left.Ticks > right.Ticks;

    /// <summary>Whether the left instant is not later.</summary>
    public static bool operator <=(Instant left, Instant right) => left.Ticks <= right.Ticks;

    /// <summary>Whether the left instant is not earlier.</summary>
    public static bool operator >=(Instant left, Instant right) => left.Ticks >= right.Ticks;

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Ticks.CompareTo(other.Ticks);
}

/// <summary>Reads instants from the clock seam.</summary>
public static class InstantExtensions
{
    /// <summary>The present instant of a clock, from its monotonic timestamp.</summary>
    public static Instant Now(this TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var stamp = clock.GetTimestamp();
        var frequency = clock.TimestampFrequency;
        if (frequency == TimeSpan.TicksPerSecond) return new Instant(stamp);
        return new Instant((long)((Int128)stamp * TimeSpan.TicksPerSecond / frequency));
    }
}
