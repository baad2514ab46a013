using Starling.Net.Links;
using Starling.Protocols.Links.Policy;

namespace Starling;

/// <content>Which links are kept.</content>
public sealed partial class StarlingNode
{
    /// <summary>Keeps the links: what is dialled, made again, pruned, and why.</summary>
    public LinkManager LinkManager => _parts.Manager;

    /// <summary>Peers that are left alone for a while: given up, or parted from. Discoveries do not make the node dial them; its user may.</summary>
    public IReadOnlyList<RecentPeer> RecentlyDisconnected => _parts.Manager.RecentlyDisconnected;

    /// <inheritdoc cref="LinkManager.Keep(PeerId, IReadOnlyList{Multiaddr}?, LinkKeepOptions?)"/>
    public void Keep(PeerId peer, IReadOnlyList<Multiaddr>? addresses = null, LinkKeepOptions? options = null) => _parts.Manager.Keep(peer, addresses, options);

    /// <inheritdoc cref="LinkManager.Keep(Multiaddr, LinkKeepOptions?)"/>
    public void Keep(Multiaddr address, LinkKeepOptions? options = null) => _parts.Manager.Keep(address, options);

    /// <inheritdoc cref="LinkManager.Release(PeerId)"/>
    public bool Release(PeerId peer) => _parts.Manager.Release(peer);

    /// <inheritdoc cref="LinkManager.Release(Multiaddr)"/>
    public bool Release(Multiaddr address) => _parts.Manager.Release(address);

    /// <inheritdoc cref="LinkManager.Protect"/>
    public void Protect(PeerId peer, string tag) => _parts.Manager.Protect(peer, tag);

    /// <inheritdoc cref="LinkManager.Unprotect"/>
    public bool Unprotect(PeerId peer, string tag) => _parts.Manager.Unprotect(peer, tag);

    /// <inheritdoc cref="LinkManager.Tag"/>
    public void Tag(PeerId peer, string tag, int weight) => _parts.Manager.Tag(peer, tag, weight);

    /// <inheritdoc cref="LinkManager.WaitForNeighboursAsync"/>
    public Task WaitForNeighboursAsync(NeighbourGoal goal, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _parts.Manager.WaitForNeighboursAsync(goal, timeout, cancellationToken);

    /// <summary>Connects at the user's request: the link is kept from then on, and given up like a neighbour's when it cannot be made again.</summary>
    private async Task<PeerLink> ConnectAndKeepAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken)
    {
        var link = (PeerLink)await _parts.Swarm.ConnectAsync(peer, addresses, cancellationToken);
        _parts.Manager.Keep(link.Peer, addresses, new LinkKeepOptions { Reconnect = _options.Links.Reconnect, Limit = _options.Links.ReconnectAttempts });
        return link;
    }
}
