using System.Diagnostics.CodeAnalysis;
using Starling.Protocols.Links;

namespace Starling.Gateways.Gossip;

/// <summary>News about a peer: found, with its own signed word on where it is, or lost.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Record">The peer's signed record where it was found, else null.</param>
public sealed record PeerUpdate(PeerId Peer, SignedPeerRecord? Record)
{
    /// <summary>Whether it was found.</summary>
    public bool IsFound => Record is not null;
}

/// <summary>Reads and writes <see cref="PeerUpdate"/>: a byte, 1 for found and 2 for lost, then the signed record, or the peer id.</summary>
public static class PeerUpdateCodec
{
    private const byte Found = 1;
    private const byte Lost = 2;

    /// <summary>The bytes of an update.</summary>
    public static byte[] Write(PeerUpdate update)
    {
        ArgumentNullException.ThrowIfNull(update);
        return update.Record is { } record ? [Found, .. record.Envelope.Span] : [Lost, .. update.Peer.Bytes];
    }

    /// <summary>Reads an update. A record that its peer has not signed is none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out PeerUpdate? update)
    {
        update = bytes switch
        {
            [Found, .. var envelope] when SignedPeerRecord.TryOpen(envelope, out var record) => new PeerUpdate(record.Peer, record),
            [Lost, .. var id] when PeerId.TryFromBytes(id, out var peer) => new PeerUpdate(peer, null),
            _ => null,
        };
        return update is not null;
    }
}
