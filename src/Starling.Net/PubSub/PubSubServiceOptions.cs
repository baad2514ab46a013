using Starling.Net.PubSub.Streams;
using Starling.Protocols.PubSub;
using Starling.Protocols.PubSub.Scoring;

namespace Starling.Net.PubSub;

/// <summary>The bounds of a node's topics: the router's, and those of its queues and waits.</summary>
public sealed class PubSubServiceOptions : PubSubOptions
{
    /// <summary>The file that keeps when this node started, so that the numbers of its messages rise with every start, also when the clock went back meanwhile. Default null: the clock alone decides.</summary>
    /// <remarks>A node with a lasting identity and without this file whose clock went back is taken for an old one: neighbours drop what it publishes, and count it, until its clock has passed its earlier start.
    /// A <c>StarlingNode</c> with an identity file takes that file's name with <c>.start</c> added. Mode 0600. A file that cannot be used is logged, and the clock decides.</remarks>
    public string? StartFile { get; set; }

    /// <summary>Bytes that may wait for one neighbour. Default 4 MiB; at least one message must fit.</summary>
    /// <remarks>Relayed messages beyond it push out the oldest relayed ones, which is counted; a message published here waits or is reported, and is never pushed out.</remarks>
    public int MaxPeerQueueBytes { get; set; } = 4 << 20;

    /// <summary>How many bytes of waiting messages are put into one RPC. Default 64 KiB: one yamux frame; a larger message goes alone.</summary>
    public int BatchBytes { get; set; } = 64 << 10;

    /// <summary>How long a publish waits for room, unless it says otherwise. Default 30 seconds.</summary>
    public TimeSpan PublishTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long opening a neighbour's stream may take. Default 10 seconds.</summary>
    public TimeSpan OpenTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest pause before a lost stream is opened again; the first is a 64th of it, and each failure doubles it. Default 8 seconds.</summary>
    public TimeSpan MaxReopenDelay { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>How long disposing waits for messages that are still in queues. Default 3 seconds.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>The bounds of stream and link topics.</summary>
    public StreamTopicOptions Streams { get; set; } = new();

    /// <summary>How neighbours are scored (gossipsub 1.1, "Peer Scoring"). Default null: everybody's score is 0, so that a quiet peer is never punished.</summary>
    public PeerScoreOptions? Score { get; set; }

    /// <summary>Peers outside the mesh that get every message of the topics they follow, whatever their score, and to which a link is kept. An agreement: they name this node likewise. Default: none.</summary>
    public IList<PeerId> ExplicitPeers { get; set; } = [];

    /// <inheritdoc/>
    public override void Check(OptionProblems problems)
    {
        base.Check(problems);
        problems.Least(BatchBytes, 1, nameof(BatchBytes));
        problems.Positive(PublishTimeout, nameof(PublishTimeout));
        problems.Positive(OpenTimeout, nameof(OpenTimeout));
        problems.Positive(MaxReopenDelay, nameof(MaxReopenDelay));
        problems.Positive(StopTimeout, nameof(StopTimeout));
        problems.Within(nameof(Streams), Streams);
        if (Score is not null) problems.Within(nameof(Score), Score);
        if (MaxPeerQueueBytes < MaxMessageBytes)
        {
            problems.Add(nameof(MaxPeerQueueBytes), MaxPeerQueueBytes, $"holds not one message of {nameof(MaxMessageBytes)} ({MaxMessageBytes})", "raise it, or lower that");
        }
    }

    /// <summary>The same options with another time to stop.</summary>
    public PubSubServiceOptions WithStopTimeout(TimeSpan stopTimeout)
    {
        var copy = (PubSubServiceOptions)MemberwiseClone();
        copy.StopTimeout = stopTimeout;
        return copy;
    }
}

/// <summary>What a subscription does with messages that find its queue full.</summary>
public enum Overflow
{
    /// <summary>The oldest queued messages make room. The default.</summary>
    DropOldest,

    /// <summary>The new message is dropped.</summary>
    DropNewest,

    /// <summary>The neighbours that bring messages are made to wait: their next RPC is read only when there is room again.</summary>
    /// <remarks>The queue is exceeded by at most the one RPC that each neighbour had under way. The link, its socket and its other streams go on, but
    /// the other topics of that neighbour wait too. The wait ends after <see cref="SubscriptionOptions.BlockTimeout"/>: from then on new messages are
    /// dropped and counted until the subscriber has made room, so that one that never reads costs its node one pause and no more.</remarks>
    Block,

