using Microsoft.Extensions.Logging;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>What messages log. Event ids are frozen.</summary>
internal sealed partial class MessageLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(6001, LogLevel.Error, "Messages: a handler of {Type} failed", EventName = "MessageHandlerFailed")]
    public partial void HandlerFailed(string type, Exception error);

    [LoggerMessage(6002, LogLevel.Warning, "Messages: one of {Peer} was refused, {Refusal}: {Why}", EventName = "MessageRefused")]
    public partial void Refused(PeerId peer, MessageRefusal refusal, string why);

    [LoggerMessage(6003, LogLevel.Debug, "Messages: the stream to {Peer} is lost and will be opened anew: {Why}", EventName = "MessageStreamLost")]
    public partial void StreamLost(PeerId peer, string why);

    [LoggerMessage(6004, LogLevel.Debug, "Messages: one to {Peer} became {Status}: {Why}", EventName = "MessageNotSent")]
    public partial void NotSent(PeerId peer, SendStatus status, string why);

    [LoggerMessage(6005, LogLevel.Error, "Messages: a task failed in a way that is a fault of this program", EventName = "MessageTaskFault")]
    public partial void TaskFault(Exception error);

    [LoggerMessage(6006, LogLevel.Debug, "Messages: one of {Peer} was dropped: {Why}", EventName = "MessageDropped")]
    public partial void Dropped(PeerId peer, string why);

    [LoggerMessage(6007, LogLevel.Warning, "Messages: stopping left {Count} tasks that did not end in time; a handler ignores its cancellation", EventName = "MessageStopIncomplete")]
    public partial void StopIncomplete(int count);

    [LoggerMessage(6008, LogLevel.Error, "Messages: what the discoverer is to tell could not be made or sent", EventName = "DiscovererFailed")]
    public partial void DiscovererFailed(Exception error);
}
