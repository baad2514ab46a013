using Starling.Protocols.PubSub;

namespace Starling.Protocols.Streams;

/// <summary>A bundle that was taken in: shared by the log and by every subscription that has not read its messages yet. Immutable.</summary>
public sealed class StreamBundle
{
    private StreamBundle(PubSubMessage message, in EnvelopeHeader header, PeerId from, DateTimeOffset receivedAt, Instant takenAt, bool isReplayed)
    {
        Message = message;
        Header = header;
        ReceivedFrom = from;
        ReceivedAt = receivedAt;
        TakenAt = takenAt;
        IsReplayed = isReplayed;
    }

    /// <summary>The gossip message, byte for byte as its origin made it.</summary>
    public PubSubMessage Message { get; }

    /// <summary>What the envelope says of itself.</summary>
    public EnvelopeHeader Header { get; }

    /// <summary>Who published it.</summary>
    public PeerId Origin => Message.Id.Origin;

    /// <summary>The neighbour that brought it; this node itself for an own one.</summary>
    public PeerId ReceivedFrom { get; }

    /// <summary>When this node took it in, by its wall clock.</summary>
    public DateTimeOffset ReceivedAt { get; }

    /// <summary>The same by the monotonic clock.</summary>
    public Instant TakenAt { get; }

    /// <summary>Whether it came out of a neighbour's log.</summary>
    public bool IsReplayed { get; }

    /// <summary>The memory that it holds, in bytes, with about what an entry of a log or queue takes.</summary>
    public int Size => Message.Encoded.Length + Overhead;

    /// <summary>The envelope.</summary>
    public ReadOnlyMemory<byte> Envelope => Message.Data;

    internal const int Overhead = 200;

    /// <summary>Reads a gossip message of a stream topic.</summary>
    /// <returns>Why it is refused, or <see cref="EnvelopeRefusal.None"/> and the bundle.</returns>
    public static EnvelopeRefusal TryRead(PubSubMessage message, PeerId from, DateTimeOffset receivedAt, Instant takenAt, bool isReplayed, out StreamBundle? bundle)
    {
        ArgumentNullException.ThrowIfNull(message);
        bundle = null;
        var refusal = EnvelopeCodec.TryRead(message.Data.Span, out var header);
        if (refusal == EnvelopeRefusal.None) bundle = new StreamBundle(message, header, from, receivedAt, takenAt, isReplayed);
        return refusal;
    }
}
