using Starling.Net.Messages;
using Starling.Protocols.Messages;

namespace Starling;

/// <content>Messages.</content>
public abstract partial record NodeEvent
{
    /// <summary>A handler of messages threw; the others ran.</summary>
    /// <param name="Message">The message.</param>
    /// <param name="Error">What was thrown.</param>
    public sealed record MessageHandlerFailed(ReceivedMessage Message, Exception Error) : NodeEvent;

    /// <summary>A peer's message was refused: its type is unknown here, its payload cannot be read, it is too large…</summary>
    /// <param name="From">Who sent it.</param>
    /// <param name="Type">The type that it names; empty when it could not be read.</param>
    /// <param name="Action">Its action.</param>
    /// <param name="Refusal">Why.</param>
    /// <param name="Detail">A sentence for people.</param>
    /// <param name="Payload">The first <see cref="MessageEvent.MaxPayload"/> bytes as they came.</param>
    /// <param name="Length">How many bytes there were.</param>
    public sealed record MessageRefused(PeerId From, string Type, int Action, MessageRefusal Refusal, string Detail, ReadOnlyMemory<byte> Payload, int Length) : NodeEvent;

    /// <summary>A message was dropped because handlers, or the forwarder, were behind.</summary>
    /// <param name="Message">The message.</param>
    /// <param name="Why">A sentence for people.</param>
    public sealed record MessageDropped(ReceivedMessage Message, string Why) : NodeEvent;

    /// <summary>The node's event for one of messages. Those that come in numbers when all is well are left to <see cref="MessageService.Observe"/>.</summary>
    internal static NodeEvent? Of(MessageEvent happened) => happened switch
    {
        MessageEvent.HandlerFailed failed => new MessageHandlerFailed(failed.Message, failed.Error),
        MessageEvent.Refused refused => new MessageRefused(refused.From, refused.Type, refused.Action, refused.Refusal, refused.Detail, refused.Payload, refused.Length),
        MessageEvent.Dropped dropped => new MessageDropped(dropped.Message, dropped.Why),
        _ => null,
    };
}
