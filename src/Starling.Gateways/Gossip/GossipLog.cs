using System.Net;
using Microsoft.Extensions.Logging;

namespace Starling.Gateways.Gossip;

/// <summary>What the gossip API logs. Event ids are frozen.</summary>
internal sealed partial class GossipLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(8001, LogLevel.Information, "Gossip API: listening on {Address}.")]
    public partial void Listening(EndPoint? address);

    [LoggerMessage(8002, LogLevel.Debug, "Gossip API: client {Client} has connected.")]
    public partial void Connected(long client);

    [LoggerMessage(8003, LogLevel.Debug, "Gossip API: client {Client} is gone: {Reason}.")]
    public partial void Closed(long client, GossipCloseReason reason);

    [LoggerMessage(8004, LogLevel.Warning, "Gossip API: client {Client} was closed: {Reason}; {Lost} notifications did not reach it.")]
    public partial void Refused(long client, GossipCloseReason reason, int lost);

    [LoggerMessage(8005, LogLevel.Error, "Gossip API: serving client {Client} failed in a way that is a fault of this program.")]
    public partial void Faulted(long client, Exception error);

    [LoggerMessage(8006, LogLevel.Warning, "Gossip API: a connection could not be accepted and the next one is waited for: {Why}")]
    public partial void AcceptFailed(string why);

    [LoggerMessage(8007, LogLevel.Debug, "Gossip API: {What} came after the end of the connection, the API or the node.")]
    public partial void CameLate(string what);

    [LoggerMessage(8008, LogLevel.Warning, "Gossip API: an announcement of {Bytes} bytes is more than this node spreads; raise Spread:MaxPayloadBytes.")]
    public partial void TooLarge(int bytes);

    [LoggerMessage(8009, LogLevel.Debug, "Gossip API: {Peer} was not asked for its peers: {Why}")]
    public partial void NotAsked(PeerId peer, string why);
}
