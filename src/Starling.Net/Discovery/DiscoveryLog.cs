using Microsoft.Extensions.Logging;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>What discovery logs; ids and names are frozen.</summary>
internal static partial class DiscoveryLog
{
    [LoggerMessage(4001, LogLevel.Information, "mDNS started as {PeerName} for {Service} on {Interfaces}", EventName = "MdnsStarted")]
    public static partial void MdnsStarted(ILogger logger, string peerName, string service, string interfaces);

    [LoggerMessage(4002, LogLevel.Debug, "{Source} found {Peer} at {Addresses}", EventName = "PeerFound")]
    public static partial void PeerFound(ILogger logger, string source, PeerId peer, string addresses);

    [LoggerMessage(4003, LogLevel.Debug, "{Source} lost {Peer}", EventName = "PeerLost")]
    public static partial void PeerLost(ILogger logger, string source, PeerId peer);

    [LoggerMessage(4004, LogLevel.Debug, "mDNS refused input: {Reason}", EventName = "MdnsRefused")]
    public static partial void MdnsRefused(ILogger logger, MdnsRefusal reason);

    [LoggerMessage(4005, LogLevel.Warning, "mDNS cannot receive on {Interface}; it tries again", EventName = "MdnsReceiveFailed")]
    public static partial void MdnsReceiveFailed(ILogger logger, string @interface, Exception error);

    [LoggerMessage(4006, LogLevel.Warning, "mDNS cannot send on {Interface}; the next packet is tried again", EventName = "MdnsSendFailed")]
    public static partial void MdnsSendFailed(ILogger logger, string @interface, Exception error);

    [LoggerMessage(4007, LogLevel.Error, "mDNS failed on one event and goes on", EventName = "MdnsFault")]
    public static partial void MdnsFault(ILogger logger, Exception error);

    [LoggerMessage(4008, LogLevel.Error, "An observer of {Source} failed", EventName = "ObserverFailed")]
    public static partial void ObserverFailed(ILogger logger, string source, Exception error);

    [LoggerMessage(4009, LogLevel.Debug, "Dial of found peer {Peer} failed", EventName = "DialFailed")]
    public static partial void DialFailed(ILogger logger, string peer, Exception error);

    [LoggerMessage(4010, LogLevel.Warning, "Too many peers were found to keep another; it was passed over", EventName = "PlanFull")]
    public static partial void PlanFull(ILogger logger);
}
