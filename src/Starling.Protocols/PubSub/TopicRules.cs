namespace Starling.Protocols.PubSub;

/// <summary>What holds for one topic of this node. Immutable.</summary>
/// <param name="IsValidated">Whether its messages wait for a verdict: each new one becomes a <see cref="PubSubEffectKind.Validate"/> first. Default false.</param>
/// <param name="Members">The only peers that are told of the topic, meshed, sent to and believed, as neighbours and as origins. Default null: everybody;
/// under <see cref="OriginPolicy.Link"/> nobody. The set is not copied and must not change; this node need not be in it.</param>
/// <param name="Relay">Whether the node follows the topic for others, with or without an own subscription. Nothing is delivered for it. Default false.</param>
public sealed record TopicRules(bool IsValidated = false, IReadOnlySet<PeerId>? Members = null, bool Relay = false)
{
    /// <summary>For a topic without rules of its own.</summary>
    public static TopicRules Default { get; } = new();
}

/// <summary>Whether messages prove who made them.</summary>
public enum OriginPolicy
{
    /// <summary>Every message carries a signature of its origin (StrictSign). What libp2p peers speak.</summary>
    Signed,

    /// <summary>No message carries a signature or key, and one that does is refused. The neighbour is authentic, the origin is what it says: for topics
    /// whose <see cref="TopicRules.Members"/> trust each other. A topic without members is closed to everybody.</summary>
    Link,
}

/// <summary>A validator's word on a message.</summary>
public enum PubSubVerdict
{
    /// <summary>Deliver it and hand it on.</summary>
    Accept,

    /// <summary>Drop it. Nobody is blamed.</summary>
    Ignore,

    /// <summary>Drop it. Those who brought it are to blame.</summary>
    Reject,
}

/// <summary>What a neighbour's stream speaks.</summary>
public enum PubSubPeerKind
{
    /// <summary>Flooding: it gets every message of a topic that it follows, and no control messages.</summary>
    FloodSub,

    /// <summary>Gossipsub 1.0: no backoff and no peer exchange in a PRUNE.</summary>
    Mesh10,

    /// <summary>Gossipsub 1.1.</summary>
    Mesh11,

    /// <summary>Gossipsub 1.2: understands IDONTWANT.</summary>
    Mesh12,
}

/// <summary>How a neighbour writes the ids of messages in its control messages.</summary>
public enum MessageIdForm
{
    /// <summary>The origin's peer id and the number, as the pubsub spec has it.</summary>
    PeerId,

    /// <summary>The origin's encoded public key and the number, as js-libp2p does.</summary>
    PublicKey,
}
