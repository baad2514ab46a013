using Starling.Net.Links;
using Starling.Protocols.Links;

namespace Starling;

/// <content>Direct and transient links, ways to end one, readiness, names.</content>
public sealed partial class StarlingNode
{
    /// <summary>Connects to a peer at any of several addresses and says how long the link is meant to last.</summary>
    /// <param name="peer">Who must answer; null trusts the id in the addresses, or on first use whoever answers.</param>
    /// <param name="addresses">Dialled in parallel, staggered; at least one.</param>
    /// <param name="kind">What a new link is to be. A transient link that is there already is made direct when that is asked for; a direct one stays direct.</param>
    /// <param name="cancellationToken">Cancels this wait.</param>
    /// <exception cref="HandshakeException">There is no link, or it may not be direct; the message says why, with the words of the other side when that refused.</exception>
    public async Task<PeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, LinkKind kind, CancellationToken cancellationToken = default) => kind == LinkKind.Direct
        ? await ConnectAsync(peer, addresses, cancellationToken)
        : (PeerLink)await _parts.Swarm.ConnectAsync(peer, addresses, kind, cancellationToken);

    /// <summary>Makes the link to a peer direct or transient, together with the other end.</summary>
    /// <inheritdoc cref="Swarm.SetKindAsync" path="/remarks"/>
    /// <exception cref="LinkKindRefusedException">This side or the other refuses, or the peer knows no kinds.</exception>
    /// <exception cref="StarlingException">There is no link to the peer, or it does not answer.</exception>
    public Task SetKindAsync(PeerId peer, LinkKind kind, CancellationToken cancellationToken = default) =>
        _parts.Swarm.SetKindAsync(LinkTo(peer), kind, cancellationToken);

    /// <summary>Closes the link to a peer and waits until it is gone. Does nothing when there is none.</summary>
    /// <param name="peer">Whose link.</param>
    /// <param name="mode">What the other side is told; <see cref="DisconnectMode.Forced"/> also puts the peer on the blocklist.</param>
    /// <param name="reason">A sentence for people on both sides; at most 256 characters are sent, and none when the mode is one-sided.</param>
    /// <param name="cancellationToken">Ends the wait; the link is closed all the same.</param>
    /// <exception cref="StarlingException">The blocklist is full.</exception>
    public async Task DisconnectAsync(PeerId peer, DisconnectMode mode, string? reason = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        Release(peer);

        // The close is asked for first, so that its reason is the one that both sides are told.
        var closing = _parts.Swarm.DisconnectAsync(peer, mode, reason, cancellationToken);
        if (mode == DisconnectMode.Forced) await BlockAsync(peer, null, IdentifyCodec.Clean(reason ?? "", BlockEntry.MaxNoteLength), cancellationToken);
        await closing;
    }

    /// <summary>Says to every peer, now and on later links, whether the application here is ready.</summary>
    /// <inheritdoc cref="Swarm.MarkReadyAsync"/>
    public Task MarkReadyAsync(bool ready = true, CancellationToken cancellationToken = default) => _parts.Swarm.MarkReadyAsync(ready, cancellationToken);

    /// <inheritdoc cref="Swarm.MarkPeerReadyAsync"/>
    public Task<bool> MarkPeerReadyAsync(PeerId peer, bool ready = true) => _parts.Swarm.MarkPeerReadyAsync(peer, ready);

    /// <summary>The linked peers whose applications are ready.</summary>
    public IReadOnlyList<PeerId> ReadyPeers => [.. Links.Where(link => link.IsPeerReady).Select(link => link.Peer)];

    /// <inheritdoc cref="Swarm.WaitForReadyAsync"/>
    public Task WaitForReadyAsync(IReadOnlyCollection<PeerId>? peers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _parts.Swarm.WaitForReadyAsync(peers, timeout, cancellationToken);

    /// <summary>Whether there is a ready link to a peer.</summary>
    public bool IsConnectedTo(PeerId peer) => _parts.Swarm.FindLink(peer) is not null;

    /// <summary>Whether there is a ready link to an address that a person typed: a multiaddr, <c>host:port</c> or <c>[v6]:port</c>; names are resolved.</summary>
    /// <exception cref="FormatException">It is no address; the message names the bad part.</exception>
    public async Task<bool> IsConnectedToAsync(string address, CancellationToken cancellationToken = default) =>
        await FindByAddressAsync(address, cancellationToken) is not null;

    /// <summary>The ready links to peers that call themselves so; several may, because nobody verifies names.</summary>
    public IReadOnlyList<PeerLink> FindByName(string displayName) => _parts.Swarm.FindByName(displayName);

    /// <summary>The ready link to an address that a person typed, or null; names are resolved.</summary>
    /// <inheritdoc cref="Swarm.FindByAddress" path="/remarks"/>
    /// <exception cref="FormatException">It is no address; the message names the bad part.</exception>
    public Task<PeerLink?> FindByAddressAsync(string address, CancellationToken cancellationToken = default) =>
        _parts.Swarm.FindByAddressAsync(Multiaddr.ParseUserInput(address), cancellationToken);
}
