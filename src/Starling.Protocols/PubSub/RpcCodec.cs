using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Starling.Protocols.PubSub;

/// <summary>The pub/sub RPC on the wire (pubsub spec, "The RPC"): protobuf behind a varint length, read and written without generated classes.</summary>
public static partial class RpcCodec
{
    private const int SubscriptionsField = 1;
    private const int PublishField = 2;
    private const int ControlField = 3;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads an RPC without its length prefix. Unknown fields are skipped.</summary>
    /// <param name="body">The bytes, which the RPC points into.</param>
    /// <param name="options">The bounds.</param>
    /// <param name="rpc">Filled; what it held is forgotten. Not to be used when something is refused.</param>
    /// <returns><see cref="PubSubRefusal.None"/>, or why the whole RPC is refused.</returns>
    public static PubSubRefusal Decode(ReadOnlyMemory<byte> body, PubSubOptions options, Rpc rpc)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(rpc);
        rpc.Reset(body);
        if (body.Length > options.MaxRpcBytes) return PubSubRefusal.RpcTooLarge;
        var span = body.Span;
        var reader = new ProtobufReader(span);
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return PubSubRefusal.Malformed;
            if (field > ControlField)
            {
                if (!reader.TrySkip(wireType)) return PubSubRefusal.Malformed;
                continue;
            }

            if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return PubSubRefusal.Malformed;
            var refusal = field switch
            {
                SubscriptionsField => ReadSubscription(span.Slice(start, length), options, rpc),
                PublishField => ReadMessage(span, new RpcField(start, length), options, rpc),
                _ => ReadControl(span, new RpcField(start, length), options, rpc),
            };
            if (refusal != PubSubRefusal.None) return refusal;
        }

        return PubSubRefusal.None;
    }

    /// <summary>The bytes that a subscription entry takes in an RPC.</summary>
    public static int SizeOfSubscription(string topic)
    {
        var name = StrictUtf8.GetByteCount(topic);
        var entry = 2 + 1 + VarintSize(name) + name;
        return 1 + VarintSize(entry) + entry;
    }

    /// <summary>Writes a subscription entry as a field of an RPC and returns its size.</summary>
    public static int WriteSubscription(Span<byte> to, string topic, bool subscribe)
    {
        var name = StrictUtf8.GetByteCount(topic);
        var at = 0;
        to[at++] = (SubscriptionsField << 3) | ProtobufReader.Bytes;
        at += WriteVarint(to[at..], 2 + 1 + VarintSize(name) + name);
        to[at++] = (1 << 3) | ProtobufReader.Varint;
        to[at++] = subscribe ? (byte)1 : (byte)0;
        to[at++] = (2 << 3) | ProtobufReader.Bytes;
        at += WriteVarint(to[at..], name);
        return at + StrictUtf8.GetBytes(topic, to[at..]);
    }

    /// <summary>The bytes that an encoded message takes in an RPC.</summary>
    public static int SizeOfMessage(int encodedLength) => 1 + VarintSize(encodedLength) + encodedLength;

    /// <summary>Writes an encoded message as a field of an RPC and returns its size.</summary>
    public static int WriteMessage(Span<byte> to, ReadOnlySpan<byte> encoded)
    {
        to[0] = (PublishField << 3) | ProtobufReader.Bytes;
        var at = 1 + WriteVarint(to[1..], encoded.Length);
        encoded.CopyTo(to[at..]);
        return at + encoded.Length;
    }

    /// <summary>The bytes that a length takes.</summary>
    public static int VarintSize(int value)
    {
        var size = 1;
        for (var rest = (uint)value; rest >= 0x80; rest >>= 7) size++;
        return size;
    }

    /// <summary>Writes a length in as few bytes as hold it and returns how many.</summary>
    public static int WriteVarint(Span<byte> to, int value)
    {
        var at = 0;
        var rest = (uint)value;
        for (; rest >= 0x80; rest >>= 7) to[at++] = (byte)(rest | 0x80);
        to[at++] = (byte)rest;
        return at;
    }

    /// <summary>A topic name's size on the wire, or -1 when it cannot be one: not valid UTF-16.</summary>
    internal static int TopicSize(string topic)
    {
        try
        {
            return StrictUtf8.GetByteCount(topic);
        }
        catch (EncoderFallbackException)
        {
            return -1;
        }
    }

    internal static bool TryReadTopic(ReadOnlySpan<byte> utf8, PubSubOptions options, [NotNullWhen(true)] out string? topic)
    {
        topic = null;
        if (utf8.Length == 0 || utf8.Length > options.MaxTopicBytes || !global::System.Text.Unicode.Utf8.IsValid(utf8)) return false;
        topic = StrictUtf8.GetString(utf8);
        return true;
    }

    private static PubSubRefusal ReadSubscription(ReadOnlySpan<byte> entry, PubSubOptions options, Rpc rpc)
    {
        if (rpc.Subscriptions.Count + rpc.BadSubscriptions >= options.MaxSubscriptionsPerRpc) return PubSubRefusal.TooManySubscriptions;
        var subscribe = false;
        ReadOnlySpan<byte> name = default;
        var reader = new ProtobufReader(entry);
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return PubSubRefusal.Malformed;
            switch (field)
            {
                case 1:
                    if (wireType != ProtobufReader.Varint || !reader.TryReadVarint(out var flag)) return PubSubRefusal.Malformed;
                    subscribe = flag != 0;
                    break;
                case 2:
                    if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return PubSubRefusal.Malformed;
                    name = entry.Slice(start, length);
                    break;
                default:
                    if (!reader.TrySkip(wireType)) return PubSubRefusal.Malformed;
                    break;
            }
        }

        if (TryReadTopic(name, options, out var topic)) rpc.Add(new SubscriptionEntry(topic, subscribe));
        else rpc.BadSubscriptions++;
        return PubSubRefusal.None;
    }

    private static PubSubRefusal ReadMessage(ReadOnlySpan<byte> body, RpcField whole, PubSubOptions options, Rpc rpc)
    {
        if (rpc.MessageCount >= options.MaxMessagesPerRpc) return PubSubRefusal.TooManyMessages;
        var message = new RpcMessage { Whole = whole };
        var reader = new ProtobufReader(whole.In(body));
        while (!reader.AtEnd)
        {
            var tagAt = reader.Position;
            if (!reader.TryReadTag(out var number, out var wireType)) return PubSubRefusal.Malformed;
            if (number > 6)
            {
                if (!reader.TrySkip(wireType)) return PubSubRefusal.Malformed;
                continue;
            }

            if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return PubSubRefusal.Malformed;
            var value = new RpcField(whole.Start + start, length);
            ref var field = ref FieldOf(ref message, number);
            if (field.IsPresent) return PubSubRefusal.Malformed;
            field = value;
            var withTag = new RpcField(whole.Start + tagAt, start + length - tagAt);
            if (number == 5) message.SignatureField = withTag;
            if (number == 6) message.KeyField = withTag;
        }

        rpc.Add(in message);
        return PubSubRefusal.None;
    }

    private static ref RpcField FieldOf(ref RpcMessage message, int number)
    {
        switch (number)
        {
            case 1: return ref message.From;
            case 2: return ref message.Data;
            case 3: return ref message.SequenceNumber;
            case 4: return ref message.Topic;
            case 5: return ref message.Signature;
            default: return ref message.Key;
        }
    }
}