    /// <summary>The subscription ends: what is queued can still be read, then <see cref="SubscriptionOverflowException"/> is thrown.</summary>
    Disconnect,
}

/// <summary>The queue of one subscription.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>Messages that may wait. Default 8,192.</summary>
    public int MaxMessages { get; set; } = 8192;

    /// <summary>Bytes of encoded messages that may wait. Default 8 MiB; a single larger message is taken when the queue is empty.</summary>
    public long MaxBytes { get; set; } = 8 << 20;

    /// <summary>What happens when either is reached. Default <see cref="Overflow.DropOldest"/>.</summary>
    public Overflow WhenFull { get; set; }

    /// <summary>How long <see cref="Overflow.Block"/> makes a neighbour wait. Default 10 seconds.</summary>
    public TimeSpan BlockTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Joins late: first the last so many messages that neighbours' logs, or this node's own, hold. Stream and link topics only. Default null: none.</summary>
    public int? Last { get; set; }

    /// <summary>Joins late: first what those logs took in during the last so much time. With <see cref="Last"/> both bounds hold. Default null: nothing.</summary>
    public TimeSpan? Since { get; set; }

    /// <summary>How long a gap may hold an origin's later messages back before it is told as missed. Stream and link topics only. Default null: <see cref="Protocols.Streams.StreamOptions.ReorderTimeout"/>.</summary>
    public TimeSpan? ReorderTimeout { get; set; }

    /// <summary>How to find and link with others of the subscription's topics, as long as it lasts. Default null: nobody is searched for.</summary>
    public Pairing.PairingOptions? Pairing { get; set; }

    /// <exception cref="ArgumentException">A value is out of range.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxMessages);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxBytes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(BlockTimeout, TimeSpan.Zero);
        if (Last is { } last) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(last, nameof(Last));
        if (Since is { } since) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(since, TimeSpan.Zero, nameof(Since));
        if (ReorderTimeout is { } timeout) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero, nameof(ReorderTimeout));
    }

    internal SubscriptionOptions Clone() => (SubscriptionOptions)MemberwiseClone();
}

/// <summary>How to publish one message.</summary>
public sealed class PublishOptions
{
    /// <summary>Whether to wait until every subscriber's queue has room. Default true, so that publishing in a loop runs as fast as the slowest subscriber
    /// takes it. With false, full queues are passed over at once and the result says how many.</summary>
    public bool Wait { get; set; } = true;

    /// <summary>How long to wait. Null takes <see cref="PubSubServiceOptions.PublishTimeout"/>. After it, subscribers whose queues are still full are passed over.</summary>
    public TimeSpan? Timeout { get; set; }
}

/// <summary>What became of a published message.</summary>
public enum PublishStatus
{
    /// <summary>Queued to every directly linked subscriber; only the end of its link can lose it on the way there.</summary>
    Sent,

    /// <summary>No linked peer follows the topic.</summary>
    NoPeers,

    /// <summary>Larger than a message may be; nothing was sent.</summary>
    TooLarge,

    /// <summary>One or more subscribers' queues were full and did not get it; the others did.</summary>
    Backpressured,

    /// <summary>A validator of this node has not accepted it, or the node is stopping; nothing was sent.</summary>
    Rejected,
}

/// <summary>What became of a published message, and for how many.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Recipients">Linked subscribers that the message was queued to.</param>
/// <param name="Missed">Linked subscribers that did not get it because their queue was full.</param>
public readonly record struct PublishResult(PublishStatus Status, int Recipients = 0, int Missed = 0)
{
    /// <summary>Whether every linked subscriber, and at least one, got the message queued.</summary>
    public bool IsSent => Status == PublishStatus.Sent;
}

/// <summary>A subscription with <see cref="Overflow.Disconnect"/> fell behind and was ended.</summary>
public sealed class SubscriptionOverflowException(string topic, int queued)
    : StarlingException($"The subscription to '{topic}' fell {queued} messages behind and was ended, as its options ask ({nameof(Overflow)}.{nameof(Overflow.Disconnect)}). Read faster, raise its bounds or choose another overflow.");
