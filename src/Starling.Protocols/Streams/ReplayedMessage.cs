using System.Buffers.Binary;
using System.Text;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Streams;

/// <summary>Reads a gossip message that came out of a neighbour's log, and proves what can be proved of it.</summary>
public static class ReplayedMessage
{
    /// <summary>Reads one.</summary>
    /// <param name="encoded">The message as its origin encoded it; kept when it is one.</param>
    /// <param name="wireName">The gossip topic that was asked for: a message of another is refused.</param>
    /// <param name="isSigned">Whether the topic's messages are signed; then the signature is checked (about 0.2 ms), else there must be none.</param>
    /// <returns>The message, or null when it is none, of another topic, or not its origin's.</returns>
    public static PubSubMessage? TryRead(ReadOnlyMemory<byte> encoded, string wireName, bool isSigned)
    {
        ArgumentNullException.ThrowIfNull(wireName);
        var span = encoded.Span;
        var fields = new RpcMessage { Whole = new RpcField(0, span.Length) };
        var reader = new ProtobufReader(span);
        while (!reader.AtEnd)
        {
            var start = reader.Position;
            if (!reader.TryReadTag(out var number, out var wireType)) return null;
            if (number > 6)
            {
                if (!reader.TrySkip(wireType)) return null;
                continue;
            }

            if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var at, out var length)) return null;
            if (!TrySet(ref fields, number, new RpcField(at, length), new RpcField(start, reader.Position - start))) return null;
        }

        return Judge(encoded, ref fields, wireName, isSigned);
    }

    private static bool TrySet(ref RpcMessage fields, int number, RpcField value, RpcField whole)
    {
        ref var field = ref fields.From;
        switch (number)
        {
            case 2:
                field = ref fields.Data;
                break;
            case 3:
                field = ref fields.SequenceNumber;
                break;
            case 4:
                field = ref fields.Topic;
                break;
            case 5:
                field = ref fields.Signature;
                fields.SignatureField = whole;
                break;
            case 6:
                field = ref fields.Key;
                fields.KeyField = whole;
                break;
        }

        if (field.IsPresent) return false;
        field = value;
        return true;
    }

    private static PubSubMessage? Judge(ReadOnlyMemory<byte> encoded, ref RpcMessage fields, string wireName, bool isSigned)
    {
        var span = encoded.Span;
        if (fields.SequenceNumber.Length != sizeof(ulong) || fields.Signature.IsPresent != isSigned || (!isSigned && fields.Key.IsPresent)) return null;
        if (!PeerId.TryFromBytes(fields.From.In(span), out var origin) || !IsName(fields.Topic.In(span), wireName)) return null;
        fields.Origin = new MessageOrigin(origin);
        if (isSigned)
        {
            MessageSignature.Verify(span, ref fields);
            if (fields.State != RpcMessageState.Verified) return null;
        }

        var data = fields.Data.IsPresent ? encoded.Slice(fields.Data.Start, fields.Data.Length) : default;
        return new PubSubMessage(new MessageId(origin, BinaryPrimitives.ReadUInt64BigEndian(fields.SequenceNumber.In(span))), wireName, encoded, data);
    }

    private static bool IsName(ReadOnlySpan<byte> utf8, string name) => utf8.Length == Encoding.UTF8.GetByteCount(name) && utf8.SequenceEqual(Encoding.UTF8.GetBytes(name));
}
