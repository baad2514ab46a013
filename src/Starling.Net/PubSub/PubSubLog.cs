using Microsoft.Extensions.Logging;

namespace Starling.Net.PubSub;

/// <summary>What topics log. Event ids are frozen.</summary>
internal sealed partial class PubSubLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(4001, LogLevel.Debug, "Topics: writing to {Peer} has ended.")]
    public partial void PeerStopped(PeerId peer);

    [LoggerMessage(4002, LogLevel.Debug, "Topics: {Peer} lists a pub/sub protocol and does not serve it.")]
    public partial void PeerSpeaksNoPubSub(PeerId peer);

    [LoggerMessage(4003, LogLevel.Debug, "Topics: the stream to {Peer} is lost and will be opened anew: {Why}")]
    public partial void StreamLost(PeerId peer, string why);

    [LoggerMessage(4004, LogLevel.Warning, "Topics: {Peer} broke the protocol and its stream was reset: {Why}")]
    public partial void RpcRefused(PeerId peer, string why);

    [LoggerMessage(4005, LogLevel.Warning, "Topics: a subscriber of {Topic} has made neighbours wait for {Waited}; until it reads on, its new messages are dropped.")]
    public partial void SubscriberStalled(string topic, TimeSpan waited);

    [LoggerMessage(4006, LogLevel.Error, "Topics: writing to {Peer} failed in a way that is a fault of this program.")]
    public partial void WriterFailed(PeerId peer, Exception error);

    [LoggerMessage(4007, LogLevel.Debug, "Topics: stopping left {Count} messages that could not be written in time.")]
    public partial void StoppedUnflushed(long count);

    [LoggerMessage(4008, LogLevel.Debug, "Topics: a subscription to {Topic} was left after the node had stopped.")]
    public partial void LeftAfterStop(string topic);

    [LoggerMessage(4009, LogLevel.Warning, "Topics: the validator of {Topic} gave no verdict within {Timeout}; the message was ignored.")]
    public partial void ValidatorSlow(string topic, TimeSpan timeout);

    [LoggerMessage(4010, LogLevel.Error, "Topics: the validator of {Topic} failed; the message was ignored.")]
    public partial void ValidatorFailed(string topic, Exception error);

    [LoggerMessage(4011, LogLevel.Warning, "Topics: the clock shows {Now} and the last start was at {Last}; numbers go on from {Begin}, so that neighbours do not take new messages for old ones.")]
    public partial void ClockWentBack(DateTimeOffset now, DateTimeOffset last, DateTimeOffset begin);

    [LoggerMessage(4012, LogLevel.Warning, "Topics: the time of this start cannot be kept: {Why} Should the clock go back before the next start, neighbours will drop what this node publishes.")]
    public partial void StartNotKept(string why);

    [LoggerMessage(4020, LogLevel.Error, "Topics: work for a stream topic failed in a way that is a fault of this program, or of an observer of losses.")]
    public partial void StreamTaskFailed(Exception error);

    [LoggerMessage(4021, LogLevel.Debug, "Topics: the log of {Peer} could not be asked or answered: {Why}")]
    public partial void ReplayFailed(PeerId peer, string why);

    [LoggerMessage(4022, LogLevel.Debug, "Topics: no neighbour was there in time to be asked for the past of {Topic}.")]
    public partial void NoSource(string topic);

    [LoggerMessage(4023, LogLevel.Warning, "Topics: the observers of losses are too slow; a loss of {Count} messages is only counted.")]
    public partial void LossUntold(ulong count);

    [LoggerMessage(4024, LogLevel.Warning, "Topics: {Origin} started anew with an earlier time than before, so its messages to {Topic} are dropped as old ones. Set its clock right, or let it keep its start time in a file.")]
    public partial void OriginWentBack(PeerId origin, string topic);

    /// <summary>For what logs in its own name.</summary>
    public ILogger Logger => _logger;
}
