namespace Starling.Gateways.Gossip;

/// <summary>What a gossip API counts.</summary>
public enum GossipCount
{
    /// <summary>Announcements that spread.</summary>
    Announced,

    /// <summary>Announcements of what was in the cache.</summary>
    Repeated,

    /// <summary>Announcements refused because the same was vetoed.</summary>
    AnnouncedVetoed,

    /// <summary>Announcements refused in strict mode because nobody is registered for the type.</summary>
    AnnouncedUnregistered,

    /// <summary>Notifications given to clients.</summary>
    Notifications,

    /// <summary>Notifications that a client was given and never read, because its connection ended.</summary>
    NotificationsLost,

    /// <summary>Messages from the network that clients accepted.</summary>
    Accepted,

    /// <summary>Messages that a client vetoed.</summary>
    Vetoed,

    /// <summary>Messages from the network that nobody accepted.</summary>
    Dropped,

    /// <summary>Waits for verdicts whose time was over.</summary>
    TimedOut,

    /// <summary>Messages from the network of a type that no client is registered for.</summary>
    Unregistered,

    /// <summary>Messages from the network that had been vetoed.</summary>
    VetoedBefore,

    /// <summary>Messages from the network that were in the cache.</summary>
    Duplicates,

    /// <summary>Messages from the network that are none.</summary>
    Malformed,

    /// <summary>Verdicts with an id that the client does not know, or no longer.</summary>
    StaleVerdicts,

    /// <summary>Valid messages that made room in the cache.</summary>
    Evicted,

    /// <summary>Messages whose verdict was no longer awaited because there were too many.</summary>
    EvictedAwaited,

    /// <summary>News about peers that were told.</summary>
    PeerUpdatesSent,

    /// <summary>News about peers that were taken.</summary>
    PeerUpdatesTaken,

    /// <summary>News about peers that were known, forged or about this node.</summary>
    PeerUpdatesRefused,

    /// <summary>News about peers that were not told because too many waited.</summary>
    PeerUpdatesLost,
}

/// <summary>Counts. Safe for several threads.</summary>
public sealed class GossipCounters
{
    private readonly long[] _counts = new long[Enum.GetValues<GossipCount>().Length];

    /// <summary>The count so far.</summary>
    public long this[GossipCount what] => Interlocked.Read(ref _counts[(int)what]);

    internal void Count(GossipCount what, long by = 1) => Interlocked.Add(ref _counts[(int)what], by);
}
