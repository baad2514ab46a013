using Microsoft.Extensions.Logging;

namespace Starling.Net.Exchange;

/// <summary>What peer exchange logs. Event ids are frozen.</summary>
internal sealed partial class ExchangeLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(5101, LogLevel.Debug, "Peer exchange with {Peer} failed: {Why}")]
    public partial void Failed(PeerId peer, string why);

    [LoggerMessage(5102, LogLevel.Warning, "Peer exchange: {Peer} broke the protocol and its stream was reset: {Why}")]
    public partial void Refused(PeerId peer, string why);

    [LoggerMessage(5103, LogLevel.Debug, "Peer exchange: refreshed, {Result}")]
    public partial void Refreshed(RefreshResult result);

    [LoggerMessage(5104, LogLevel.Error, "Peer exchange: a refresh failed in a way that is a fault of this program.")]
    public partial void RefreshFailed(Exception error);

    [LoggerMessage(5105, LogLevel.Warning, "Peer exchange: {Count} records told by {Peer} do not hold.")]
    public partial void Forged(PeerId peer, int count);
}
