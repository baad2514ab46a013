using System.Diagnostics.CodeAnalysis;

namespace Starling.Protocols.Links;

/// <summary>A peer's own word on where it may be reached, verified: what may be handed on to third parties. Immutable.</summary>
/// <param name="Peer">Who signed it.</param>
/// <param name="Key">The key that it was signed with.</param>
/// <param name="Sequence">Of two records of a peer the one with the greater number counts.</param>
/// <param name="Addresses">Where it may be reached, without peer id; may be empty. At most <see cref="IdentifyCodec.MaxAddresses"/>.</param>
/// <param name="Envelope">The signed bytes.</param>
public sealed record SignedPeerRecord(PeerId Peer, PublicKey Key, ulong Sequence, IReadOnlyList<Multiaddr> Addresses, ReadOnlyMemory<byte> Envelope)
{
    /// <summary>Verifies an envelope and reads the record: about 0.2 milliseconds.</summary>
    /// <param name="envelope">At most <see cref="IdentifyCodec.MaxMessageLength"/> bytes; copied.</param>
    /// <param name="record">The record, or null when it does not hold.</param>
    public static bool TryOpen(ReadOnlySpan<byte> envelope, [NotNullWhen(true)] out SignedPeerRecord? record)
    {
        record = null;
        if (!PeerRecords.TryOpen(envelope, out var peer, out var key, out var sequence, out var addresses)) return false;
        Multiaddr[] bare = [.. addresses.Where(address => address.PeerId is null || address.PeerId.Equals(peer)).Select(address => address.WithoutPeerId()).Distinct()];
        record = new SignedPeerRecord(peer, key, sequence, bare, envelope.ToArray());
        return true;
    }
}
