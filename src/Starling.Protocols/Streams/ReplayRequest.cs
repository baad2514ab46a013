namespace Starling.Protocols.Streams;

/// <summary>What a neighbour is asked of its log of a topic.</summary>
/// <param name="IsLink">Whether the topic is a link topic, of which only members are told.</param>
/// <param name="Topic">The topic's name as the user gave it, without the prefix of the wire.</param>
/// <param name="Origin">Whose messages, for a range; null asks for the newest of every origin.</param>
/// <param name="Epoch">Of which epoch, for a range.</param>
/// <param name="First">The first counter of a range.</param>
/// <param name="Count">How many counters a range has; else the most messages that are wanted, 0 for no bound.</param>
/// <param name="MaxAge">Only what the neighbour took in so long ago at most; null for no bound.</param>
public sealed record ReplayRequest(bool IsLink, string Topic, PeerId? Origin, ulong Epoch, ulong First, ulong Count, TimeSpan? MaxAge);

/// <summary>How an answer ends.</summary>
public enum ReplayStatus
{
    /// <summary>All that the log holds of what was asked has been sent.</summary>
    Done = 1,

    /// <summary>More was asked than one answer holds; the oldest part has been sent.</summary>
    Truncated = 2,

    /// <summary>Nothing is told: the topic is not kept here, or the one who asks is not among its members.</summary>
    Refused = 3,

    /// <summary>Too many are being answered; ask another, or later.</summary>
    Busy = 4,
}
