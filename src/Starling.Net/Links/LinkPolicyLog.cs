using Microsoft.Extensions.Logging;
using Starling.Protocols.Links.Policy;

namespace Starling.Net.Links;

/// <summary>What the link policy logs; ids and names are frozen.</summary>
internal static partial class LinkPolicyLog
{
    [LoggerMessage(8001, LogLevel.Debug, "Dials {Target} for {Why}", EventName = "PolicyDials")]
    public static partial void Dials(ILogger logger, string target, string why);

    [LoggerMessage(8002, LogLevel.Debug, "Dial of {Target} for {Why} failed: {Outcome}", EventName = "PolicyDialFailed")]
    public static partial void DialFailed(ILogger logger, string target, string why, DialOutcome outcome, Exception error);

    [LoggerMessage(8003, LogLevel.Information, "Closes the link to {Peer}: {Why}", EventName = "PolicyCloses")]
    public static partial void Closes(ILogger logger, PeerId peer, CloseInfo why);

    [LoggerMessage(8004, LogLevel.Debug, "Makes the link to {Peer} again in {After}, attempt {Attempt}", EventName = "PolicyReconnects")]
    public static partial void Reconnects(ILogger logger, PeerId peer, TimeSpan after, int attempt);

    [LoggerMessage(8005, LogLevel.Information, "Gave up {Target} after {Attempts} dials", EventName = "PolicyGaveUp")]
    public static partial void GaveUp(ILogger logger, string target, int attempts);

    [LoggerMessage(8006, LogLevel.Warning, "A peer was passed over: {Reason}", EventName = "PolicyRefused")]
    public static partial void Refused(ILogger logger, LinkPolicyRefusal reason);

    [LoggerMessage(8008, LogLevel.Debug, "The link to {Peer} that is to be kept stays transient", EventName = "PolicyStaysTransient")]
    public static partial void StaysTransient(ILogger logger, PeerId peer, Exception error);

    [LoggerMessage(8007, LogLevel.Error, "A task of the link policy failed", EventName = "PolicyTaskFault")]
    public static partial void TaskFault(ILogger logger, Exception error);
}
