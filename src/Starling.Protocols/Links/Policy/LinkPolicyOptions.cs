namespace Starling.Protocols.Links.Policy;

/// <summary>The aims and bounds of a <see cref="LinkPolicyCore"/>.</summary>
public class LinkPolicyOptions : ICheckedOptions
{
    /// <summary>Direct neighbours that the node looks for. Default 12, from 0 (none but those asked for) to 10,000.</summary>
    /// <remarks>ln(N) + 2 random neighbours hold a network of N nodes together with near certainty: 12 do for 20,000. Each costs about 70 KiB and
    /// its keep-alives. Found peers are dialled only while there are fewer; peers that dial this node may make it more.</remarks>
    public int Neighbours { get; set; } = 12;

    /// <summary>Links that are left when links were pruned. Default 160, at least 1 and at most <see cref="HighWater"/>; never more than three quarters of the link budget.</summary>
    public int LowWater { get; set; } = 160;

    /// <summary>Links beyond which the least useful are closed. Default 192, at least 1; never more than nine tenths of the link budget, so that pruning begins before refusing.</summary>
    /// <remarks>The distance to <see cref="LowWater"/> is how many are closed at a time.</remarks>
    public int HighWater { get; set; } = 192;

    /// <summary>Age that a link must have before it may be pruned. Default 20 seconds, not negative. It does not count while nineteen twentieths of the link budget are used.</summary>
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Dials under way at once. Default 16, at least 1. Each may try several addresses of one peer.</summary>
    /// <remarks>While neighbours are missing, lost ones get no more than half of them where others are known, a quarter when nearly all are lost: a dial of a machine that is gone takes as long as
    /// a dial may. Where four of five neighbours vanish at once, with 8 some nodes are still alone after half a minute.</remarks>
    public int MaxDials { get; set; } = 16;

    /// <summary>Dials begun within any one second, however many peers are lost or found. Default 16, at least 1.</summary>
    public int MaxDialsPerSecond { get; set; } = 16;

    /// <summary>How long the dial of a found peer is waited for before another one is tried as well. Default 10 seconds, more than zero.</summary>
    /// <remarks>Shorter gets around dead addresses faster, and dials too many when the machine or the network is slow.</remarks>
    public TimeSpan DialPatience { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Found peers kept. Default 1,024, at least 1, of up to 8 KiB each. More are passed over and counted.</summary>
    public int MaxCandidates { get; set; } = 1024;

    /// <summary>How long the node with the greater id waits for the other's dial where both are likely to dial. Default 300 ms, not negative, before a jitter of a quarter.</summary>
    public TimeSpan TieDelay { get; set; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Whether lost links to direct neighbours are made again unasked. Default true. Links that were asked for have their own <see cref="LinkKeepOptions"/>.</summary>
    public bool Reconnect { get; set; } = true;

    /// <summary>Dials after which a neighbour that was not asked for is given up. Default 8, at least 1: about two minutes with the other defaults.</summary>
    public int ReconnectAttempts { get; set; } = 8;

    /// <summary>The pause from the loss of a link that had lasted to the first dial. Default 100 ms, more than zero, before a jitter of half either way.</summary>
    public TimeSpan ReconnectDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Lost neighbours, not asked for, that are dialled again at the same time. Default 128, not negative. More are left to discovery, and counted.</summary>
    public int MaxReconnecting { get; set; } = 128;

    /// <summary>The pause after a first failed dial, before a jitter of half either way; it doubles with each further one. Default 1 second, more than zero.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest such pause, before jitter. Default 2 minutes, at least <see cref="FirstPause"/>.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a link must last to make the next pause short again. Default 10 seconds, more than zero. A peer that flaps faster is dialled ever more rarely.</summary>
    public TimeSpan StableAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a peer is left alone that closed the link because it had too many, or by a good-bye without a reason. Default 1 minute, more than zero, before a jitter of half either way.</summary>
    public TimeSpan PartedPause { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a peer is left alone that refused this node, or whose user closed the link. Default 10 minutes, more than zero, before a jitter of half either way.</summary>
    public TimeSpan RefusedPause { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a peer that was given up stays on the list of the recently disconnected. Default 10 minutes, more than zero.</summary>
    public TimeSpan RecentFor { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Peers on the list of the recently disconnected. Default 1,024, at least 1, up to 2 KiB each. The oldest gives way.</summary>
    public int MaxRecent { get; set; } = 1024;

    /// <summary>How long a transient link may carry nothing before it is closed. Default 2 minutes, more than zero.</summary>
    public TimeSpan UnusedAfter { get; set; } = TimeSpan.FromMinutes(2);

    /// <inheritdoc/>
    public virtual void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Within(Neighbours, 0, 10_000, nameof(Neighbours));
        problems.Least(LowWater, 1, nameof(LowWater));
        problems.Least(HighWater, 1, nameof(HighWater));
        if (LowWater > HighWater) problems.Add(nameof(LowWater), LowWater, "is above HighWater", $"use at most {HighWater}, or raise HighWater");
        problems.NotNegative(GracePeriod, nameof(GracePeriod));
        problems.Least(MaxDials, 1, nameof(MaxDials));
        problems.Least(MaxDialsPerSecond, 1, nameof(MaxDialsPerSecond));
        problems.Positive(DialPatience, nameof(DialPatience));
        problems.Least(MaxCandidates, 1, nameof(MaxCandidates));
        problems.NotNegative(TieDelay, nameof(TieDelay));
        problems.Least(ReconnectAttempts, 1, nameof(ReconnectAttempts));
        problems.Positive(ReconnectDelay, nameof(ReconnectDelay));
        problems.Least(MaxReconnecting, 0, nameof(MaxReconnecting));
        problems.Positive(FirstPause, nameof(FirstPause));
        problems.Positive(LongestPause, nameof(LongestPause));
        if (LongestPause < FirstPause) problems.Add(nameof(LongestPause), LongestPause, "is shorter than FirstPause", $"use at least {FirstPause}");
        problems.Positive(StableAfter, nameof(StableAfter));
        problems.Positive(PartedPause, nameof(PartedPause));
        problems.Positive(RefusedPause, nameof(RefusedPause));
        problems.Positive(RecentFor, nameof(RecentFor));
        problems.Least(MaxRecent, 1, nameof(MaxRecent));
        problems.Positive(UnusedAfter, nameof(UnusedAfter));
    }
}
