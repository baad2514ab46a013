using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Starling.Protocols.Links.Wire;

namespace Starling.Protocols.Links;

/// <summary>Signed peer records (RFC 0002 and 0003): a peer's addresses under its own signature, so that a third party may hand them on.</summary>
public static class PeerRecords
{
    /// <summary>The domain that separates this signature from others, as go-libp2p and js-libp2p use it.</summary>
    private static readonly byte[] Domain = "libp2p-peer-record"u8.ToArray();

    /// <summary>The multicodec libp2p-peer-record, 0x0301.</summary>
    private static readonly byte[] PayloadType = [0x03, 0x01];

    /// <summary>Signs a record of this node's addresses.</summary>
    /// <param name="identity">Signs.</param>
    /// <param name="sequence">Greater than in every record before it; Unix time in milliseconds serves.</param>
    /// <param name="addresses">Where the node listens.</param>
    /// <returns>The envelope's bytes.</returns>
    public static byte[] Seal(NodeIdentity identity, ulong sequence, IReadOnlyList<Multiaddr> addresses)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(addresses);
        var record = new PeerRecord { PeerId = ByteString.CopyFrom(identity.PeerId.Bytes), Seq = sequence };
        record.Addresses.AddRange(addresses.Select(address => new PeerRecord.Types.AddressInfo { Multiaddr = ByteString.CopyFrom(address.Bytes.Span) }));
        var payload = record.ToByteArray();
        return new Envelope
        {
            PublicKey = ByteString.CopyFrom(identity.PublicKey.Encoded.Span),
            PayloadType = ByteString.CopyFrom(PayloadType),
            Payload = ByteString.CopyFrom(payload),
            Signature = ByteString.CopyFrom(identity.Sign(SignedBytes(payload))),
        }.ToByteArray();
    }

    /// <summary>Verifies an envelope and reads the record.</summary>
    /// <param name="envelope">At most <see cref="IdentifyCodec.MaxMessageLength"/> bytes.</param>
    /// <param name="peer">Who signed it, or null when it does not hold.</param>
    /// <param name="sequence">The record's sequence number.</param>
    /// <param name="addresses">At most <see cref="IdentifyCodec.MaxAddresses"/>; malformed ones are left out.</param>
    /// <returns>Whether signature, key and peer id agree.</returns>
    public static bool TryOpen(ReadOnlySpan<byte> envelope, [NotNullWhen(true)] out PeerId? peer, out ulong sequence, out IReadOnlyList<Multiaddr> addresses) =>
        TryOpen(envelope, out peer, out _, out sequence, out addresses);

    internal static bool TryOpen(
        ReadOnlySpan<byte> envelope,
        [NotNullWhen(true)] out PeerId? peer,
        [NotNullWhen(true)] out PublicKey? signer,
        out ulong sequence,
        out IReadOnlyList<Multiaddr> addresses)
    {
        (peer, signer, sequence, addresses) = (null, null, 0, []);
        if (envelope.Length > IdentifyCodec.MaxMessageLength) return false;
        try
        {
            var sealing = Envelope.Parser.ParseFrom(envelope);
            if (!sealing.PayloadType.Span.SequenceEqual(PayloadType)) return false;
            if (!PublicKey.TryDecode(sealing.PublicKey.Span, out var key, out _)) return false;
            if (!key.Verify(SignedBytes(sealing.Payload.Span), sealing.Signature.Span)) return false;
            var record = PeerRecord.Parser.ParseFrom(sealing.Payload);
            if (!record.PeerId.Span.SequenceEqual(key.ToPeerId().Bytes)) return false;
            var found = new List<Multiaddr>();
            foreach (var info in record.Addresses.Take(IdentifyCodec.MaxAddresses))
            {
                if (Multiaddr.TryDecode(info.Multiaddr.Span, out var address, out _)) found.Add(address);
            }

            (peer, signer, sequence, addresses) = (key.ToPeerId(), key, record.Seq, found);
            return true;
        }
        catch (Exception error) when (error is InvalidProtocolBufferException or IndexOutOfRangeException or ArgumentException)
        {
            // The parser runs off the end where a message within a message announces a length beyond 2 GiB.
            return false;
        }
    }

    private static byte[] SignedBytes(ReadOnlySpan<byte> payload)
    {
        var bytes = new ArrayBufferWriter<byte>(payload.Length + 64);
        foreach (var field in (ReadOnlySpan<byte[]>)[Domain, PayloadType])
        {
            Varint.Write(bytes, (ulong)field.Length);
            bytes.Write(field);
        }

        Varint.Write(bytes, (ulong)payload.Length);
        bytes.Write(payload);
        return bytes.WrittenSpan.ToArray();
    }
}
