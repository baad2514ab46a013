using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>Something about messages that would go unnoticed otherwise.</summary>
public abstract record MessageEvent
{
    /// <summary>Bytes of a payload that an event holds at most.</summary>
    public const int MaxPayload = 4096;

    private MessageEvent()
    {
    }

    /// <summary>A handler threw; the others ran.</summary>
    /// <param name="Message">The message.</param>
    /// <param name="Error">What was thrown.</param>
    public sealed record HandlerFailed(ReceivedMessage Message, Exception Error) : MessageEvent;

    /// <summary>A message was refused.</summary>
    /// <param name="From">Who sent it.</param>
    /// <param name="Type">The type that it names; empty when it could not be read.</param>
    /// <param name="Action">Its action.</param>
    /// <param name="Refusal">Why: <see cref="MessageRefusal.UnknownType"/>, <see cref="MessageRefusal.BadPayload"/>…</param>
    /// <param name="Detail">A sentence for people.</param>
    /// <param name="Payload">The first <see cref="MaxPayload"/> bytes as they came; empty when it could not be read.</param>
    /// <param name="Length">How many bytes there were.</param>
    public sealed record Refused(PeerId From, string Type, int Action, MessageRefusal Refusal, string Detail, ReadOnlyMemory<byte> Payload, int Length) : MessageEvent;

    /// <summary>A message came that had come already.</summary>
    /// <param name="From">Who sent it.</param>
    /// <param name="Type">Its type.</param>
    /// <param name="Origin">Who made it.</param>
    /// <param name="Id">Its id.</param>
    public sealed record Duplicate(PeerId From, string Type, PeerId Origin, MessageUid Id) : MessageEvent;

    /// <summary>A message was dropped because handlers were behind, or a forwarder was.</summary>
    /// <param name="Message">The message.</param>
    /// <param name="Why">A sentence for people.</param>
    public sealed record Dropped(ReceivedMessage Message, string Why) : MessageEvent;

    /// <summary>A message came for whose type and action nobody has subscribed.</summary>
    /// <param name="Message">The message.</param>
    public sealed record Unhandled(ReceivedMessage Message) : MessageEvent;
}
