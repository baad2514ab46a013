namespace Starling.Net.Transport;

/// <summary>Turns a raw byte stream into an encrypted one whose other end has proved its identity.</summary>
/// <remarks>Implementations are stateless between calls and safe for several handshakes at a time.</remarks>
public interface ISecurityProtocol
{
    /// <summary>The id that multistream-select proposes, such as <c>/tls/1.0.0</c>.</summary>
    string ProtocolId { get; }

    /// <summary>Runs the handshake.</summary>
    /// <param name="raw">The bytes after protocol selection. The returned channel owns it; on failure it may be closed already, and the caller disposes it in any case.</param>
    /// <param name="side">Who dialled: <see cref="Direction.Outbound"/> acts as client or initiator.</param>
    /// <param name="expected">Who must answer, or null when whoever answers is accepted.</param>
    /// <param name="muxers">Multiplexers that this side speaks, the most preferred first, to be agreed within the handshake.</param>
    /// <param name="cancellationToken">Ends the handshake; the raw stream is then of no more use. The caller sets the deadline.</param>
    /// <exception cref="HandshakeException">The handshake failed; <see cref="HandshakeException.Failure"/> says at what.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    Task<SecureChannel> SecureAsync(
        Stream raw, Direction side, PeerId? expected, IReadOnlyList<string> muxers, CancellationToken cancellationToken);
}

/// <summary>An encrypted byte stream to a peer that has proved its identity.</summary>
/// <param name="Stream">The plaintext side; disposing it disposes the raw stream.</param>
/// <param name="RemotePeer">The peer's id, derived from <paramref name="RemoteKey"/>.</param>
/// <param name="RemoteKey">The peer's public key, proved by the handshake.</param>
/// <param name="Muxer">The multiplexer that was agreed within the handshake, or null when it has yet to be negotiated.</param>
public sealed record SecureChannel(Stream Stream, PeerId RemotePeer, PublicKey RemoteKey, string? Muxer);
