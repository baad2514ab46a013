using System.Net;
using Starling.Net.Discovery;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>The gate, the closing of open links, and the filter of candidates.</content>
public sealed partial class Restrictions
{
    private static readonly LinkRefusal Refusal = new(CloseReason.Blocked, "This peer or its address is on the blocklist.");

    /// <summary>The entry that keeps a peer or an address away, or null.</summary>
    /// <param name="peer">Who, or null when nobody knows.</param>
    /// <param name="address">Where, or null. A name is not looked up.</param>
    public BlockEntry? Match(PeerId? peer, Multiaddr? address = null)
    {
        IPAddress? ip = null;
        address?.TryGetIPAddress(out ip);
        lock (_gate) return _core.Match(peer, ip, _clock.GetUtcNow());
    }

    /// <summary>The candidates that are not blocked, in their order: neither the peer, nor every one of its addresses.</summary>
    /// <param name="candidates">Any kind of candidates.</param>
    /// <param name="peer">Who a candidate is, or null when nobody knows.</param>
    /// <param name="addresses">Where it may be reached; none does not block it.</param>
    public IReadOnlyList<T> FilterCandidates<T>(IEnumerable<T> candidates, Func<T, PeerId?> peer, Func<T, IEnumerable<Multiaddr>> addresses)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(addresses);
        return [.. candidates.Where(candidate =>
        {
            if (Match(peer(candidate)) is not null) return false;
            var places = addresses(candidate).ToList();
            return places.Count == 0 || places.Exists(place => Match(null, place) is null);
        })];
    }

    /// <summary>The peers that are not blocked, in their order.</summary>
    public IReadOnlyList<PeerEntry> FilterCandidates(IEnumerable<PeerEntry> candidates) =>
        FilterCandidates(candidates, static entry => entry.Peer, static entry => entry.Addresses.Select(address => address.Address));

    /// <summary>The found peers that are not blocked, in their order.</summary>
    public IReadOnlyList<DiscoveredPeer> FilterCandidates(IEnumerable<DiscoveredPeer> candidates) =>
        FilterCandidates(candidates, static found => found.Peer, static found => found.Addresses);

    LinkRefusal? ILinkGate.RefuseDial(PeerId? peer, Multiaddr address) => Match(peer ?? address?.PeerId, address) is null ? null : Refusal;

    LinkRefusal? ILinkGate.RefuseAccept(Multiaddr remote) => Match(null, remote) is null ? null : Refusal;

    LinkRefusal? ILinkGate.RefuseLink(PeerId peer, Multiaddr remote, Direction direction) => Match(peer, remote) is null ? null : Refusal;

    /// <summary>A link that was being made while its end was blocked is closed when it is ready.</summary>
    void ILinkObserver.OnConnected(IPeerLink link)
    {
        if (Match(link.Peer, link.Connection.RemoteAddress) is { } entry) _tasks.Run(() => CloseAsync(link, entry));
    }

    void ILinkObserver.OnIdentified(IPeerLink link)
    {
        // What a peer says of itself blocks nobody.
    }

    void ILinkObserver.OnDisconnected(IPeerLink link, CloseInfo why)
    {
        // A link that has ended needs no closing.
    }

    private async Task CloseBlockedAsync()
    {
        if (_host is not { } host) return;
        var blocked = host.Links.Select(link => (Link: link, Entry: Match(link.Peer, link.Connection.RemoteAddress))).Where(one => one.Entry is not null);
        await Task.WhenAll(blocked.Select(one => CloseAsync(one.Link, one.Entry!))).ConfigureAwait(false);
    }

    private async Task CloseAsync(IPeerLink link, BlockEntry entry)
    {
        _metrics.ClosedBlocked();
        PeersLog.Closing(_logger, link.Peer, link.Connection.RemoteAddress, entry.Subject);
        await _disconnect!(link.Peer, new CloseInfo(Refusal.Reason, Refusal.Detail)).ConfigureAwait(false);
    }
}
