using Microsoft.Extensions.Logging;

namespace Starling;

/// <summary>What a node itself logs; ids and names are frozen.</summary>
internal static partial class FacadeLog
{
    [LoggerMessage(9001, LogLevel.Error, "The admin socket failed on one client and goes on", EventName = "AdminFailed")]
    public static partial void AdminFailed(ILogger logger, Exception error);

    [LoggerMessage(9002, LogLevel.Debug, "A client of the admin socket is gone: {Why}", EventName = "AdminClientGone")]
    public static partial void AdminClientGone(ILogger logger, string why);

    [LoggerMessage(9004, LogLevel.Error, "{Part} failed to stop; the others are stopped all the same", EventName = "PartNotEnded")]
    public static partial void PartNotEnded(ILogger logger, string part, Exception error);

    [LoggerMessage(9003, LogLevel.Information, "The node can be administered at {Path}", EventName = "AdminListening")]
    public static partial void AdminListening(ILogger logger, string path);
}
