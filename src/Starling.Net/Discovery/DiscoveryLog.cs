using System.Net;
using Microsoft.Extensions.Logging;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>What discovery logs; ids and names are frozen.</summary>
internal static partial class DiscoveryLog
{
    [LoggerMessage(4001, LogLevel.Information, "{Source} started on {Interfaces}", EventName = "Started")]
    public static partial void Started(ILogger logger, string source, string interfaces);

    [LoggerMessage(4002, LogLevel.Debug, "{Source} found {Peer} at {Addresses}", EventName = "PeerFound")]
    public static partial void PeerFound(ILogger logger, string source, PeerId? peer, string addresses);

    [LoggerMessage(4003, LogLevel.Debug, "{Source} lost {Peer} at {Addresses}", EventName = "PeerLost")]
    public static partial void PeerLost(ILogger logger, string source, PeerId? peer, string addresses);

    [LoggerMessage(4004, LogLevel.Debug, "{Source} refused input: {Reason}", EventName = "Refused")]
    public static partial void Refused(ILogger logger, string source, DiscoveryRefusal reason);

    [LoggerMessage(4005, LogLevel.Warning, "{Source} cannot receive on {Interface}; it tries again", EventName = "ReceiveFailed")]
    public static partial void ReceiveFailed(ILogger logger, string source, IPAddress @interface, Exception error);

    [LoggerMessage(4006, LogLevel.Warning, "{Source} cannot send on {Interface}; the next packet is tried again", EventName = "SendFailed")]
    public static partial void SendFailed(ILogger logger, string source, IPAddress @interface, Exception error);

    [LoggerMessage(4007, LogLevel.Error, "{Source} failed on one event and goes on", EventName = "Fault")]
    public static partial void Fault(ILogger logger, string source, Exception error);

    [LoggerMessage(4008, LogLevel.Error, "An observer of {Source} failed", EventName = "ObserverFailed")]
    public static partial void ObserverFailed(ILogger logger, string source, Exception error);

    [LoggerMessage(4011, LogLevel.Warning, "{Source} cannot go on after a change of the network; it tries again", EventName = "RestartFailed")]
    public static partial void RestartFailed(ILogger logger, string source, Exception error);

    [LoggerMessage(4012, LogLevel.Error, "The join handler failed on the request of {Peer}, which was refused", EventName = "JoinHandlerFailed")]
    public static partial void JoinHandlerFailed(ILogger logger, PeerId peer, Exception error);
}
