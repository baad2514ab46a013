using Microsoft.Extensions.Logging;

namespace Starling.Net.PubSub.Groups;

/// <summary>What queue groups and requests over topics log. Event ids are frozen.</summary>
internal sealed partial class GroupLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(4101, LogLevel.Warning, "Group {Group} on {Topic}: a handler failed at attempt {Attempt}; another member gets the message", EventName = "GroupHandlerFailed")]
    public partial void HandlerFailed(string group, string topic, int attempt, Exception error);

    [LoggerMessage(4102, LogLevel.Error, "Group {Group} on {Topic}: a message of {Origin} was handed out {Attempts} times, was never acknowledged and is given up", EventName = "GroupMessageGivenUp")]
    public partial void GivenUp(string group, string topic, PeerId origin, int attempts);

    [LoggerMessage(4103, LogLevel.Warning, "Group {Group} on {Topic}: left as the last member with {Count} messages that nobody handles", EventName = "GroupMessagesAbandoned")]
    public partial void Abandoned(string group, string topic, int count);

    [LoggerMessage(4104, LogLevel.Debug, "Group {Group} on {Topic}: {Peer} is a member", EventName = "GroupMemberJoined")]
    public partial void MemberJoined(string group, string topic, PeerId peer);

    [LoggerMessage(4105, LogLevel.Information, "Group {Group} on {Topic}: {Peer} is no longer a member, or silent", EventName = "GroupMemberLeft")]
    public partial void MemberLeft(string group, string topic, PeerId peer);

    [LoggerMessage(4106, LogLevel.Error, "Group {Group} on {Topic}: a loop ended by a fault of this program", EventName = "GroupFault")]
    public partial void Fault(string group, string topic, Exception error);

    [LoggerMessage(4107, LogLevel.Error, "Group {Group} on {Topic}: what is told of messages that are given up failed", EventName = "GroupCallbackFailed")]
    public partial void CallbackFailed(string group, string topic, Exception error);

    [LoggerMessage(4108, LogLevel.Warning, "Requests of {Topic}: a responder failed", EventName = "TopicResponderFailed")]
    public partial void ResponderFailed(string topic, Exception error);

    [LoggerMessage(4109, LogLevel.Warning, "Requests of {Topic}: the answer to {Asker} was not sent: {Status}", EventName = "TopicAnswerLost")]
    public partial void AnswerLost(string topic, PeerId asker, PublishStatus status);

    [LoggerMessage(4110, LogLevel.Error, "Group {Group} on {Topic}: what a handler registered with its cancellation token failed", EventName = "GroupCancellationFailed")]
    public partial void CancellationFailed(string group, string topic, Exception error);
}
