using Microsoft.Extensions.Logging;

namespace Starling.Net.Pairing;

/// <summary>What pairing logs. Event ids are frozen.</summary>
internal sealed partial class PairingLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(5101, LogLevel.Debug, "Pairing: {Peer} follows {Topic} and cannot be linked with: {Why}")]
    public partial void NotLinked(PeerId peer, string topic, string why);

    [LoggerMessage(5102, LogLevel.Information, "Pairing: {Topic} is paired with {Count} peers.")]
    public partial void Paired(string topic, int count);

    [LoggerMessage(5103, LogLevel.Information, "Pairing: {Topic} has lost peers and is searched for again.")]
    public partial void Lost(string topic);

    [LoggerMessage(5104, LogLevel.Debug, "Pairing: nobody else follows {Topic} within reach; the next search is in {Pause}.")]
    public partial void NobodyFound(string topic, TimeSpan pause);

    [LoggerMessage(5105, LogLevel.Debug, "Pairing: the entry link to {Peer} is closed.")]
    public partial void EntryDropped(PeerId peer);

    [LoggerMessage(5106, LogLevel.Error, "Pairing: keeping a topic paired failed in a way that is a fault of this program.")]
    public partial void KeeperFailed(Exception error);

    [LoggerMessage(5107, LogLevel.Warning, "Pairing: a search for {Topic} could not be made and is tried again later: {Why}")]
    public partial void SearchFailed(string topic, string why);
}
