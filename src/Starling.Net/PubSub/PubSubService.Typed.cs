namespace Starling.Net.PubSub;

/// <content>Values instead of bytes.</content>
public sealed partial class PubSubService
{
    /// <summary>Publishes a value.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="value">The value; raw bytes go as they are.</param>
    /// <param name="serializer">Null takes <see cref="JsonPayloadSerializer.Default"/>.</param>
    /// <param name="options">As for bytes.</param>
    /// <param name="cancellationToken">As for bytes.</param>
    /// <exception cref="PayloadException">The value cannot be written.</exception>
    /// <inheritdoc cref="PublishAsync(Topic, ReadOnlyMemory{byte}, PublishOptions?, CancellationToken)" path="/returns"/>
    public ValueTask<PublishResult> PublishValueAsync<T>(Topic topic, T value, IPayloadSerializer? serializer = null, PublishOptions? options = null, CancellationToken cancellationToken = default) =>
        PublishAsync(topic, TypedPayload.Write(serializer ?? JsonPayloadSerializer.Default, value), options, cancellationToken);

    /// <summary>Follows a topic whose payloads are values.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="serializer">Null takes <see cref="JsonPayloadSerializer.Default"/>.</param>
    /// <param name="options">The subscription's queue; null takes the defaults.</param>
    /// <param name="unreadable">Told of each message that is no such value, on the reader's thread; counted in any case.</param>
    /// <inheritdoc cref="SubscribeAsync(Topic, SubscriptionOptions?)" path="/exception"/>
    public async ValueTask<TypedSubscription<T>> SubscribeValuesAsync<T>(Topic topic, IPayloadSerializer? serializer = null, SubscriptionOptions? options = null, Action<TopicMessage, PayloadException>? unreadable = null)
    {
        var messages = await SubscribeAsync(topic, options).ConfigureAwait(false);
        return new TypedSubscription<T>(messages, serializer ?? JsonPayloadSerializer.Default, Told);

        void Told(TopicMessage message, PayloadException error)
        {
            _setting.Metrics.Dropped(DropReason.Unreadable, 1);
            unreadable?.Invoke(message, error);
        }
    }
}
