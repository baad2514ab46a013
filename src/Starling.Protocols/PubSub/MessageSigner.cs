using System.Buffers.Binary;
using System.Text;

namespace Starling.Protocols.PubSub;

/// <summary>Makes the messages of one node: signed (StrictSign), or bare for <see cref="OriginPolicy.Link"/>. Not safe for several threads: numbers must leave in the order in which they rise.</summary>
public sealed class MessageSigner
{
    private readonly NodeIdentity _identity;
    private readonly byte[] _from;
    private readonly byte[] _key;
    private ulong _sequenceNumber;

    /// <summary>Creates the signer.</summary>
    /// <param name="identity">The node's identity; stays the caller's.</param>
    /// <param name="wallTime">The time of day: the first number is its nanoseconds since 1970, so that numbers rise across restarts.</param>
    /// <param name="policy">Whether it signs.</param>
    public MessageSigner(NodeIdentity identity, DateTimeOffset wallTime, OriginPolicy policy = OriginPolicy.Signed)
    {
        ArgumentNullException.ThrowIfNull(identity);
        _identity = identity;
        Origin = identity.PeerId;
        _from = Origin.Bytes.ToArray();
        Policy = policy;
        _key = policy == OriginPolicy.Link || Origin.TryGetInlineKey(out _) ? [] : identity.PublicKey.Encoded.ToArray();
        _sequenceNumber = (ulong)Math.Max(0, (wallTime - DateTimeOffset.UnixEpoch).Ticks) * 100;
    }

    /// <summary>The node that signs.</summary>
    public PeerId Origin { get; }

    /// <summary>Whether it signs.</summary>
    public OriginPolicy Policy { get; }

    /// <summary>The size of a message before it is made: exact but for a signature, for which the longest of an ECDSA key is taken.</summary>
    public long EncodedSize(int topicBytes, long dataBytes) =>
        Field(_from.Length) + Field(dataBytes) + Field(8) + Field(topicBytes) + (Policy == OriginPolicy.Link ? 0 : Field(MaxSignature)) + (_key.Length == 0 ? 0 : Field(_key.Length));

    /// <summary>Numbers a message, and signs it where that is the policy. The data is copied.</summary>
    public PubSubMessage Sign(string topic, ReadOnlySpan<byte> data)
    {
        ArgumentNullException.ThrowIfNull(topic);
        var number = ++_sequenceNumber;
        var topicBytes = Encoding.UTF8.GetByteCount(topic);
        var prefix = MessageSignature.Prefix;
        var buffer = new byte[prefix.Length + EncodedSize(topicBytes, data.Length)];
        var at = prefix.Length;
        prefix.CopyTo(buffer);
        Write(buffer, ref at, 1, _from);
        Write(buffer, ref at, 2, data);
        var dataEnd = at;
        Span<byte> bigEndian = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bigEndian, number);
        Write(buffer, ref at, 3, bigEndian);
        buffer[at++] = (4 << 3) | ProtobufReader.Bytes;
        at += RpcCodec.WriteVarint(buffer.AsSpan(at), topicBytes);
        at += Encoding.UTF8.GetBytes(topic, buffer.AsSpan(at));
        if (Policy == OriginPolicy.Signed) Write(buffer, ref at, 5, _identity.Sign(buffer.AsSpan(0, at)));
        if (_key.Length > 0) Write(buffer, ref at, 6, _key);
        return new PubSubMessage(
            new MessageId(Origin, number),
            topic,
            buffer.AsMemory(prefix.Length, at - prefix.Length),
            buffer.AsMemory(dataEnd - data.Length, data.Length));
    }

    private const int MaxSignature = 72;

    private static long Field(long length) => 1 + RpcCodec.VarintSize((int)Math.Min(length, int.MaxValue)) + length;

    private static void Write(byte[] buffer, ref int at, int field, ReadOnlySpan<byte> value)
    {
        buffer[at++] = (byte)((field << 3) | ProtobufReader.Bytes);
        at += RpcCodec.WriteVarint(buffer.AsSpan(at), value.Length);
        value.CopyTo(buffer.AsSpan(at));
        at += value.Length;
    }
}
