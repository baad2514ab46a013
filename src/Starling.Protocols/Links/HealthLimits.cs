namespace Starling.Protocols.Links;

/// <summary>The bounds of a <see cref="HealthCore"/>.</summary>
/// <param name="Interval">Silence after which a peer is asked whether it is there; more than zero.</param>
/// <param name="Timeout">Silence after which it counts as dead while this node is well; more than <paramref name="Interval"/>.</param>
/// <param name="SampleInterval">Longest time between two round-trip samples; zero takes none beyond those that silence asks for.</param>
/// <param name="LocalMaximum">The worst score of <see cref="LocalHealth"/>; 0 never stretches a deadline.</param>
public sealed record HealthLimits(TimeSpan Interval, TimeSpan Timeout, TimeSpan SampleInterval, int LocalMaximum)
{
    /// <summary>Time between two rounds of checks: a tenth of the interval, from 10 milliseconds to 1 second.</summary>
    public TimeSpan Round { get; } = TimeSpan.FromTicks(Math.Clamp(Interval.Ticks / 10, TimeSpan.TicksPerMillisecond * 10, TimeSpan.TicksPerSecond));
}
