using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Puts a plain topic's messages into a subscription's queue.</summary>
internal sealed class SubscriptionSink(TopicSubscription subscription, TopicSetting setting) : ITopicSink
{
    private IDisposable? _following;

    public bool IsFull => subscription.IsBlocking;

    /// <summary>Ends the subscription's part in the wire when it ends by itself.</summary>
    public void Follow(ITopicWire wire, WireTopic topic)
    {
        var following = wire.Follow(topic, this);
        Volatile.Write(ref _following, following);
        if (subscription.HasEnded) following.Dispose();
    }

    public void Leave() => Volatile.Read(ref _following)?.Dispose();

    public void Deliver(PubSubMessage message, PeerId from)
    {
        subscription.Enqueue(new TopicDelivery(message, from, setting.Clock.GetUtcNow()), out var dropped);
        setting.Metrics.Dropped(DropReason.SlowSubscriber, dropped);
        if (subscription.HasEnded) Leave();
    }

    public Task RoomAsync() => subscription.WaitForRoomAsync(setting);

    public void Stopped() => subscription.Complete();
}
