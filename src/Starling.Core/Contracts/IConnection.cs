namespace Starling;

/// <summary>What a link has carried since it began.</summary>
/// <param name="BytesReceived">Payload bytes of streams received.</param>
/// <param name="BytesSent">Payload bytes of streams sent.</param>
/// <param name="LastReceived">When anything at all arrived last, answers to pings included; the link's beginning before that.</param>
/// <param name="LastUsed">When payload of a stream went either way last; the link's beginning before that.</param>
public readonly record struct LinkTraffic(long BytesReceived, long BytesSent, Instant LastReceived, Instant LastUsed);

/// <summary>An authenticated, encrypted and multiplexed link to one peer.</summary>
/// <remarks>All members are safe for use by several threads. Disposing closes with <see cref="CloseReason.LocalClose"/>.</remarks>
public interface IConnection : IAsyncDisposable
{
    /// <summary>This node's id.</summary>
    PeerId LocalPeer { get; }

    /// <summary>The peer's id, proved by the handshake.</summary>
    PeerId RemotePeer { get; }

    /// <summary>The peer's public key, proved by the handshake.</summary>
    PublicKey RemoteKey { get; }

    /// <summary>This end's address.</summary>
    Multiaddr LocalAddress { get; }

    /// <summary>The other end's address, without its peer id.</summary>
    Multiaddr RemoteAddress { get; }

    /// <summary>Who dialled.</summary>
    Direction Direction { get; }

    /// <summary>The negotiated security protocol, such as <c>/tls/1.0.0</c>.</summary>
    string Security { get; }

    /// <summary>The negotiated multiplexer, such as <c>/yamux/1.0.0</c>.</summary>
    string Muxer { get; }

    /// <summary>The last round-trip time of the multiplexer's own ping, or null before the first.</summary>
    TimeSpan? RoundTripTime { get; }

    /// <summary>What the link has carried so far.</summary>
    LinkTraffic Traffic { get; }

    /// <summary>Streams that are open now.</summary>
    int StreamCount { get; }

    /// <summary>Completes, never faulted, once the link is closed and everything it held is freed.</summary>
    Task<CloseInfo> Closed { get; }

    /// <summary>Opens a stream. Waits while the backlog of unacknowledged streams is full.</summary>
    /// <exception cref="ConnectionClosedException">The link is closed or closing.</exception>
    ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default);

    /// <summary>The next stream that the peer opened.</summary>
    /// <exception cref="ConnectionClosedException">The link is closed.</exception>
    ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default);

    /// <summary>Measures a round trip with the multiplexer's ping.</summary>
    /// <exception cref="ConnectionClosedException">The link is closed, or closed while waiting.</exception>
    ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default);

    /// <summary>Says good-bye, flushes, closes and frees. The first close reason wins; later calls wait for the same end.</summary>
    /// <param name="why">What the user, the log and the metrics are told.</param>
    /// <param name="cancellationToken">Cancelling stops waiting for the peer and closes hard; the link is closed in any case.</param>
    Task CloseAsync(CloseInfo why, CancellationToken cancellationToken = default);
}
