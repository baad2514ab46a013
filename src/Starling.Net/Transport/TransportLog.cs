using Microsoft.Extensions.Logging;

namespace Starling.Net.Transport;

/// <summary>What transports log; ids and names are frozen.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(1001, LogLevel.Debug, "The {Direction} handshake with {Address} failed ({Failure}): {Reason}", EventName = "HandshakeFailed")]
    public static partial void HandshakeFailed(ILogger logger, Direction direction, Multiaddr address, HandshakeFailure failure, string reason);

    [LoggerMessage(1002, LogLevel.Information, "Listening on {Address}", EventName = "Listening")]
    public static partial void Listening(ILogger logger, Multiaddr address);

    [LoggerMessage(1003, LogLevel.Warning, "Accepting on {Address} failed; it goes on after {Pause}", EventName = "AcceptFailed")]
    public static partial void AcceptFailed(ILogger logger, Multiaddr address, TimeSpan pause, Exception error);

    [LoggerMessage(1004, LogLevel.Debug, "Dialling {Address} failed: {Reason}", EventName = "DialFailed")]
    public static partial void DialFailed(ILogger logger, Multiaddr address, string reason);
}
