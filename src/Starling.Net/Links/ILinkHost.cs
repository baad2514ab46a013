namespace Starling.Net.Links;

/// <summary>Serves one inbound stream of a protocol. The handler owns the stream's reading and writing; the host disposes it when the handler returns and resets it when the handler throws.</summary>
/// <param name="stream">The negotiated stream; <see cref="IStream.Protocol"/> says which id was chosen.</param>
/// <param name="cancellationToken">Cancelled when the handler is removed or the node stops.</param>
public delegate Task StreamHandler(IStream stream, CancellationToken cancellationToken);

/// <summary>One ready link to a peer: authenticated, multiplexed, identified.</summary>
public interface IPeerLink
{
    /// <summary>The peer's id.</summary>
    PeerId Peer { get; }

    /// <summary>How long the link is meant to last; both ends agree on it. Links with peers that are not Starling nodes are direct.</summary>
    LinkKind Kind { get; }

    /// <summary>How much the link matters to this node; the other end has its own view. Default <see cref="LinkPriority.Medium"/>.</summary>
    LinkPriority Priority { get; set; }

    /// <summary>The link underneath.</summary>
    IConnection Connection { get; }

    /// <summary>What the peer said of itself by identify; replaced whole when it pushes.</summary>
    PeerInfo Info { get; }

    /// <summary>Opens a stream and negotiates the first of the protocols that the peer speaks.</summary>
    /// <exception cref="ProtocolNotSupportedException">The peer speaks none of them.</exception>
    ValueTask<IStream> OpenStreamAsync(IReadOnlyList<string> protocols, CancellationToken cancellationToken = default);
}

/// <summary>What a peer said of itself by identify: claims, bounded in count and length, verified only where stated.</summary>
/// <param name="AgentVersion">Such as <c>starling/0.1.0</c>; empty when not told.</param>
/// <param name="ProtocolVersion">The application's protocol version; empty when not told.</param>
/// <param name="Protocols">Protocol ids that the peer serves.</param>
/// <param name="ListenAddresses">Where the peer says that it listens.</param>
/// <param name="ObservedAddress">Our address as the peer sees it, or null.</param>
/// <param name="DisplayName">The display name of a Starling node, or null.</param>
/// <param name="SignedPeerRecord">The raw signed envelope, or empty.</param>
public sealed record PeerInfo(
    string AgentVersion,
    string ProtocolVersion,
    IReadOnlyList<string> Protocols,
    IReadOnlyList<Multiaddr> ListenAddresses,
    Multiaddr? ObservedAddress,
    string? DisplayName,
    ReadOnlyMemory<byte> SignedPeerRecord);

/// <summary>Is told of links as they come and go. Calls come one at a time per host, in order; they must return at once and never throw.</summary>
public interface ILinkObserver
{
    /// <summary>The first link to this peer is ready.</summary>
    void OnConnected(IPeerLink link);

    /// <summary>The peer pushed a new identify message; <see cref="IPeerLink.Info"/> is already the new one.</summary>
    void OnIdentified(IPeerLink link);

    /// <summary>The link has become direct, or transient: <see cref="IPeerLink.Kind"/> is already the new kind.</summary>
    void OnKindChanged(IPeerLink link)
    {
    }

    /// <summary>The application at the other end has said that it is ready, or that it is no longer: see <see cref="PeerLink.IsPeerReady"/>.</summary>
    void OnReadinessChanged(IPeerLink link)
    {
    }

    /// <summary>No link to this peer is left.</summary>
    void OnDisconnected(IPeerLink link, CloseInfo why);
}

/// <summary>What protocols need of the part that keeps links: peers, streams, handlers, events.</summary>
/// <remarks>Every member is safe for several threads.</remarks>
public interface ILinkHost
{
    /// <summary>This node's id.</summary>
    PeerId LocalPeer { get; }

    /// <summary>The addresses that this node listens on, without peer id.</summary>
    IReadOnlyList<Multiaddr> ListenAddresses { get; }

    /// <summary>The links that are ready now: at most one per peer.</summary>
    IReadOnlyList<IPeerLink> Links { get; }

    /// <summary>The ready link to a peer, or null.</summary>
    IPeerLink? Find(PeerId peer);

    /// <summary>Connects, or returns the link that is already there. Ready when it returns.</summary>
    /// <param name="peer">Who must answer; null trusts the id in the addresses, or on first use whoever answers.</param>
    /// <param name="addresses">Dialled in parallel, staggered; at least one.</param>
    /// <param name="cancellationToken">Cancels this wait.</param>
    /// <exception cref="HandshakeException">No address led to a ready link; the message names each address and its reason.</exception>
    Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default);

    /// <summary>Connects as <see cref="ConnectAsync(PeerId?, IReadOnlyList{Multiaddr}, CancellationToken)"/> does, and says how long the link is meant to last.</summary>
    /// <param name="peer">Who must answer; null trusts the id in the addresses, or on first use whoever answers.</param>
    /// <param name="addresses">Dialled in parallel, staggered; at least one.</param>
    /// <param name="kind">What a new link is to be. A transient link that is there already is made direct when that is asked for; a direct one stays direct.</param>
    /// <param name="cancellationToken">Cancels this wait.</param>
    /// <exception cref="HandshakeException">No address led to a ready link, or the transient link may not be direct; the message says why.</exception>
    Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, LinkKind kind, CancellationToken cancellationToken = default) =>
        kind == LinkKind.Direct ? ConnectAsync(peer, addresses, cancellationToken) : throw new NotSupportedException("This host makes direct links only.");

    /// <summary>Closes the link to a peer, if there is one, and waits until it is gone; the peer is told why.</summary>
    /// <param name="peer">Whose link.</param>
    /// <param name="why">What both sides are told; null stands for <see cref="CloseReason.LocalClose"/>.</param>
    /// <param name="cancellationToken">Cancels this wait.</param>
    Task DisconnectAsync(PeerId peer, CloseInfo? why = null, CancellationToken cancellationToken = default) =>
        Find(peer)?.Connection.CloseAsync(why ?? new CloseInfo(CloseReason.LocalClose), cancellationToken) ?? Task.CompletedTask;

    /// <summary>Serves a protocol id from now on and tells linked peers by identify/push. Disposing stops serving.</summary>
    /// <param name="protocol">The protocol id, such as <c>/chat/1.0.0</c>.</param>
    /// <param name="handler">Called for each inbound stream.</param>
    /// <param name="maxInboundPerPeer">Inbound streams of this protocol at once from one peer; more are reset and counted.</param>
    /// <exception cref="InvalidOperationException">The protocol has a handler already.</exception>
    IDisposable Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32);

    /// <summary>Adds an observer; it is first told of every link that is ready already. Disposing removes it.</summary>
    IDisposable Observe(ILinkObserver observer);
}
