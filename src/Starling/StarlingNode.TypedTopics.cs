using Starling.Net.PubSub;

namespace Starling;

/// <content>Topics of values.</content>
public sealed partial class StarlingNode
{
    /// <summary>Publishes a value, written by <see cref="NodeEnvironment.Serializer"/>; <c>byte[]</c> and <c>ReadOnlyMemory&lt;byte&gt;</c> go as they are.</summary>
    /// <typeparam name="T">The type by which it is written.</typeparam>
    /// <exception cref="PayloadException">The value cannot be written.</exception>
    /// <inheritdoc cref="PublishAsync(Topic, ReadOnlyMemory{byte}, CancellationToken)"/>
    /// <param name="topic">The topic; a string is a stream topic.</param>
    /// <param name="value">The value.</param>
    /// <param name="cancellationToken">Ends the wait for room in the subscribers' queues.</param>
    public ValueTask<PublishResult> PublishAsync<T>(Topic topic, T value, CancellationToken cancellationToken = default) =>
        _parts.Topics.PublishValueAsync(topic, value, _environment.Serializer, null, cancellationToken);

    /// <summary>Follows a topic whose payloads are values. A payload that is no such value is told by <see cref="NodeEvent.PayloadRefused"/> and passed over.</summary>
    /// <param name="topic">The topic; a string is a stream topic.</param>
    /// <param name="options">The subscription's queue and what happens when it is full; null takes the defaults.</param>
    /// <param name="cancellationToken">Ends this call, not the subscription.</param>
    /// <typeparam name="T">The type of the values; <c>byte[]</c> and <c>ReadOnlyMemory&lt;byte&gt;</c> take payloads as they are.</typeparam>
    public async ValueTask<TypedSubscription<T>> SubscribeAsync<T>(Topic topic, SubscriptionOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _parts.Topics.SubscribeValuesAsync<T>(topic, _environment.Serializer, options, (message, error) => _events.Raise(NodeEvent.PayloadRefused.Of(message, error)));
    }
}
