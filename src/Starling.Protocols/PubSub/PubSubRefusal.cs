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
}

/// <summary>What a router has counted since it was made. One thread writes; any thread may read.</summary>
public sealed class PubSubCounters
{
    private static readonly int Reasons = Enum.GetValues<PubSubRefusal>().Length;
    private readonly long[] _refused = new long[Reasons];
    private long _published;
    private long _delivered;
    private long _forwarded;
    private long _duplicates;
    private long _seenEvicted;

    /// <summary>Messages published by this node.</summary>
    public long Published => Volatile.Read(ref _published);

    /// <summary>Messages that were new, valid and of a followed topic: each counted once.</summary>
    public long Delivered => Volatile.Read(ref _delivered);

    /// <summary>Copies handed on to other neighbours.</summary>
    public long Forwarded => Volatile.Read(ref _forwarded);

    /// <summary>Copies of messages that were known already.</summary>
    public long Duplicates => Volatile.Read(ref _duplicates);

    /// <summary>Message ids forgotten before their time because the cache was full.</summary>
    public long SeenEvicted => Volatile.Read(ref _seenEvicted);

    /// <summary>How often this reason refused something.</summary>
    public long Refused(PubSubRefusal reason) => Volatile.Read(ref _refused[(int)reason]);

    internal void CountPublished() => Add(ref _published);

    internal void CountDelivered() => Add(ref _delivered);

    internal void CountForwarded() => Add(ref _forwarded);

    internal void CountDuplicate() => Add(ref _duplicates);

    internal void CountSeenEvicted() => Add(ref _seenEvicted);

    internal void Count(PubSubRefusal reason) => Add(ref _refused[(int)reason]);

    private static void Add(ref long counter) => Volatile.Write(ref counter, counter + 1);
}
