using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>A message that is ready to be sent, to as many peers and as often as wanted: each peer takes it in once. Immutable.</summary>
public sealed class OutgoingMessage
{
    internal OutgoingMessage(MessageType type, MessageEnvelope envelope) => (Type, Envelope) = (type, envelope);

    /// <summary>Its type.</summary>
    public MessageType Type { get; }

    /// <summary>Its action's number.</summary>
    public int Action => Envelope.Action;

    /// <summary>Its id.</summary>
    public MessageUid Id => Envelope.Id;

    /// <summary>Its payload, bytes. Raw bytes are not copied: do not change them before every send has ended.</summary>
    public int PayloadLength => Envelope.Payload.Length;

    internal MessageEnvelope Envelope { get; }
}
