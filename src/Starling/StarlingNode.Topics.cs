using Starling.Net.PubSub;

namespace Starling;

/// <content>Topics.</content>
public sealed partial class StarlingNode
{
    /// <summary>What the node's topics are built on, with their counters.</summary>
    public PubSubService Topics => _parts.Topics;

    /// <summary>Publishes bytes to a topic.</summary>
    /// <param name="topic">The topic; a string is a stream topic, signed by this node.</param>
    /// <param name="data">Copied before this returns.</param>
    /// <param name="cancellationToken">Ends the wait for room in the subscribers' queues.</param>
    /// <returns>What became of the message: sent, and to how many; nobody there; too large; or some queues were full.</returns>
    /// <inheritdoc cref="PubSubService.PublishAsync(Topic, ReadOnlyMemory{byte}, PublishOptions?, CancellationToken)" path="/remarks"/>
    public ValueTask<PublishResult> PublishAsync(Topic topic, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        _parts.Topics.PublishAsync(topic, data, null, cancellationToken);

    /// <summary>Publishes bytes if that needs no wait.</summary>
    /// <inheritdoc cref="PubSubService.TryPublish(Topic, ReadOnlySpan{byte}, out PublishResult)"/>
    public bool TryPublish(Topic topic, ReadOnlySpan<byte> data, out PublishResult result) => _parts.Topics.TryPublish(topic, data, out result);

    /// <summary>Follows a topic, or every topic that a pattern means, from the moment this returns; read the messages with <c>await foreach</c> and dispose the subscription to leave.</summary>
    /// <param name="topic">The topic; a string is a stream topic.</param>
    /// <param name="options">The subscription's queue, what happens when it is full, and what it wants of the past; null takes the defaults.</param>
    /// <param name="cancellationToken">Ends this call, not the subscription.</param>
    public ValueTask<TopicSubscription> SubscribeAsync(Topic topic, SubscriptionOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _parts.Topics.SubscribeAsync(topic, options);
    }

    /// <summary>Follows several topics, of any kinds, in one sequence; each message shows its topic.</summary>
    /// <param name="topics">The topics; at least one.</param>
    /// <param name="options">The queue that they share; null takes the defaults.</param>
    /// <param name="cancellationToken">Ends this call, not the subscription.</param>
    public ValueTask<TopicSubscription> SubscribeAsync(IReadOnlyList<Topic> topics, SubscriptionOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _parts.Topics.SubscribeAsync(topics, options);
    }

    /// <summary>Completes once at least so many linked peers follow a topic, or a pattern that means it.</summary>
    public Task WaitForSubscribersAsync(Topic topic, int count = 1, CancellationToken cancellationToken = default) =>
        _parts.Topics.WaitForSubscribersAsync(topic, count, cancellationToken);
}
