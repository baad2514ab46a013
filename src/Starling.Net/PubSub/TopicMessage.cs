using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Net.PubSub;

/// <summary>One message of a topic as a subscriber gets it, once. Of a plain or stream topic its origin's signature was verified; of a link topic a member of the list has brought it.</summary>
public readonly struct TopicMessage
{
    private readonly TopicDelivery _delivery;
    private readonly int _start;
    private readonly int _length;
    private readonly long _time;

    internal TopicMessage(TopicDelivery delivery, in EnvelopeEntry entry, ulong missed)
    {
        _delivery = delivery;
        (_start, _length, _time) = (entry.Start, entry.Length, entry.Time);
        SequenceNumber = entry.Counter;
        Missed = missed;
    }

    internal TopicMessage(TopicDelivery delivery)
    {
        _delivery = delivery;
        (_start, _length, _time) = (0, delivery.Message.Data.Length, -1);
        SequenceNumber = delivery.Message.Id.SequenceNumber;
    }

    /// <summary>The topic's name; for a subscription to a pattern, that of the topic which the message was published to.</summary>
    public string Topic => _delivery.Topic;

    /// <summary>The kind of the topic.</summary>
    public TopicKind Kind => _delivery.Kind;

    /// <summary>The payload. It is the receiver's to keep and is never overwritten; other subscriptions of this node share it.</summary>
    /// <remarks>A message of a stream topic shares its memory with those that were published around it, up to 64 KiB: copy what is to be kept for long.</remarks>
    public ReadOnlyMemory<byte> Data => _delivery.Message.Data.Slice(_start, _length);

    /// <summary>The node that published the message: proved by its signature, or, on a link topic, asserted by the members.</summary>
    public PeerId Origin => _delivery.Message.Id.Origin;

    /// <summary>The origin's number for the message. Plain: rising, not necessarily by one. Stream and link: counted per topic from 0 in each epoch, by one.</summary>
    public ulong SequenceNumber { get; }

    /// <summary>Rises whenever the origin starts anew and counts from 0 again; 0 for plain topics.</summary>
    public ulong Epoch => _delivery.Bundle?.Header.Epoch ?? 0;

    /// <summary>Origin and number: unique within the topic, and on stream and link topics within the epoch.</summary>
    public MessageId Id => new(Origin, SequenceNumber);

    /// <summary>When it was published, by the origin's clock, in microseconds; null for plain topics, which do not say.</summary>
    public DateTimeOffset? PublishedAt => _time < 0 ? null : DateTimeOffset.UnixEpoch.AddTicks(_time * TimeSpan.TicksPerMicrosecond);

    /// <summary>Messages of this origin and topic that are known to be lost right before this one.</summary>
    public ulong Missed { get; }

    /// <summary>Whether it came out of a neighbour's log: recovered after a gap, or from before the subscription.</summary>
    public bool IsReplayed => _delivery.Bundle?.IsReplayed ?? false;

    /// <summary>Whether another member of the queue group may have had it before.</summary>
    public bool IsRedelivered { get; internal init; }

    /// <summary>The neighbour that brought it; this node itself for an own message.</summary>
    public PeerId ReceivedFrom => _delivery.From;

    /// <summary>When this node took it in, by its wall clock.</summary>
    public DateTimeOffset ReceivedAt => _delivery.ReceivedAt;
}

/// <summary>What the messages of one gossip message have in common, shared by every subscription.</summary>
internal sealed class TopicDelivery
{
    /// <summary>A plain message.</summary>
    public TopicDelivery(PubSubMessage message, PeerId from, DateTimeOffset receivedAt)
    {
        (Message, Topic, Kind) = (message, message.Topic, TopicKind.Plain);
        (From, ReceivedAt) = (from, receivedAt);
    }

    /// <summary>The messages of a bundle.</summary>
    public TopicDelivery(StreamBundle bundle, string topic, TopicKind kind)
    {
        (Message, Bundle, Topic, Kind) = (bundle.Message, bundle, topic, kind);
        (From, ReceivedAt) = (bundle.ReceivedFrom, bundle.ReceivedAt);
    }

    public PubSubMessage Message { get; }

    /// <summary>Null for a plain message.</summary>
    public StreamBundle? Bundle { get; }

    public string Topic { get; }

    public TopicKind Kind { get; }

    public PeerId From { get; }

    public DateTimeOffset ReceivedAt { get; }
}
