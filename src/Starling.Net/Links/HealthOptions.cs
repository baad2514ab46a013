using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>How a node tells living links from dead ones.</summary>
/// <remarks>A link that carries anything costs nothing. An idle one costs a ping of 12 bytes and its answer in each <see cref="Interval"/>, which
/// either end asks and both are served by: 1,000 idle links cost about 400 pings a second. Checking a link costs under a microsecond a round, a tenth of the interval.</remarks>
public sealed class HealthOptions : ICheckedOptions
{
    /// <summary>Silence after which a peer is asked whether it is there. Default 2.5 seconds, more than zero. Anything that arrives ends the silence.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(2.5);

    /// <summary>Silence after which a link is closed with <see cref="CloseReason.KeepAliveTimeout"/>. Default 7 seconds, at least twice <see cref="Interval"/>.</summary>
    /// <remarks>A peer that pauses for less than this minus <see cref="Interval"/>, 4.5 seconds, is kept; one that is gone is noticed after that at the
    /// earliest and after all of it at the latest. Longer where the peer's round trips or this node's own delays explain the silence.</remarks>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(7);

    /// <summary>Longest time between two round-trip samples of a link, busy ones included. Default 15 seconds, not negative; zero samples only what silence asks.</summary>
    public TimeSpan SampleInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How far this node's own slowness may stretch the deadlines: at worst they are one more than this times as long. Default 4, from 0 (never) to 16.</summary>
    public int LocalHealthMaximum { get; set; } = 4;

    /// <summary>Time that closing a dead link may take before its socket is cut. Default 1 second, more than zero.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Positive(Interval, nameof(Interval));
        problems.Positive(Timeout, nameof(Timeout));
        if (Timeout < Interval * 2) problems.Add(nameof(Timeout), Timeout, $"is shorter than twice {nameof(Interval)} ({Interval})", "a peer needs time to answer: use a longer one");
        problems.NotNegative(SampleInterval, nameof(SampleInterval));
        problems.Within(LocalHealthMaximum, 0, 16, nameof(LocalHealthMaximum));
        problems.Positive(CloseTimeout, nameof(CloseTimeout));
    }

    internal HealthLimits Limits() => new(Interval, Timeout, SampleInterval, LocalHealthMaximum);
}
