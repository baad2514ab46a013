namespace Starling.Protocols.Links;

/// <summary>What is known of a link's round trips.</summary>
/// <param name="Last">The last one.</param>
/// <param name="Smoothed">The smoothed one: each sample moves it by an eighth of the difference.</param>
/// <param name="Jitter">The mean deviation: each deviation from the smoothed value moves it by a quarter.</param>
/// <param name="Minimum">The shortest one.</param>
/// <param name="Samples">How many were measured.</param>
public readonly record struct RoundTrip(TimeSpan Last, TimeSpan Smoothed, TimeSpan Jitter, TimeSpan Minimum, long Samples);

/// <summary>Estimates round-trip time and jitter as RFC 6298, section 2 does. Not safe for several threads.</summary>
public sealed class RoundTripEstimator
{
    /// <summary>The estimate, or null before the first sample.</summary>
    public RoundTrip? Current { get; private set; }

    /// <summary>Takes in one measured round trip.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public void Add(TimeSpan sample)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sample, TimeSpan.Zero);
        if (Current is not { } before)
        {
            Current = new RoundTrip(sample, sample, sample / 2, sample, 1);
            return;
        }

        var deviation = (before.Smoothed - sample).Duration();
        Current = new RoundTrip(
            sample,
            before.Smoothed + ((sample - before.Smoothed) / 8),
            before.Jitter + ((deviation - before.Jitter) / 4),
            sample < before.Minimum ? sample : before.Minimum,
            before.Samples + 1);
    }
}
