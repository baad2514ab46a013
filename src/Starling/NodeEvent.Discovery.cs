using Starling.Net.Discovery;
using Starling.Net.Joining;

namespace Starling;

public abstract partial record NodeEvent
{
    /// <summary>A discovery found a peer, or found out that what is known of it has changed.</summary>
    /// <param name="Peer">Who and where: a claim until a link proves it.</param>
    public sealed record Found(DiscoveredPeer Peer) : NodeEvent;

    /// <summary>A discovery no longer knows of a peer. Says nothing of links to it.</summary>
    /// <param name="Peer">Who and where.</param>
    public sealed record Lost(DiscoveredPeer Peer) : NodeEvent;

    /// <summary>A peer asked to be let in, and was answered.</summary>
    /// <param name="Peer">Who.</param>
    /// <param name="Name">The display name that it gives itself, or null.</param>
    /// <param name="Answer">What it was told.</param>
    public sealed record JoinAnswered(PeerId Peer, string? Name, JoinAnswer Answer) : NodeEvent;
}
