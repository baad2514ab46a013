using Starling.Net.Links;

namespace Starling;

/// <content>Kinds of links, neighbours, readiness.</content>
public abstract partial record NodeEvent
{
    /// <summary>The set of direct neighbours has changed. Follows the event that changed it.</summary>
    /// <param name="Neighbours">All of them now; does not change afterwards.</param>
    public sealed record NeighboursChanged(IReadOnlyCollection<PeerId> Neighbours) : NodeEvent;

    /// <summary>A link has become direct, or transient.</summary>
    /// <param name="Link">The link; <see cref="PeerLink.Kind"/> may have changed again meanwhile.</param>
    /// <param name="Kind">What it became.</param>
    public sealed record KindChanged(PeerLink Link, LinkKind Kind) : NodeEvent;

    /// <summary>The application at the other end of a link has said that it is ready, or that it is no longer.</summary>
    /// <param name="Link">The link.</param>
    /// <param name="IsReady">What it said.</param>
    public sealed record PeerReadiness(PeerLink Link, bool IsReady) : NodeEvent;
}
