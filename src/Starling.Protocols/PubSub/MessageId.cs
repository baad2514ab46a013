namespace Starling.Protocols.PubSub;

/// <summary>A message's id under StrictSign: who made it, and that node's number for it (pubsub spec, "Message Identification").</summary>
/// <param name="Origin">The node that published the message.</param>
/// <param name="SequenceNumber">Its number, rising with every message of that node.</param>
public readonly record struct MessageId(PeerId Origin, ulong SequenceNumber)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Origin}/{SequenceNumber}";
}

/// <summary>A message that is signed and complete, as published here or as taken in from a neighbour. Immutable, safe for all threads.</summary>
public sealed class PubSubMessage
{
    internal PubSubMessage(MessageId id, string topic, ReadOnlyMemory<byte> encoded, ReadOnlyMemory<byte> data)
    {
        Id = id;
        Topic = topic;
        Encoded = encoded;
        Data = data;
        Size = encoded.Length;
    }

    private PubSubMessage(MessageId id, string topic, int size)
    {
        Id = id;
        Topic = topic;
        Size = size;
    }

    /// <summary>A message that has an id, a topic and a size, and no bytes: for simulations, which encode nothing.</summary>
    /// <param name="id">Origin and number.</param>
    /// <param name="topic">The topic's name.</param>
    /// <param name="size">The encoded size that is pretended; not negative.</param>
    public static PubSubMessage WithoutBytes(MessageId id, string topic, int size)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        return new PubSubMessage(id, topic, size);
    }

    /// <summary>Origin and number.</summary>
    public MessageId Id { get; }

    /// <summary>The topic's name.</summary>
    public string Topic { get; }

    /// <summary>The size of <see cref="Encoded"/>, in bytes.</summary>
    public int Size { get; }

    /// <summary>The message as protobuf, byte for byte as its origin signed and sent it.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>The payload: a part of <see cref="Encoded"/>, and never overwritten.</summary>
    public ReadOnlyMemory<byte> Data { get; }
}

/// <summary>Who made a message, and with which key, once that is known.</summary>
internal sealed class MessageOrigin(PeerId id)
{
    public PeerId Id { get; } = id;

    public PublicKey? Key { get; set; }
}
