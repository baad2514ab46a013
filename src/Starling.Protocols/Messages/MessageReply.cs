using System.Text;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Messages;

/// <summary>What the receiver of messages says on the way back of their stream: once what it takes, then answers to those who asked for one.</summary>
/// <remarks><code>
/// message Reply  { Hello hello = 1;   Answer answer = 2; }
/// message Hello  { repeated uint32 compressions = 1;   uint64 max_message_bytes = 2; }
/// message Answer { bytes id = 1;   uint32 refusal = 2;   string detail = 3; }
/// </code>Each behind a varint length of at most <see cref="MaxBytes"/>.</remarks>
public abstract record MessageReply
{
    /// <summary>The longest reply, bytes without its length prefix.</summary>
    public const int MaxBytes = 1024;

    /// <summary>The longest detail, characters.</summary>
    public const int MaxDetail = 200;

    private const int MaxCompressions = 16;

    private MessageReply()
    {
    }

    /// <summary>What the receiver takes: the first frame on the way back.</summary>
    /// <param name="Compressions">The compressions that it inflates; unknown ones are left out.</param>
    /// <param name="MaxMessageBytes">The largest message, envelope and payload, compressed or not.</param>
    public sealed record Hello(IReadOnlyList<MessageCompression> Compressions, long MaxMessageBytes) : MessageReply;

    /// <summary>What became of a message whose sender waits for it.</summary>
    /// <param name="Id">The message.</param>
    /// <param name="Refusal"><see cref="MessageRefusal.None"/> when it was taken in.</param>
    /// <param name="Detail">A sentence for people; empty when the refusal says it all.</param>
    public sealed record Answer(MessageUid Id, MessageRefusal Refusal, string Detail = "") : MessageReply;

    /// <summary>Reads a reply without its length prefix; null when it is none.</summary>
    public static MessageReply? Decode(ReadOnlySpan<byte> body)
    {
        var reader = new ProtobufReader(body);
        MessageReply? reply = null;
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return null;
            if (field > 2)
            {
                if (!reader.TrySkip(wireType)) return null;
                continue;
            }

            if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return null;
            reply = field == 1 ? DecodeHello(body.Slice(start, length)) : DecodeAnswer(body.Slice(start, length));
            if (reply is null) return null;
        }

        return reply;
    }

    /// <summary>The reply with its length prefix.</summary>
    public byte[] Encode()
    {
        Span<byte> inner = stackalloc byte[MaxBytes];
        Span<byte> outer = stackalloc byte[MaxBytes + 8];
        var length = this switch
        {
            Hello hello => Write(inner, hello),
            Answer answer => Write(inner, answer),
            _ => 0,
        };
        var writer = new FieldWriter(outer);
        writer.Bytes(this is Hello ? 1 : 2, inner[..length]);
        var body = outer[..writer.Position];
        var frame = new byte[LengthDelimited.FramedLength(body.Length)];
        body.CopyTo(frame.AsSpan(Varint.Write(frame, (ulong)body.Length)));
        return frame;
    }

    private static int Write(Span<byte> to, Hello hello)
    {
        var writer = new FieldWriter(to);
        Span<byte> packed = stackalloc byte[MaxCompressions];
        var count = Math.Min(hello.Compressions.Count, MaxCompressions);
        for (var i = 0; i < count; i++) packed[i] = (byte)hello.Compressions[i];
        if (count > 0) writer.Bytes(1, packed[..count]);
        writer.Number(2, (ulong)hello.MaxMessageBytes);
        return writer.Position;
    }

    private static int Write(Span<byte> to, Answer answer)
    {
        var writer = new FieldWriter(to);
        Span<byte> id = stackalloc byte[MessageUid.Length];
        answer.Id.Write(id);
        writer.Bytes(1, id);
        writer.Number(2, (ulong)answer.Refusal);
        if (answer.Detail.Length == 0) return writer.Position;
        Span<byte> detail = stackalloc byte[MaxDetail * 3];
        var text = answer.Detail.AsSpan(0, Math.Min(MaxDetail, answer.Detail.Length));
        writer.Bytes(3, detail[..Encoding.UTF8.GetBytes(text, detail)]);
        return writer.Position;
    }

    private static Hello? DecodeHello(ReadOnlySpan<byte> body)
    {
        var reader = new ProtobufReader(body);
        List<MessageCompression> compressions = [];
        ulong most = 0;
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return null;
            switch (field, wireType)
            {
                case (1, ProtobufReader.Varint):
                    if (!reader.TryReadVarint(out var one)) return null;
                    Add(one);
                    break;
                case (1, ProtobufReader.Bytes):
                    if (!reader.TryReadBytes(out var start, out var length)) return null;
                    var packed = new ProtobufReader(body.Slice(start, length));
                    while (!packed.AtEnd)
                    {
                        if (!packed.TryReadVarint(out var each)) return null;
                        Add(each);
                    }

                    break;
                case (2, ProtobufReader.Varint):
                    if (!reader.TryReadVarint(out most) || most > long.MaxValue) return null;
                    break;
                default:
                    if (field is 1 or 2 || !reader.TrySkip(wireType)) return null;
                    break;
            }
        }

        return new Hello(compressions, (long)most);

        void Add(ulong value)
        {
            var compression = (MessageCompression)value;
            if (value is > 0 and <= (ulong)MessageCompression.Zlib && !compressions.Contains(compression)) compressions.Add(compression);
        }
    }

    private static Answer? DecodeAnswer(ReadOnlySpan<byte> body)
    {
        var reader = new ProtobufReader(body);
        MessageUid? id = null;
        ulong refusal = 0;
        var detail = "";
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return null;
            switch (field, wireType)
            {
                case (1, ProtobufReader.Bytes):
                    if (!reader.TryReadBytes(out var start, out var length) || length != MessageUid.Length) return null;
                    id = MessageUid.Read(body.Slice(start, length));
                    break;
                case (2, ProtobufReader.Varint):
                    if (!reader.TryReadVarint(out refusal) || refusal > int.MaxValue) return null;
                    break;
                case (3, ProtobufReader.Bytes):
                    if (!reader.TryReadBytes(out start, out length)) return null;
                    detail = Readable(Encoding.UTF8.GetString(body.Slice(start, length)));
                    break;
                default:
                    if (field is >= 1 and <= 3 || !reader.TrySkip(wireType)) return null;
                    break;
            }
        }

        return id is { } known ? new Answer(known, (MessageRefusal)refusal, detail) : null;
    }

    /// <summary>A peer's words, fit for a log and a terminal.</summary>
    private static string Readable(string text) =>
        new([.. text.Take(MaxDetail).Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? '\uFFFD' : letter)]);
}
