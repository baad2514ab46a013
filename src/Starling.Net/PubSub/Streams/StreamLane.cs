using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <summary>Subscriptions that see a topic in the same order from the same beginning: the common ones of a topic, or one that joined late or has a reorder timeout of its own.</summary>
internal sealed class StreamLane(StreamReceiver receiver, bool isOwn)
{
    public StreamReceiver Receiver { get; } = receiver;

    /// <summary>Whether the lane was made for one subscription.</summary>
    public bool IsOwn { get; } = isOwn;

    public List<TopicSubscription> Subscriptions { get; } = [];

    public List<StreamEffect> Effects { get; } = [];
}
