namespace Starling.Protocols.Spread;

/// <summary>Why something that a neighbour sent was refused.</summary>
public enum SpreadRefusal
{
    /// <summary>Nothing was refused.</summary>
    None,

    /// <summary>The frame is longer than allowed. Ends the stream.</summary>
    FrameTooLarge,

    /// <summary>The frame is not well-formed, repeats a field that occurs once or lacks one. Ends the stream.</summary>
    Malformed,

    /// <summary>The frame holds more entries than allowed. Ends the stream.</summary>
    TooManyEntries,

    /// <summary>A payload is longer than allowed. Ends the stream.</summary>
    PayloadTooLarge,

    /// <summary>The neighbour sends more than it may.</summary>
    Flooded,

    /// <summary>The item claims to come from this node, which did not send it or has forgotten it.</summary>
    OwnOrigin,

    /// <summary>The item's kind asks for a signature and there is none.</summary>
    Unsigned,

    /// <summary>The origin's key is missing, unusable or not the origin's.</summary>
    BadKey,

    /// <summary>The signature does not hold.</summary>
    BadSignature,

    /// <summary>Nobody here registered the kind, and such kinds are not relayed.</summary>
    UnknownKind,

    /// <summary>Another item goes by the same id and origin already.</summary>
    IdCollision,

    /// <summary>The item was rejected before and is still remembered for it.</summary>
    RejectedBefore,

    /// <summary>The item is older than its kind's are remembered; whoever had it has forgotten it.</summary>
    TooOld,

    /// <summary>As many items as may are being validated; another copy may come later.</summary>
    ValidationBusy,

    /// <summary>A reply to an item that this node did not pass on, or has forgotten.</summary>
    StrayReply,

    /// <summary>A reply to an item that has had as many as it may.</summary>
    TooManyReplies,

    /// <summary>A reply that its kind's check found false.</summary>
    BadReply,
}

/// <summary>What a spread core has counted since it was made. One thread writes; any thread may read.</summary>
public sealed class SpreadCounters
{
    private readonly long[] _refused = new long[Enum.GetValues<SpreadRefusal>().Length];
    private long _published;
    private long _delivered;
    private long _forwarded;
    private long _duplicates;
    private long _accepted;
    private long _rejected;
    private long _ignored;
    private long _timedOut;
    private long _notRelayed;
    private long _ttlClamped;
    private long _seenEvicted;
    private long _keptEvicted;
    private long _repliesForwarded;
    private long _repliesDelivered;
    private long _repliesLost;

    /// <summary>Items published by this node.</summary>
    public long Published => Volatile.Read(ref _published);

    /// <summary>Items handed to this node's own handlers: each once.</summary>
    public long Delivered => Volatile.Read(ref _delivered);

    /// <summary>Copies handed on to neighbours, of other nodes' items.</summary>
    public long Forwarded => Volatile.Read(ref _forwarded);

    /// <summary>Copies of items that were known already.</summary>
    public long Duplicates => Volatile.Read(ref _duplicates);

    /// <summary>Items that a validator accepted.</summary>
    public long Accepted => Volatile.Read(ref _accepted);

    /// <summary>Items that a validator rejected.</summary>
    public long Rejected => Volatile.Read(ref _rejected);

    /// <summary>Items that a validator ignored.</summary>
    public long Ignored => Volatile.Read(ref _ignored);

    /// <summary>Items whose time for a verdict was over and that were neither delivered nor handed on.</summary>
    public long TimedOut => Volatile.Read(ref _timedOut);

    /// <summary>Items that had hops left and were not handed on, because relaying is off, for all or for their kind.</summary>
    public long NotRelayed => Volatile.Read(ref _notRelayed);

    /// <summary>Items that came with more hops than allowed and go on with as many as are.</summary>
    public long TtlClamped => Volatile.Read(ref _ttlClamped);

    /// <summary>Items forgotten before their time because the window was full.</summary>
    public long SeenEvicted => Volatile.Read(ref _seenEvicted);

    /// <summary>Items no longer kept for new neighbours before their time, because there were too many.</summary>
    public long KeptEvicted => Volatile.Read(ref _keptEvicted);

    /// <summary>Replies handed back to the neighbour that the item came from.</summary>
    public long RepliesForwarded => Volatile.Read(ref _repliesForwarded);

    /// <summary>Replies to this node's own items.</summary>
    public long RepliesDelivered => Volatile.Read(ref _repliesDelivered);

    /// <summary>Replies whose way back is gone, because the neighbour that brought the item is.</summary>
    public long RepliesLost => Volatile.Read(ref _repliesLost);

    /// <summary>How often this reason refused something.</summary>
    public long Refused(SpreadRefusal reason) => Volatile.Read(ref _refused[(int)reason]);

    internal void Count(SpreadRefusal reason) => Add(ref _refused[(int)reason]);

    internal void CountPublished() => Add(ref _published);

    internal void CountDelivered() => Add(ref _delivered);

    internal void CountForwarded() => Add(ref _forwarded);

    internal void CountDuplicate() => Add(ref _duplicates);

    internal void CountAccepted() => Add(ref _accepted);

    internal void CountRejected() => Add(ref _rejected);

    internal void CountIgnored() => Add(ref _ignored);

    internal void CountTimedOut() => Add(ref _timedOut);

    internal void CountNotRelayed() => Add(ref _notRelayed);

    internal void CountTtlClamped() => Add(ref _ttlClamped);

    internal void CountSeenEvicted() => Add(ref _seenEvicted);

    internal void CountKeptEvicted() => Add(ref _keptEvicted);

    internal void CountReplyForwarded() => Add(ref _repliesForwarded);

    internal void CountReplyDelivered() => Add(ref _repliesDelivered);

    internal void CountReplyLost() => Add(ref _repliesLost);

    private static void Add(ref long counter) => Volatile.Write(ref counter, counter + 1);
}
