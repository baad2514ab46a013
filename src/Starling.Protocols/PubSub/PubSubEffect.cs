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

    /// <summary>Hand a message to this node's subscriptions of its topic.</summary>
    Deliver,

    /// <summary>A neighbour follows the topic now.</summary>
    PeerSubscribed,

    /// <summary>A neighbour no longer follows the topic.</summary>
    PeerUnsubscribed,
}

/// <summary>One effect, to be carried out in order.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Peer">The neighbour; for <see cref="PubSubEffectKind.Deliver"/> the one that brought the message, this node itself for an own one.</param>
/// <param name="Topic">The topic.</param>
/// <param name="Message">The message of <see cref="PubSubEffectKind.Send"/> and <see cref="PubSubEffectKind.Deliver"/>.</param>
public readonly record struct PubSubEffect(PubSubEffectKind Kind, PeerId Peer, string Topic, PubSubMessage? Message = null);
