using Starling.Protocols.Messages;

namespace Starling.Fuzz;

/// <summary>Messages, from the bytes to the inflated payload: no more than is declared, and nothing declared beyond its bounds.</summary>
internal sealed class Messages() : Target("messages", Frame(MessageCompression.None), Frame(MessageCompression.Brotli), Frame(MessageCompression.Zlib))
{
    private const int Limit = 4 << 20;

    public override void Feed(byte[] input, RandomSource random)
    {
        if (MessageCodec.Decode(input, out var envelope) != MessageRefusal.None) return;
        Hold(MessageCodec.WrongType(envelope.Type) is null, "a type's name is one");
        Hold(envelope.Hops >= 0 && envelope.InflatedLength >= 0, "numbers are not negative");
        Hold(envelope.Payload.Length <= input.Length, "the payload lies within the message");
        if (envelope.Compression == MessageCompression.None || envelope.InflatedLength > Limit) return;
        var refusal = PayloadCompression.Inflate(envelope.Payload, envelope.Compression, envelope.InflatedLength, out var inflated);
        Hold(inflated.Length == (refusal == MessageRefusal.None ? envelope.InflatedLength : 0), "a payload inflates to what it declares or not at all");
    }

    private static byte[] Frame(MessageCompression how)
    {
        var payload = new byte[2000];
        for (var i = 0; i < payload.Length; i++) payload[i] = (byte)(i / 9);
        var envelope = new MessageEnvelope { Type = "model", Action = -1, Id = new MessageUid(9), SentAt = 1_900_000_000_000, Payload = payload };
        if (how != MessageCompression.None) envelope = envelope with { Compression = how, InflatedLength = payload.Length, Payload = PayloadCompression.TryDeflate(payload, how)! };
        var head = new byte[MessageCodec.MaxHeadBytes];
        byte[] frame = [.. head.AsSpan(0, MessageCodec.WriteHead(head, envelope)), .. envelope.Payload.Span];
        Varint.TryRead(frame, out _, out var prefix);
        return frame[prefix..];
    }
}

/// <summary>What receivers of messages say on the way back.</summary>
internal sealed class MessageReplies() : Target("replies", Body(new MessageReply.Hello(PayloadCompression.Spoken, 1 << 27)), Body(new MessageReply.Answer(new MessageUid(7), MessageRefusal.Busy, "no room")))
{
    public override void Feed(byte[] input, RandomSource random)
    {
        if (MessageReply.Decode(input) is MessageReply.Answer answer) Hold(answer.Detail.Length <= MessageReply.MaxDetail && !answer.Detail.Any(char.IsControl), "a peer's words are short and harmless");
    }

    private static byte[] Body(MessageReply reply)
    {
        var frame = reply.Encode();
        Varint.TryRead(frame, out _, out var prefix);
        return frame[prefix..];
    }
}
