namespace Starling.Protocols.PubSub.Scoring;

/// <summary>Scores below which a neighbour gets less (gossipsub 1.1, "Score Thresholds"). A score below 0 always keeps it out of every mesh.</summary>
public sealed class PeerScoreThresholds : ICheckedOptions
{
    /// <summary>Below it, gossip is neither sent to a neighbour nor taken from it. Default −10, negative.</summary>
    public double Gossip { get; set; } = -10;

    /// <summary>Below it, this node's own messages are not sent to a neighbour. Default −50, at most <see cref="Gossip"/>.</summary>
    public double Publish { get; set; } = -50;

    /// <summary>Below it, everything that a neighbour sends is ignored. Default −80, below <see cref="Publish"/>.</summary>
    public double Graylist { get; set; } = -80;

    /// <summary>Below it, peers that a neighbour names when it prunes this node are ignored. Default 0, not negative.</summary>
    /// <remarks>A value that only chosen nodes reach, through <see cref="PeerScoreOptions.ApplicationScore"/>, lets only them introduce others.</remarks>
    public double AcceptPeerExchange { get; set; }

    /// <summary>While the median score of a mesh is below it, better neighbours are grafted now and then. Default 1, not negative.</summary>
    public double OpportunisticGraft { get; set; } = 1;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (!(Gossip < 0) || !double.IsFinite(Gossip)) problems.Add(nameof(Gossip), Gossip, "is not negative, so that neighbours without a history would get no gossip", "use a negative number, such as -10");
        if (!(Publish <= Gossip) || !double.IsFinite(Publish)) problems.Add(nameof(Publish), Publish, "is above Gossip", $"use at most {Gossip}");
        if (!(Graylist < Publish) || !double.IsFinite(Graylist)) problems.Add(nameof(Graylist), Graylist, "is not below Publish", $"use a number below {Publish}");
        if (!(AcceptPeerExchange >= 0) || !double.IsFinite(AcceptPeerExchange)) problems.Add(nameof(AcceptPeerExchange), AcceptPeerExchange, "is negative", "use 0 or more");
        if (!(OpportunisticGraft >= 0) || !double.IsFinite(OpportunisticGraft)) problems.Add(nameof(OpportunisticGraft), OpportunisticGraft, "is negative", "use 0 or more");
    }
}
