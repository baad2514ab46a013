using System.Text;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Messages;

/// <summary>Envelopes on the wire: protobuf behind a varint length, read and written without generated classes. Decoding neither copies nor throws.</summary>
/// <remarks><code>
/// message Envelope {
///   string type = 1;   sint32 action = 2;   bytes id = 3 /* 16 */;   bytes origin = 4;   int64 sent_at = 5;
///   uint32 compression = 6;   uint32 inflated_length = 7;   uint32 hops = 8;   bool wants_answer = 9;   bytes payload = 15;
/// }
/// </code>Unknown fields are skipped, a field that comes twice counts as it came last, as protobuf has it. The payload is written last, so that a large one need not be copied behind its head.</remarks>
public static class MessageCodec
{
    /// <summary>The protocol id.</summary>
    public const string Protocol = "/starling/message/1.0.0";

    /// <summary>The longest name of a type, bytes of UTF-8.</summary>
    public const int MaxTypeBytes = 128;

    /// <summary>A message of this size, whole envelope, is accepted by every node; larger ones only where the receiver says so.</summary>
    public const int MinMessageBytes = 64 << 10;

    /// <summary>The longest head: length prefix and all fields up to the payload.</summary>
    public const int MaxHeadBytes = 320;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Says what is wrong with a type's name, or null.</summary>
    public static string? WrongType(string? name)
    {
        if (string.IsNullOrEmpty(name)) return "it is empty";
        if (name.Any(char.IsControl)) return "it holds a control character";
        try
        {
            var length = StrictUtf8.GetByteCount(name);
            return length <= MaxTypeBytes ? null : $"it takes {length} bytes of UTF-8; at most {MaxTypeBytes} are allowed";
        }
        catch (EncoderFallbackException)
        {
            return "it is no valid UTF-16";
        }
    }

