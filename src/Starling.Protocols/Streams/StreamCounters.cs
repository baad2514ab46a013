namespace Starling.Protocols.Streams;

/// <summary>What receivers of streams have counted.</summary>
public sealed class StreamCounters
{
    private long _delivered;
    private long _missed;
    private long _recovered;
    private long _duplicates;
    private long _stale;
    private long _heldFull;
    private long _originsEvicted;
    private long _refused;
    private long _topicsForgotten;

    /// <summary>Messages delivered in order.</summary>
    public long Delivered => Interlocked.Read(ref _delivered);

    /// <summary>Messages that are known to be lost.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    /// <summary>Messages that came out of neighbours' logs and were new.</summary>
    public long Recovered => Interlocked.Read(ref _recovered);

    /// <summary>Bundles whose messages were all known.</summary>
    public long Duplicates => Interlocked.Read(ref _duplicates);

    /// <summary>Bundles of an epoch before the origin's present one.</summary>
    public long Stale => Interlocked.Read(ref _stale);

    /// <summary>Bundles behind a gap that found no room to wait in.</summary>
    public long HeldFull => Interlocked.Read(ref _heldFull);

    /// <summary>Origins that made room for others.</summary>
    public long OriginsEvicted => Interlocked.Read(ref _originsEvicted);

    /// <summary>Gossip messages of stream topics that were no envelope.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Topics that a pattern had brought and that made room for others.</summary>
    public long TopicsForgotten => Interlocked.Read(ref _topicsForgotten);

    /// <summary>Counts a topic that made room for another.</summary>
    public void CountTopicForgotten() => Interlocked.Increment(ref _topicsForgotten);

    /// <summary>Counts a gossip message that is no envelope.</summary>
    public void CountRefused() => Interlocked.Increment(ref _refused);

    /// <summary>Adds what an origin claims, which may be any number: the sum stays at its greatest value rather than begin anew below zero.</summary>
    public static void AddUpTo(ref long counter, ulong count)
    {
        for (var before = Interlocked.Read(ref counter); ;)
        {
            var sum = count > (ulong)(long.MaxValue - before) ? long.MaxValue : before + (long)count;
            var found = Interlocked.CompareExchange(ref counter, sum, before);
            if (found == before) return;
            before = found;
        }
    }

    internal void CountDelivered(ulong count) => Interlocked.Add(ref _delivered, (long)count);

    internal void CountMissed(ulong count) => AddUpTo(ref _missed, count);

    internal void CountRecovered(ulong count) => Interlocked.Add(ref _recovered, (long)count);

    internal void CountDuplicate() => Interlocked.Increment(ref _duplicates);

    internal void CountStale() => Interlocked.Increment(ref _stale);

    internal void CountHeldFull() => Interlocked.Increment(ref _heldFull);

    internal void CountOriginEvicted() => Interlocked.Increment(ref _originsEvicted);
}
