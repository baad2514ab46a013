using Starling.Net.Links;

namespace Starling;

/// <summary>Something that happened to a node.</summary>
public abstract partial record NodeEvent
{
    private NodeEvent()
    {
    }

    /// <summary>The node accepts links at an address.</summary>
    /// <param name="Address">The address with the node's peer id.</param>
    public sealed record Listening(Multiaddr Address) : NodeEvent;

    /// <summary>A link to a peer is ready.</summary>
    /// <param name="Link">The link; what the peer said of itself is in <see cref="PeerLink.Info"/>.</param>
    public sealed record Connected(PeerLink Link) : NodeEvent;

    /// <summary>A peer told of a change of its protocols, addresses or name.</summary>
    /// <param name="Link">The link, whose <see cref="PeerLink.Info"/> is the new one.</param>
    public sealed record Identified(PeerLink Link) : NodeEvent;

    /// <summary>The link to a peer has ended.</summary>
    /// <param name="Link">The link.</param>
    /// <param name="Why">The first reason that was given.</param>
    public sealed record Disconnected(PeerLink Link, CloseInfo Why) : NodeEvent;
}
