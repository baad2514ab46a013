using Microsoft.Extensions.Logging;
using Starling.Protocols.Links;

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

    [LoggerMessage(8107, LogLevel.Information, "Blocklist: {Subject} was {Change}, until {Expires}. {Note}", EventName = "BlocklistChanged")]
    public static partial void BlocklistChanged(ILogger logger, BlockSubject subject, BlockChange change, DateTimeOffset? expires, string note);

    [LoggerMessage(8108, LogLevel.Information, "The blocklist begins with {Entries} saved entries; {LeftOut} were left out", EventName = "BlocklistLoaded")]
    public static partial void BlocklistLoaded(ILogger logger, int entries, int leftOut);

    [LoggerMessage(8109, LogLevel.Information, "Closing the link to {Peer} at {Address}: {Subject} is blocked", EventName = "ClosingBlocked")]
    public static partial void Closing(ILogger logger, PeerId peer, Multiaddr address, BlockSubject subject);

    [LoggerMessage(8110, LogLevel.Error, "A blocked link could not be closed", EventName = "CloseBlockedFailed")]
    public static partial void CloseFailed(ILogger logger, Exception error);

    [LoggerMessage(8106, LogLevel.Error, "An observer of the {What} failed", EventName = "PeersObserverFailed")]
    public static partial void ObserverFailed(ILogger logger, string what, Exception error);
}
