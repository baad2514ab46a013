using Microsoft.Extensions.Logging;

namespace Starling.Net.Requests;

/// <summary>What requests log. Event ids are frozen.</summary>
internal sealed partial class RequestsLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(7001, LogLevel.Error, "Requests: the handler of {Name} failed on a call of {Peer}", EventName = "RequestHandlerFailed")]
    public partial void HandlerFailed(string name, PeerId peer, Exception error);

    [LoggerMessage(7002, LogLevel.Warning, "Requests: {Peer} broke the protocol and its stream was reset: {Why}", EventName = "RequestStreamRefused")]
    public partial void Violation(PeerId peer, string why);

    [LoggerMessage(7003, LogLevel.Warning, "Requests: stopped with {Count} handlers that ignore their cancellation", EventName = "RequestStopIncomplete")]
    public partial void StopIncomplete(int count);

    [LoggerMessage(7004, LogLevel.Debug, "Requests: the stream to {Peer} ended: {Why}", EventName = "RequestStreamEnded")]
    public partial void StreamEnded(PeerId peer, string why);
}
