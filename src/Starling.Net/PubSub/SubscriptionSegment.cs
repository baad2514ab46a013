using Starling.Protocols.Streams;

namespace Starling.Net.PubSub;

/// <summary>What a subscription has queued of one gossip message: a plain message, or a run of a bundle's messages. Read from its front; used under the subscription's lock.</summary>
internal sealed class SubscriptionSegment
{
    private readonly TopicDelivery _delivery;
    private EnvelopeCursor _cursor;
    private ulong _missed;

    /// <summary>A plain message.</summary>
    public SubscriptionSegment(TopicDelivery delivery)
    {
        _delivery = delivery;
        Count = 1;
        Bytes = delivery.Message.Encoded.Length;
    }

    /// <summary>The messages of a bundle from one counter on.</summary>
    public SubscriptionSegment(TopicDelivery delivery, StreamBundle bundle, ulong first, ulong missed)
    {
        _delivery = delivery;
        _missed = missed;
        _cursor = new EnvelopeCursor(bundle.Header);
        _cursor.Skip(bundle.Envelope.Span, (long)(first - bundle.Header.First));
        Count = _cursor.Left;
        Bytes = bundle.Envelope.Length - _cursor.Position;
    }

    /// <summary>Messages that are left.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the messages that are left.</summary>
    public int Bytes { get; private set; }

    /// <summary>The memory that is held until the last message is taken.</summary>
    public int Held => _delivery.Message.Encoded.Length;

    /// <summary>Takes the first message that is left; there is one.</summary>
    public TopicMessage Take()
    {
        Count--;
        if (_delivery.Bundle is not { } bundle)
        {
            Bytes = 0;
            return new TopicMessage(_delivery);
        }

        var before = _cursor.Position;
        _cursor.TryNext(bundle.Envelope.Span, out var entry);
        Bytes = Count == 0 ? 0 : Bytes - (_cursor.Position - before);
        var message = new TopicMessage(_delivery, entry, _missed);
        _missed = 0;
        return message;
    }

    /// <summary>Leaves only the first messages, as many as fit. Returns how many were let go.</summary>
    public int KeepFirst(int maxCount, long maxBytes)
    {
        var (walk, fits, bytes) = (_cursor, 0, 0);
        while (fits < Math.Min(Count, maxCount))
        {
            if (_delivery.Bundle is { } bundle)
            {
                walk.TryNext(bundle.Envelope.Span, out _);
                if (walk.Position - _cursor.Position > maxBytes) break;
                bytes = walk.Position - _cursor.Position;
            }
            else
            {
                if (Bytes > maxBytes) break;
                bytes = Bytes;
            }

            fits++;
        }

        var gone = Count - fits;
        if (gone == 0) return 0;
        (Count, Bytes) = (fits, bytes);
        _cursor.Truncate(fits);
        return gone;
    }
}
