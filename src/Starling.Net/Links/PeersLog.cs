using Microsoft.Extensions.Logging;

namespace Starling.Net.Links;

/// <summary>What the peer book and the restrictions log; ids and names are frozen.</summary>
internal static partial class PeersLog
{
    [LoggerMessage(8101, LogLevel.Error, "The {What} file {Path} is damaged and was set aside as {Damaged}: {Why}. Starting without it", EventName = "FileDamaged")]
    public static partial void FileDamaged(ILogger logger, string what, string path, string damaged, string why);

    [LoggerMessage(8102, LogLevel.Error, "The {What} cannot be saved; it is tried again", EventName = "SaveFailed")]
    public static partial void SaveFailed(ILogger logger, string what, Exception error);

    [LoggerMessage(8103, LogLevel.Information, "The peer book begins with {Peers} peers, {Neighbours} of them neighbours; {LeftOut} were left out", EventName = "BookLoaded")]
    public static partial void BookLoaded(ILogger logger, int peers, int neighbours, int leftOut);

    [LoggerMessage(8104, LogLevel.Debug, "What was told of {Peer} ({Source}) was not noted: {Outcome}", EventName = "NotNoted")]
    public static partial void NotNoted(ILogger logger, PeerId peer, string source, string outcome);

    [LoggerMessage(8105, LogLevel.Information, "{Peer} was given up after {Failures} failed dials", EventName = "GivenUp")]
    public static partial void GivenUp(ILogger logger, PeerId peer, int failures);

    [LoggerMessage(8106, LogLevel.Error, "An observer of the {What} failed", EventName = "PeersObserverFailed")]
    public static partial void ObserverFailed(ILogger logger, string what, Exception error);
}