    /// <summary>Reads an envelope without its length prefix.</summary>
    /// <param name="body">The bytes, which the envelope's payload points into.</param>
    /// <param name="envelope">The envelope; not to be used when something is refused.</param>
    /// <returns><see cref="MessageRefusal.None"/>, <see cref="MessageRefusal.Malformed"/> or <see cref="MessageRefusal.UnknownCompression"/>.</returns>
    public static MessageRefusal Decode(ReadOnlyMemory<byte> body, out MessageEnvelope envelope)
    {
        envelope = default;
        var span = body.Span;
        var reader = new ProtobufReader(span);
        string? type = null;
        MessageUid? id = null;
        PeerId? origin = null;
        ulong action = 0, sentAt = 0, compression = 0, inflated = 0, hops = 0, wantsAnswer = 0;
        ReadOnlyMemory<byte> payload = default;
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return MessageRefusal.Malformed;
            int start, length;
            switch (field)
            {
                case 1:
                    if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out start, out length) || !TryReadType(span.Slice(start, length), out type)) return MessageRefusal.Malformed;
                    break;
                case 2:
                    if (!TryReadNumber(ref reader, wireType, uint.MaxValue, out action)) return MessageRefusal.Malformed;
                    break;
                case 3:
                    if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out start, out length) || length != MessageUid.Length) return MessageRefusal.Malformed;
                    id = MessageUid.Read(span.Slice(start, length));
                    break;
                case 4:
                    if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out start, out length) || !PeerId.TryFromBytes(span.Slice(start, length), out origin)) return MessageRefusal.Malformed;
                    break;
                case 5:
                    if (!TryReadNumber(ref reader, wireType, ulong.MaxValue, out sentAt)) return MessageRefusal.Malformed;
                    break;
                case 6:
                    if (!TryReadNumber(ref reader, wireType, int.MaxValue, out compression)) return MessageRefusal.Malformed;
                    break;
                case 7:
                    if (!TryReadNumber(ref reader, wireType, int.MaxValue, out inflated)) return MessageRefusal.Malformed;
                    break;
                case 8:
                    if (!TryReadNumber(ref reader, wireType, int.MaxValue, out hops)) return MessageRefusal.Malformed;
                    break;
                case 9:
                    if (!TryReadNumber(ref reader, wireType, ulong.MaxValue, out wantsAnswer)) return MessageRefusal.Malformed;
                    break;
                case 15:
                    if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out start, out length)) return MessageRefusal.Malformed;
                    payload = body.Slice(start, length);
                    break;
                default:
                    if (!reader.TrySkip(wireType)) return MessageRefusal.Malformed;
                    break;
            }
        }

        if (type is null || id is null) return MessageRefusal.Malformed;
        if (compression > (ulong)MessageCompression.Zlib) return MessageRefusal.UnknownCompression;
        if ((compression == 0) != (inflated == 0)) return MessageRefusal.Malformed;
        envelope = new MessageEnvelope
        {
            Type = type,
            Action = UnZigZag((uint)action),
            Id = id.Value,
            Origin = origin,
            SentAt = (long)sentAt,
            Compression = (MessageCompression)compression,
            InflatedLength = (int)inflated,
            Hops = (int)hops,
            WantsAnswer = wantsAnswer != 0,
            Payload = payload,
        };
        return MessageRefusal.None;
    }

    /// <summary>Writes the length prefix and everything before the payload, which has to follow it.</summary>
    /// <param name="to">At least <see cref="MaxHeadBytes"/>.</param>
    /// <param name="envelope">What to write; of its payload only the length is used.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">The type's name is out of range, or the buffer too small.</exception>
    public static int WriteHead(Span<byte> to, in MessageEnvelope envelope)
    {
        if (WrongType(envelope.Type) is { } wrong) throw new ArgumentException($"The message type '{envelope.Type}' cannot be sent: {wrong}.", nameof(envelope));
        if (to.Length < MaxHeadBytes) throw new ArgumentException($"The buffer has {to.Length} bytes; a head takes up to {MaxHeadBytes}.", nameof(to));
        Span<byte> fields = stackalloc byte[MaxHeadBytes];
        var length = WriteFields(fields, envelope);
        var prefix = Varint.Write(to, (ulong)length + (ulong)envelope.Payload.Length);
        fields[..length].CopyTo(to[prefix..]);
        return prefix + length;
    }

    private static int WriteFields(Span<byte> to, in MessageEnvelope envelope)
    {
        var writer = new FieldWriter(to);
        Span<byte> name = stackalloc byte[MaxTypeBytes];
        writer.Bytes(1, name[..StrictUtf8.GetBytes(envelope.Type, name)]);
        writer.Number(2, ZigZag(envelope.Action));
        Span<byte> id = stackalloc byte[MessageUid.Length];
        envelope.Id.Write(id);
        writer.Bytes(3, id);
        if (envelope.Origin is { } origin) writer.Bytes(4, origin.Bytes);
        writer.Number(5, (ulong)envelope.SentAt);
        writer.Number(6, (ulong)envelope.Compression);
        writer.Number(7, (ulong)envelope.InflatedLength);
        writer.Number(8, (ulong)envelope.Hops);
        writer.Number(9, envelope.WantsAnswer ? 1u : 0u);
        if (envelope.Payload.Length > 0) writer.Length(15, envelope.Payload.Length);
        return writer.Position;
    }

    private static bool TryReadNumber(ref ProtobufReader reader, int wireType, ulong most, out ulong value)
    {
        value = 0;
        return wireType == ProtobufReader.Varint && reader.TryReadVarint(out value) && value <= most;
    }

    private static bool TryReadType(ReadOnlySpan<byte> utf8, out string? type)
    {
        type = null;
        if (utf8.Length is 0 or > MaxTypeBytes || !global::System.Text.Unicode.Utf8.IsValid(utf8)) return false;
        type = StrictUtf8.GetString(utf8);
        return !type.Any(char.IsControl);
    }

    private static uint ZigZag(int value) => (uint)((value << 1) ^ (value >> 31));

    private static int UnZigZag(uint value) => (int)(value >> 1) ^ -(int)(value & 1);
}
