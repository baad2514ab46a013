using Starling.Net.Links;
using Starling.Protocols.Links;

namespace Starling;

/// <content>The peer book.</content>
public sealed partial class StarlingNode
{
    /// <summary>What the node remembers of peers: list, find, keep for ever, remove. Kept over restarts in <see cref="PeerBookOptions.File"/>.</summary>
    public PeerBook Peers => _parts.Peers;

    /// <summary>Notes a peer by an address that a person typed: a multiaddr, <c>host:port</c> or <c>[v6]:port</c>.</summary>
    /// <inheritdoc cref="AddPeerAsync(Multiaddr, bool, bool, CancellationToken)"/>
    /// <exception cref="FormatException">It is no address; the message names the bad part.</exception>
    public Task<PeerEntry> AddPeerAsync(string address, bool isStatic = false, bool ping = false, CancellationToken cancellationToken = default) =>
        AddPeerAsync(Multiaddr.ParseUserInput(address), isStatic, ping, cancellationToken);

    /// <summary>Notes a peer at an address.</summary>
    /// <param name="address">Where, with <c>/p2p/ID</c> at its end; without it, <paramref name="ping"/> finds out who is there.</param>
    /// <param name="isStatic">Whether it is kept for ever. False leaves a static peer static.</param>
    /// <param name="ping">Whether it must answer a ping first. A link that is made for that stays.</param>
    /// <param name="cancellationToken">Ends the ping.</param>
    /// <returns>What is known of the peer now.</returns>
    /// <exception cref="HandshakeException">It was to be pinged and cannot be reached; it is not noted.</exception>
    /// <exception cref="StarlingException">It cannot be noted; the message says why.</exception>
    public Task<PeerEntry> AddPeerAsync(Multiaddr address, bool isStatic = false, bool ping = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return AddPeerAsync(address.PeerId, [address], isStatic, ping, cancellationToken);
    }

    /// <summary>Notes a peer at several addresses, IPv4, IPv6 and names alike.</summary>
    /// <param name="peer">Who; null lets the addresses say, or the ping.</param>
    /// <param name="addresses">Where; at least one.</param>
    /// <param name="isStatic">Whether it is kept for ever. False leaves a static peer static.</param>
    /// <param name="ping">Whether it must answer a ping first. A link that is made for that stays.</param>
    /// <param name="cancellationToken">Ends the ping.</param>
    /// <inheritdoc cref="AddPeerAsync(Multiaddr, bool, bool, CancellationToken)"/>
    public async Task<PeerEntry> AddPeerAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, bool isStatic = false, bool ping = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        if (ping)
        {
            var link = await ConnectAsync(peer, addresses, cancellationToken);
            await PingAsync(link.Peer, cancellationToken);
            peer = link.Peer;
        }

        peer ??= addresses.Select(address => address.PeerId).FirstOrDefault(id => id is not null)
            ?? throw new StarlingException($"{string.Join(", ", addresses)} names no peer; add /p2p/ID at its end, or have it pinged to learn who is there.");
        if (peer == PeerId) throw new StarlingException($"{peer} is this node itself; it is never in its own peer book.");
        Peers.Add(peer, addresses, AddressSource.User);
        if (isStatic) Peers.SetStatic(peer, true);
        return Peers.Find(peer) is { IsDead: false } entry
            ? entry
            : throw new StarlingException($"{peer} was not noted: {string.Join(", ", addresses)} cannot be dialled, or the book is full of peers that must stay; remove some, or raise Peers:MaxPeers.");
    }
}
