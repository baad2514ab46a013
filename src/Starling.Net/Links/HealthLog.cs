using Microsoft.Extensions.Logging;

namespace Starling.Net.Links;

/// <summary>What failure detection logs; ids and names are frozen.</summary>
internal static partial class HealthLog
{
    [LoggerMessage(8501, LogLevel.Information, "{Peer} is suspected: nothing came for {Seconds:0.0} s", EventName = "PeerSuspect")]
    public static partial void Suspect(ILogger logger, PeerId peer, double seconds);

    [LoggerMessage(8502, LogLevel.Information, "{Peer} is alive after all", EventName = "PeerRecovered")]
    public static partial void Recovered(ILogger logger, PeerId peer);

    [LoggerMessage(8503, LogLevel.Information, "{Peer} is given up: nothing came for {Seconds:0.0} s", EventName = "PeerDead")]
    public static partial void Dead(ILogger logger, PeerId peer, double seconds);

    [LoggerMessage(8504, LogLevel.Warning, "This node was held up for {Seconds:0.0} s; that time counts for nobody's silence", EventName = "HeldUp")]
    public static partial void HeldUp(ILogger logger, double seconds);

    [LoggerMessage(8505, LogLevel.Error, "A round of failure detection failed", EventName = "HealthFault")]
    public static partial void TaskFault(ILogger logger, Exception error);
}
