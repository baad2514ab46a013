using Starling.Net.PubSub;

namespace Starling;

/// <content>Topics.</content>
public sealed partial class StarlingNode
{
    /// <summary>What the node's topics are built on, with their counters.</summary>
    public PubSubService Topics => _parts.Topics;

    /// <summary>Publishes bytes to a topic, signed by this node.</summary>
    /// <param name="topic">The topic's name.</param>
    /// <param name="data">Copied before this returns.</param>
    /// <param name="cancellationToken">Ends the wait for room in the subscribers' queues.</param>
    /// <returns>What became of the message: sent, and to how many; nobody there; too large; or some queues were full.</returns>
    public ValueTask<PublishResult> PublishAsync(string topic, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        _parts.Topics.PublishAsync(topic, data, cancellationToken: cancellationToken);

    /// <summary>Follows a topic from the moment this returns; read the messages with <c>await foreach</c> and dispose the subscription to leave.</summary>
    /// <param name="topic">The topic's name.</param>
    /// <param name="options">The subscription's queue and what happens when it is full; null takes the defaults.</param>
    /// <param name="cancellationToken">Ends this call, not the subscription.</param>
    public async ValueTask<TopicSubscription> SubscribeAsync(string topic, SubscriptionOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _parts.Topics.SubscribeAsync(topic, options);
    }

    /// <summary>Completes once at least so many linked peers follow a topic.</summary>
    public Task WaitForSubscribersAsync(string topic, int count = 1, CancellationToken cancellationToken = default) =>
        _parts.Topics.WaitForSubscribersAsync(topic, count, cancellationToken);
}
