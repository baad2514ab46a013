namespace Starling.Protocols.PubSub;

/// <summary>What a router asks its shell to do, or tells it.</summary>
public enum PubSubEffectKind
{
    /// <summary>Tell a neighbour that this node follows the topic.</summary>
    AnnounceSubscribe,

    /// <summary>Tell a neighbour that this node no longer follows the topic.</summary>
    AnnounceUnsubscribe,

    /// <summary>Send a message to a neighbour.</summary>
    Send,

    /// <summary>Hand a message to this node's subscriptions of its topic, and to those of patterns that match it.</summary>
    Deliver,

    /// <summary>A neighbour follows the topic or pattern now.</summary>
    PeerSubscribed,

    /// <summary>A neighbour no longer follows the topic or pattern.</summary>
    PeerUnsubscribed,

    /// <summary>Have a message judged, then call <see cref="PubSubCore.Judge"/>. Until then it goes nowhere.</summary>
    Validate,

    /// <summary>Send a GRAFT of the topic.</summary>
    Graft,

    /// <summary>Send a PRUNE of the topic; the detail is a <see cref="PruneDetail"/>.</summary>
    Prune,

    /// <summary>Send an IHAVE of the topic; the detail is an array of <see cref="MessageId"/>.</summary>
    IHave,

    /// <summary>Send an IWANT; the detail is an array of <see cref="MessageId"/>.</summary>
    IWant,

    /// <summary>Send an IDONTWANT at once; the detail is an array of <see cref="MessageId"/>.</summary>
    IDontWant,

    /// <summary>A neighbour is in this node's mesh of the topic now: its link is worth keeping.</summary>
    MeshAdded,

    /// <summary>A neighbour is in this node's mesh of the topic no longer.</summary>
    MeshRemoved,

    /// <summary>Link to a peer that is no neighbour. The detail is its signed record, not yet verified (<see cref="ReadOnlyMemory{T}"/> of bytes, empty where
    /// only an address book can help) for one that a PRUNE named; null for an explicit peer.</summary>
    Connect,
}

/// <summary>One effect, to be carried out in order.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Peer">The neighbour; for <see cref="PubSubEffectKind.Deliver"/> and <see cref="PubSubEffectKind.Validate"/> the one that brought the message, this node itself for an own one.</param>
/// <param name="Topic">The topic; empty where an effect has none.</param>
/// <param name="Message">The message of <see cref="PubSubEffectKind.Send"/>, <see cref="PubSubEffectKind.Deliver"/> and <see cref="PubSubEffectKind.Validate"/>.</param>
/// <param name="Detail">What else belongs to the kind.</param>
public readonly record struct PubSubEffect(PubSubEffectKind Kind, PeerId Peer, string Topic, PubSubMessage? Message = null, object? Detail = null);
