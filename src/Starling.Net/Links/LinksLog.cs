using Microsoft.Extensions.Logging;

namespace Starling.Net.Links;

/// <summary>What links log; ids and names are frozen.</summary>
internal static partial class LinksLog
{
    [LoggerMessage(2001, LogLevel.Information, "{Peer} listens on {Address}", EventName = "Listening")]
    public static partial void Listening(ILogger logger, PeerId peer, Multiaddr address);

    [LoggerMessage(2002, LogLevel.Information, "Connected to {Peer} ({Agent}) at {Address}, {Direction}, {Security}", EventName = "Connected")]
    public static partial void Connected(ILogger logger, PeerId peer, string agent, Multiaddr address, Direction direction, string security);

    [LoggerMessage(2003, LogLevel.Information, "Disconnected from {Peer}: {Why}", EventName = "Disconnected")]
    public static partial void Disconnected(ILogger logger, PeerId peer, CloseInfo why);

    [LoggerMessage(2004, LogLevel.Debug, "A link to {Peer} closed before it was ready: {Why}", EventName = "LinkRefused")]
    public static partial void LinkRefused(ILogger logger, PeerId peer, CloseInfo why);

    [LoggerMessage(2005, LogLevel.Debug, "A connection from {Address} was not secured", EventName = "UpgradeFailed")]
    public static partial void UpgradeFailed(ILogger logger, Multiaddr address, Exception error);

    [LoggerMessage(2006, LogLevel.Error, "The listener at {Address} failed; it tries again", EventName = "AcceptFailed")]
    public static partial void AcceptFailed(ILogger logger, string address, Exception error);

    [LoggerMessage(2007, LogLevel.Error, "The listener at {Address} ended on its own", EventName = "ListenerEnded")]
    public static partial void ListenerEnded(ILogger logger, string address);

    [LoggerMessage(2008, LogLevel.Error, "The handler of {Protocol} failed on a stream from {Peer}", EventName = "HandlerFailed")]
    public static partial void HandlerFailed(ILogger logger, string protocol, PeerId peer, Exception error);

    [LoggerMessage(2009, LogLevel.Debug, "A stream from {Peer} ended before a protocol was agreed: {Why}", EventName = "NegotiationFailed")]
    public static partial void NegotiationFailed(ILogger logger, PeerId peer, string why);

    [LoggerMessage(2010, LogLevel.Debug, "{Peer} has {Count} streams of {Protocol} open, the most that it may have; one more was reset", EventName = "TooManyStreams")]
    public static partial void TooManyStreams(ILogger logger, PeerId peer, int count, string protocol);

    [LoggerMessage(2011, LogLevel.Debug, "{Peer} could not be told of changes", EventName = "PushFailed")]
    public static partial void PushFailed(ILogger logger, PeerId peer, Exception error);

    [LoggerMessage(2012, LogLevel.Debug, "{Peer} sent a bad identify message: {Why}", EventName = "IdentifyRefused")]
    public static partial void IdentifyRefused(ILogger logger, PeerId peer, string why);

    [LoggerMessage(2013, LogLevel.Error, "An observer of links failed", EventName = "LinkObserverFailed")]
    public static partial void ObserverFailed(ILogger logger, Exception error);

    [LoggerMessage(2014, LogLevel.Error, "The link loop failed on one event and goes on", EventName = "LinkLoopFault")]
    public static partial void LoopFault(ILogger logger, Exception error);

    [LoggerMessage(2015, LogLevel.Error, "A task of the links failed", EventName = "LinkTaskFault")]
    public static partial void TaskFault(ILogger logger, Exception error);

    [LoggerMessage(2016, LogLevel.Warning, "Stopped with {Count} tasks that did not end in time; a handler ignores its cancellation", EventName = "StopIncomplete")]
    public static partial void StopIncomplete(ILogger logger, int count);

    [LoggerMessage(2018, LogLevel.Debug, "{Peer} had closed the ping stream ({Why}); it is opened again", EventName = "PingReopened")]
    public static partial void PingReopened(ILogger logger, PeerId peer, string why);

    [LoggerMessage(2017, LogLevel.Debug, "No link to {Target}: {Failure}: {Why}", EventName = "DialFailed")]
    public static partial void DialFailed(ILogger logger, string target, HandshakeFailure failure, string why);

    [LoggerMessage(2020, LogLevel.Information, "The {Point} of {Peer} at {Address} was refused ({Reason}): {Detail}", EventName = "GateRefused")]
    public static partial void GateRefused(ILogger logger, string point, PeerId? peer, Multiaddr address, CloseReason reason, string detail);

    [LoggerMessage(2021, LogLevel.Error, "A gate of links failed; the link is refused", EventName = "GateFailed")]
    public static partial void GateFailed(ILogger logger, Exception error);

    [LoggerMessage(2022, LogLevel.Debug, "{Peer} was not told why its link is closed: {Why}", EventName = "GoodbyeMissed")]
    public static partial void GoodbyeMissed(ILogger logger, PeerId peer, string why);

    [LoggerMessage(2024, LogLevel.Information, "The link to {Peer} is {Kind} now", EventName = "KindChanged")]
    public static partial void KindChanged(ILogger logger, PeerId peer, LinkKind kind);

    [LoggerMessage(2025, LogLevel.Debug, "No link was looked for at {Address}: {Why}", EventName = "NameNotResolved")]
    public static partial void NameNotResolved(ILogger logger, Multiaddr address, string why);

    [LoggerMessage(2023, LogLevel.Debug, "{Peer} broke link control: {Why}", EventName = "ControlRefused")]
    public static partial void ControlRefused(ILogger logger, PeerId peer, string why);
}
