using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>A message that a peer sent or handed on.</summary>
public abstract class ReceivedMessage
{
    private protected ReceivedMessage(MessageType type, in MessageEnvelope envelope, int action, PeerId from, DateTimeOffset now)
    {
        Type = type;
        Action = action;
        Id = envelope.Id;
        ReceivedFrom = from;
        Origin = envelope.Origin ?? from;
        SentAt = DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(envelope.SentAt, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
        ReceivedAt = now;
        Hops = envelope.Hops;
    }

    /// <summary>Its type.</summary>
    public MessageType Type { get; }

    /// <summary>Its action's number.</summary>
    public int Action { get; }

    /// <summary>Its action's name, or the number where the type names none.</summary>
    public string ActionName => Type.NameOf(Action);

    /// <summary>The id that its origin drew.</summary>
    public MessageUid Id { get; }

    /// <summary>The peer that sent it, proved by the link.</summary>
    public PeerId ReceivedFrom { get; }

    /// <summary>Who made it. Proved when <see cref="Hops"/> is 0; otherwise what those who handed it on say.</summary>
    public PeerId Origin { get; }

    /// <summary>When it was made, as the origin says.</summary>
    public DateTimeOffset SentAt { get; }

    /// <summary>When it was taken in, by this node's wall clock.</summary>
    public DateTimeOffset ReceivedAt { get; }

    /// <summary>How many nodes have handed it on.</summary>
    public int Hops { get; }

    /// <summary>What it carries.</summary>
    public abstract object? Content { get; }
}

/// <summary>A message with its value.</summary>
/// <typeparam name="T">The type of its value.</typeparam>
public sealed class ReceivedMessage<T> : ReceivedMessage
{
    internal ReceivedMessage(MessageType<T> type, in MessageEnvelope envelope, int action, T value, PeerId from, DateTimeOffset now)
        : base(type, envelope, action, from, now) => Value = value;

    /// <summary>What it carries; the handlers of this node share it.</summary>
    public T Value { get; }

    /// <inheritdoc/>
    public override object? Content => Value;
}
