namespace Starling.Protocols.PubSub;

/// <summary>Why something that a neighbour sent was refused.</summary>
public enum PubSubRefusal
{
    /// <summary>Nothing was refused.</summary>
    None,

    /// <summary>The RPC is longer than allowed. Ends the stream.</summary>
    RpcTooLarge,

    /// <summary>The RPC is not well-formed protobuf, or repeats a field that occurs once. Ends the stream.</summary>
    Malformed,

    /// <summary>The RPC holds too many messages. Ends the stream.</summary>
    TooManyMessages,

    /// <summary>The RPC holds too many subscription entries. Ends the stream.</summary>
    TooManySubscriptions,

    /// <summary>A topic name is missing, empty, too long or not UTF-8.</summary>
    BadTopic,

    /// <summary>The neighbour follows as many topics as it may.</summary>
    TooManyTopics,

    /// <summary>The message is of a topic that this node does not follow.</summary>
    NotSubscribed,

    /// <summary>The encoded message is longer than allowed.</summary>
    MessageTooLarge,

    /// <summary>The message has no signature; the policy is StrictSign.</summary>
    Unsigned,

    /// <summary>The message has no origin, or it is no peer id.</summary>
    BadOrigin,

    /// <summary>The sequence number is missing or not 8 bytes long.</summary>
    BadSequenceNumber,

    /// <summary>No usable key: none inlined in the origin and none sent, or it is not the origin's.</summary>
    BadKey,

    /// <summary>The signature does not verify.</summary>
    BadSignature,

    /// <summary>The message claims to come from this node.</summary>
    OwnOrigin,

    /// <summary>The RPC holds too many control messages. Ends the stream.</summary>
    TooManyControls,

    /// <summary>The control messages of the RPC hold too many ids. Ends the stream.</summary>
    TooManyIds,

    /// <summary>An id in a control message is not an origin and a number.</summary>
    BadMessageId,

    /// <summary>A signature or key in a family without signatures.</summary>
    UnexpectedSignature,

    /// <summary>The neighbour, or the origin of its message, is no member of the topic.</summary>
    NotMember,

    /// <summary>The number is so far behind its origin's highest one that the message may be a repeated one (<see cref="PubSubOptions.SeenWindow"/>).</summary>
    Stale,

    /// <summary>An RPC of a neighbour whose score is below <c>Graylist</c>: all of it is ignored.</summary>
    Graylisted,

    /// <summary>A GRAFT or gossip of a neighbour whose score is too low for it.</summary>
    ScoreTooLow,

    /// <summary>The neighbour announces as many patterns as it may, at once or between two heartbeats.</summary>
    TooManyPatterns,

    /// <summary>A topic that a pattern means is not joined: as many are as may be.</summary>
    TooManyPatternTopics,

    /// <summary>A GRAFT of a topic that this node does not follow, or that the neighbour may not know. Not answered.</summary>
    UnknownGraft,

    /// <summary>A GRAFT of an explicit or floodsub neighbour, or of one that follows too many topics.</summary>
    UnfitGraft,

    /// <summary>A GRAFT before its backoff had passed. Costs a penalty.</summary>
    EarlyGraft,

    /// <summary>A GRAFT while the mesh was full.</summary>
    MeshFull,

    /// <summary>A refused GRAFT that was not answered: the neighbour has drawn enough PRUNEs since the last heartbeat.</summary>
    GraftFlood,

    /// <summary>More IHAVE, or more ids in them, than a neighbour may send between two heartbeats.</summary>
    TooMuchGossip,

    /// <summary>More ids in IWANT than a neighbour may send between two heartbeats.</summary>
    TooManyIWants,

    /// <summary>More ids in IDONTWANT than a neighbour may send between two heartbeats.</summary>
    TooManyIDontWants,

    /// <summary>A neighbour asked for a message that it was sent often enough.</summary>
    RepeatedIWant,

    /// <summary>A neighbour did not send what it had said it had. Costs a penalty.</summary>
    BrokenPromise,

    /// <summary>Peers named in a PRUNE by a neighbour whose score is too low for that.</summary>
    UntrustedExchange,

    /// <summary>Peers named in a PRUNE beyond those that this node may ask to be linked to between two heartbeats.</summary>
    TooManyExchanged,

    /// <summary>A validator rejected the message.</summary>
    RejectedByValidator,

    /// <summary>A validator ignored the message.</summary>
    IgnoredByValidator,

