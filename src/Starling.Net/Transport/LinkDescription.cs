namespace Starling.Net.Transport;

/// <summary>What an upgraded link is known by: who stands at each end, how the bytes are secured and multiplexed.</summary>
/// <param name="LocalPeer">This node's id.</param>
/// <param name="RemotePeer">The peer's id, proved by the handshake.</param>
/// <param name="RemoteKey">The peer's public key, proved by the handshake.</param>
/// <param name="LocalAddress">This end's address.</param>
/// <param name="RemoteAddress">The other end's address, without its peer id.</param>
/// <param name="Direction">Who dialled; the dialler's streams have odd ids.</param>
/// <param name="Security">The negotiated security protocol, such as <c>/tls/1.0.0</c>.</param>
/// <param name="Muxer">The negotiated multiplexer, such as <c>/yamux/1.0.0</c>.</param>
public sealed record LinkDescription(
    PeerId LocalPeer,
    PeerId RemotePeer,
    PublicKey RemoteKey,
    Multiaddr LocalAddress,
    Multiaddr RemoteAddress,
    Direction Direction,
    string Security,
    string Muxer);
