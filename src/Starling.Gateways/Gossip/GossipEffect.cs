using Starling.Protocols.Spread;

namespace Starling.Gateways.Gossip;

/// <summary>What a <see cref="GossipDesk"/> wants done.</summary>
internal enum GossipEffectKind
{
    /// <summary>Hand a message to a client.</summary>
    Notify,

    /// <summary>Spread a message of a client.</summary>
    Publish,

    /// <summary>Tell spread the verdict on an item.</summary>
    Judge,

    /// <summary>Offer an item to no neighbour any more.</summary>
    Withdraw,
}

/// <summary>One thing to be done. Which members count depends on the kind.</summary>
internal readonly record struct GossipEffect(
    GossipEffectKind Kind,
    CachedMessage? Message = null,
    long Client = 0,
    ushort NotificationId = 0,
    int Ttl = 0,
    SpreadKey Key = default,
    SpreadVerdict Verdict = SpreadVerdict.Ignore);

/// <summary>What became of an announcement.</summary>
public enum GossipAnnounceOutcome
{
    /// <summary>It is new here: local subscribers are notified, and it spreads.</summary>
    Spread,

    /// <summary>The same is in the cache: it spreads again, and nobody here is notified twice.</summary>
    Repeated,

    /// <summary>The same was vetoed here.</summary>
    Vetoed,

    /// <summary>No client is registered for the type, and <see cref="GossipApiOptions.Strict"/> is on.</summary>
    Unregistered,
}
