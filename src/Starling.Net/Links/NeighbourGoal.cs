using Starling.Protocols.Links.Policy;

namespace Starling.Net.Links;

/// <summary>Which links <see cref="LinkManager.WaitForNeighboursAsync"/> waits for.</summary>
public abstract record NeighbourGoal
{
    private NeighbourGoal()
    {
    }

    /// <summary>Every link that the user asked to keep, initial neighbours included.</summary>
    public static NeighbourGoal Kept { get; } = new KeptGoal();

    /// <summary>Every link that the user asked to keep, as many direct neighbours as the node wants, and no dial under way.</summary>
    public static NeighbourGoal Settled { get; } = new SettledGoal();

    /// <summary>So many direct neighbours, whoever they are.</summary>
    /// <param name="count">At least 1.</param>
    public static NeighbourGoal AtLeast(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return new CountGoal(count);
    }

    /// <summary>All of these peers.</summary>
    public static NeighbourGoal All(params IReadOnlyList<PeerId> peers) => new PeersGoal([.. peers.Distinct()], NeedsAll: true);

    /// <summary>One of these peers, whichever comes first.</summary>
    public static NeighbourGoal Any(params IReadOnlyList<PeerId> peers)
    {
        ArgumentOutOfRangeException.ThrowIfZero(peers.Count, nameof(peers));
        return new PeersGoal([.. peers.Distinct()], NeedsAll: false);
    }

    internal abstract bool IsMet(LinkPolicyCore core);

    /// <summary>What is missing, as a sentence for people.</summary>
    internal abstract string Missing(LinkPolicyCore core);

    private sealed record CountGoal(int Count) : NeighbourGoal
    {
        internal override bool IsMet(LinkPolicyCore core) => core.NeighbourCount >= Count;

        internal override string Missing(LinkPolicyCore core) => $"there are {core.NeighbourCount} of {Count} direct neighbours";
    }

    private sealed record PeersGoal(IReadOnlyList<PeerId> Peers, bool NeedsAll) : NeighbourGoal
    {
        internal override bool IsMet(LinkPolicyCore core) => NeedsAll ? Peers.All(peer => core.IsLinked(peer, [])) : Peers.Any(peer => core.IsLinked(peer, []));

        internal override string Missing(LinkPolicyCore core)
        {
            var missing = Peers.Where(peer => !core.IsLinked(peer, [])).ToList();
            return $"{missing.Count} of {Peers.Count} peers are not linked: {string.Join(", ", missing.Take(8))}{(missing.Count > 8 ? ", …" : "")}";
        }
    }

    private sealed record SettledGoal : NeighbourGoal
    {
        internal override bool IsMet(LinkPolicyCore core) => core is { MissingCount: 0, DialCount: 0 } && core.NeighbourCount >= core.WantedNeighbours;

        internal override string Missing(LinkPolicyCore core) =>
            $"{core.MissingCount} links that are to be kept are not there, there are {core.NeighbourCount} of {core.WantedNeighbours} direct neighbours, and {core.DialCount} dials are under way";
    }

    private sealed record KeptGoal : NeighbourGoal
    {
        internal override bool IsMet(LinkPolicyCore core) => core.MissingCount == 0;

        internal override string Missing(LinkPolicyCore core) => $"links to be kept that are not there: {core.MissingCount}";
    }
}
