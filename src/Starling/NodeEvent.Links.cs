using Starling.Protocols.Links.Policy;

namespace Starling;

/// <content>What the node does with its links by itself.</content>
public abstract partial record NodeEvent
{
    /// <summary>A link that was lost is made again after a pause.</summary>
    /// <param name="Peer">Whose link.</param>
    /// <param name="Attempt">1 for the first dial since the loss.</param>
    /// <param name="After">The pause; longer when many links are lost at once.</param>
    public sealed record Reconnecting(PeerId Peer, int Attempt, TimeSpan After) : NodeEvent;

    /// <summary>A peer is not dialled any more; it is on the list of the recently disconnected.</summary>
    /// <param name="Peer">Who, or null when nobody ever answered.</param>
    /// <param name="Addresses">Where it was dialled.</param>
    /// <param name="Attempts">Dials without success.</param>
    public sealed record GaveUp(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses, int Attempts) : NodeEvent;

    /// <summary>The node closes a link by itself: there were too many, or it was unused. <see cref="Disconnected"/> follows.</summary>
    /// <param name="Peer">Whose link.</param>
    /// <param name="Why">What both sides are told.</param>
    public sealed record Pruned(PeerId Peer, CloseInfo Why) : NodeEvent;

    internal static NodeEvent? OfPolicy(LinkPolicyEffect news) => news switch
    {
        LinkPolicyEffect.Reconnecting lost => new Reconnecting(lost.Peer, lost.Attempt, lost.After),
        LinkPolicyEffect.GaveUp gone => new GaveUp(gone.Peer, gone.Addresses, gone.Attempts),
        LinkPolicyEffect.Close close => new Pruned(close.Peer, close.Why),
        _ => null,
    };
}