    /// <summary>No verdict came in time.</summary>
    ValidationTimeout,

    /// <summary>Too many messages wait for a verdict; this one may come again.</summary>
    ValidationOverload,
}

/// <summary>What a router has counted since it was made. One thread writes; any thread may read.</summary>
public sealed class PubSubCounters
{
    private static readonly int Reasons = Enum.GetValues<PubSubRefusal>().Length;
    private readonly long[] _refused = new long[Reasons];
    private long _published;
    private long _delivered;
    private long _notHandedOn;
    private long _forwarded;
    private long _duplicates;
    private long _seenEvicted;
    private long _historyEvicted;
    private long _backoffEvicted;
    private long _grafts;
    private long _prunes;
    private long _told;
    private long _asked;
    private long _served;
    private long _iDontWants;
    private long _spared;
    private long _withheld;

    /// <summary>Messages published by this node.</summary>
    public long Published => Volatile.Read(ref _published);

    /// <summary>Messages that were new, valid and of a followed topic: each counted once.</summary>
    public long Delivered => Volatile.Read(ref _delivered);

    /// <summary>Messages of others that were not handed on because <see cref="PubSubCore.HandsOn"/> is off.</summary>
    public long NotHandedOn => Volatile.Read(ref _notHandedOn);

    /// <summary>Copies handed on to other neighbours.</summary>
    public long Forwarded => Volatile.Read(ref _forwarded);

    /// <summary>Copies of messages that were known already.</summary>
    public long Duplicates => Volatile.Read(ref _duplicates);

    /// <summary>Message ids forgotten before their time because the cache was full.</summary>
    public long SeenEvicted => Volatile.Read(ref _seenEvicted);

    /// <summary>Messages that neighbours can ask for no longer, before their time, because of the bounds in bytes and number.</summary>
    public long HistoryEvicted => Volatile.Read(ref _historyEvicted);

    /// <summary>Backoffs forgotten before their end because there were too many.</summary>
    public long BackoffEvicted => Volatile.Read(ref _backoffEvicted);

    /// <summary>GRAFTs sent.</summary>
    public long Grafts => Volatile.Read(ref _grafts);

    /// <summary>PRUNEs sent.</summary>
    public long Prunes => Volatile.Read(ref _prunes);

    /// <summary>Ids sent in IHAVE.</summary>
    public long Told => Volatile.Read(ref _told);

    /// <summary>Ids sent in IWANT.</summary>
    public long Asked => Volatile.Read(ref _asked);

    /// <summary>Messages sent because a neighbour asked for them.</summary>
    public long Served => Volatile.Read(ref _served);

    /// <summary>IDONTWANTs sent.</summary>
    public long IDontWants => Volatile.Read(ref _iDontWants);

    /// <summary>Copies not handed on because the neighbour had said that it has the message.</summary>
    public long Spared => Volatile.Read(ref _spared);

    /// <summary>Copies not sent because of the score of a neighbour outside the mesh.</summary>
    public long Withheld => Volatile.Read(ref _withheld);

    /// <summary>How often this reason refused something.</summary>
    public long Refused(PubSubRefusal reason) => Volatile.Read(ref _refused[(int)reason]);

    internal void CountPublished() => Add(ref _published);

    internal void CountDelivered() => Add(ref _delivered);

    internal void CountNotHandedOn() => Add(ref _notHandedOn);

    internal void CountForwarded() => Add(ref _forwarded);

    internal void CountDuplicate() => Add(ref _duplicates);

    internal void CountSeenEvicted() => Add(ref _seenEvicted);

    internal void CountHistoryEvicted() => Add(ref _historyEvicted);

    internal void CountBackoffEvicted() => Add(ref _backoffEvicted);

    internal void CountGraft() => Add(ref _grafts);

    internal void CountPrune() => Add(ref _prunes);

    internal void CountTold(int ids) => Add(ref _told, ids);

    internal void CountAsked(int ids) => Add(ref _asked, ids);

    internal void CountServed() => Add(ref _served);

    internal void CountIDontWant() => Add(ref _iDontWants);

    internal void CountSpared() => Add(ref _spared);

    internal void CountWithheld() => Add(ref _withheld);

    internal void Count(PubSubRefusal reason) => Add(ref _refused[(int)reason]);

    private static void Add(ref long counter, int by = 1) => Volatile.Write(ref counter, counter + by);
}
