using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>One message of a topic as a subscriber gets it: signed by its origin, verified, delivered once.</summary>
public readonly struct TopicMessage
{
    private readonly PubSubMessage _message;

    internal TopicMessage(PubSubMessage message, PeerId receivedFrom, DateTimeOffset receivedAt)
    {
        _message = message;
        ReceivedFrom = receivedFrom;
        ReceivedAt = receivedAt;
    }

    /// <summary>The topic's name.</summary>
    public string Topic => _message.Topic;

    /// <summary>The payload. It is the receiver's to keep and is never overwritten; other subscriptions of this node share it.</summary>
    public ReadOnlyMemory<byte> Data => _message.Data;

    /// <summary>The node that published the message, proved by its signature.</summary>
    public PeerId Origin => _message.Id.Origin;

    /// <summary>The origin's number for the message: rising per origin, not necessarily by one.</summary>
    public ulong SequenceNumber => _message.Id.SequenceNumber;

    /// <summary>Origin and number.</summary>
    public MessageId Id => _message.Id;

    /// <summary>The neighbour that brought it; this node itself for an own message.</summary>
    public PeerId ReceivedFrom { get; }

    /// <summary>When this node took it in, by its wall clock.</summary>
    public DateTimeOffset ReceivedAt { get; }

    internal int Size => _message.Encoded.Length;
}
