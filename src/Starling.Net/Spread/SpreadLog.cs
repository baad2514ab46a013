using Microsoft.Extensions.Logging;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>What spread, overlay search and peer exchange log. Event ids are frozen.</summary>
internal sealed partial class SpreadLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(5001, LogLevel.Debug, "Spread: writing to {Peer} has ended.")]
    public partial void WriterStopped(PeerId peer);

    [LoggerMessage(5002, LogLevel.Debug, "Spread: the stream to {Peer} is lost and will be opened anew: {Why}")]
    public partial void StreamLost(PeerId peer, string why);

    [LoggerMessage(5003, LogLevel.Warning, "Spread: {Peer} broke the protocol and its stream was reset: {Why}")]
    public partial void FrameRefused(PeerId peer, SpreadRefusal why);

    [LoggerMessage(5004, LogLevel.Error, "Spread: writing to {Peer} failed in a way that is a fault of this program.")]
    public partial void WriterFailed(PeerId peer, Exception error);

    [LoggerMessage(5005, LogLevel.Error, "Spread: a handler of {Kind} failed.")]
    public partial void HandlerFailed(string kind, Exception error);

    [LoggerMessage(5006, LogLevel.Error, "Spread: a validator of {Kind} failed; the item is ignored.")]
    public partial void ValidatorFailed(string kind, Exception error);

    [LoggerMessage(5007, LogLevel.Error, "Spread: a turn failed in a way that is a fault of this program.")]
    public partial void TurnFailed(Exception error);

    [LoggerMessage(5008, LogLevel.Debug, "Spread: stopping left items that could not be written in time.")]
    public partial void StoppedUnflushed();

    [LoggerMessage(5009, LogLevel.Debug, "Spread: {What} came after the node had stopped.")]
    public partial void CameAfterStop(string what);

    [LoggerMessage(5010, LogLevel.Warning, "Overlay: a search could not be made and is tried again later: {Why}")]
    public partial void SearchFailed(string why);
}
