using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub.Streams;

/// <summary>A pattern that is followed: hands each message to the topic that it was published to, which its subscriptions are added to when the topic is first met.</summary>
internal sealed class StreamPattern(Topic topic, StreamTopics owner, Instant since) : ITopicSink
{
    private TopicSubscription[] _subscriptions = [];

    public Topic Topic { get; } = topic;

    /// <summary>When the pattern was followed first.</summary>
    public Instant Since { get; } = since;

    public IDisposable? Following { get; set; }

    /// <summary>Replaced whole, under the owner's lock of patterns.</summary>
    public TopicSubscription[] Subscriptions
    {
        get => Volatile.Read(ref _subscriptions);
        set => Volatile.Write(ref _subscriptions, value);
    }

    public bool IsFull => Subscriptions.Any(subscription => subscription.IsBlocking);

    public Task RoomAsync() => owner.RoomAsync(Subscriptions);

    public void Deliver(PubSubMessage message, PeerId from) => owner.OfWire(Topic.Kind, message.Topic)?.Deliver(message, from);

    public void Stopped()
    {
        foreach (var subscription in Subscriptions) subscription.Complete();
    }
}
