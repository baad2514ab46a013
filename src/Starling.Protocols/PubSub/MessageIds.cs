using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Starling.Protocols.PubSub;

/// <summary>Message ids as bytes: the origin, then its number. The pubsub spec has the origin's peer id there, js-libp2p its encoded key; both are read.</summary>
internal static class MessageIds
{
    private const int NumberSize = sizeof(ulong);

    /// <summary>Longer than the longest id: an encoded RSA key of 4,096 bits and a number.</summary>
    private const int MaxSize = 1024;

    /// <summary>An encoded key begins with its type; a peer id begins with 0x00 or 0x12.</summary>
    private const byte KeyTypeTag = 0x08;

    /// <summary>What a peer id begins with that is a SHA-256.</summary>
    private const byte Sha256Code = 0x12;

    public static int SizeOf(MessageId id, MessageIdForm form) => Origin(id, form).Length + NumberSize;

    public static int Write(Span<byte> to, MessageId id, MessageIdForm form)
    {
        var origin = Origin(id, form);
        origin.CopyTo(to);
        BinaryPrimitives.WriteUInt64BigEndian(to[origin.Length..], id.SequenceNumber);
        return origin.Length + NumberSize;
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, OriginCache origins, out MessageId id, out MessageIdForm form)
    {
        id = default;
        form = MessageIdForm.PeerId;
        if (bytes.Length is <= NumberSize or > MaxSize) return false;
        var origin = bytes[..^NumberSize];
        var number = BinaryPrimitives.ReadUInt64BigEndian(bytes[^NumberSize..]);
        if (origin[0] == KeyTypeTag) form = MessageIdForm.PublicKey;
        var peer = form == MessageIdForm.PeerId ? Find(origin, origins) : FindByKey(origin, origins);
        if (peer is null) return false;
        id = new MessageId(peer, number);
        return true;
    }

    private static PeerId? Find(ReadOnlySpan<byte> multihash, OriginCache origins)
    {
        if (origins.TryGet(multihash, out var known)) return known.Id;
        return PeerId.TryFromBytes(multihash, out var peer) ? peer : null;
    }

    private static PeerId? FindByKey(ReadOnlySpan<byte> key, OriginCache origins)
    {
        // The id follows from the key's bytes. Whether they are a key is not looked at: that would cost more than the whole message around it.
        const int inlined = PeerId.MaxLength - 2;
        Span<byte> multihash = stackalloc byte[PeerId.MaxLength];
        if (key.Length > inlined)
        {
            (multihash[0], multihash[1]) = (Sha256Code, SHA256.HashSizeInBytes);
            SHA256.HashData(key, multihash[2..]);
            return Find(multihash[..(2 + SHA256.HashSizeInBytes)], origins);
        }

        multihash[0] = 0;
        multihash[1] = (byte)key.Length;
        key.CopyTo(multihash[2..]);
        return Find(multihash[..(2 + key.Length)], origins);
    }

    /// <summary>The origin's bytes; its peer id where the key is not inlined there, since it is not at hand.</summary>
    private static ReadOnlySpan<byte> Origin(MessageId id, MessageIdForm form)
    {
        var bytes = id.Origin.Bytes;
        return form == MessageIdForm.PublicKey && bytes[0] == 0 ? bytes[2..] : bytes;
    }
}
