namespace Starling.Net.PubSub;

/// <summary>A message of a topic with its value.</summary>
/// <param name="Value">What its payload says.</param>
/// <param name="Message">The message: topic, origin, time, payload.</param>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly record struct TypedMessage<T>(T Value, TopicMessage Message);

/// <summary>A subscription whose payloads are read as values. A payload that is none is told and passed over: the sequence goes on.</summary>
/// <typeparam name="T">The type of the values; <c>byte[]</c> and <c>ReadOnlyMemory&lt;byte&gt;</c> take payloads as they are.</typeparam>
/// <remarks>Otherwise as <see cref="TopicSubscription"/>.</remarks>
public sealed class TypedSubscription<T> : IAsyncEnumerable<TypedMessage<T>>, IAsyncDisposable
{
    private readonly TopicSubscription _messages;
    private readonly IPayloadSerializer _serializer;
    private readonly Action<TopicMessage, PayloadException> _unreadable;
    private long _count;

    internal TypedSubscription(TopicSubscription messages, IPayloadSerializer serializer, Action<TopicMessage, PayloadException> unreadable) =>
        (_messages, _serializer, _unreadable) = (messages, serializer, unreadable);

    /// <summary>The topic's name.</summary>
    public string Topic => _messages.Topic;

    /// <summary>Messages that were dropped because this reader was slow.</summary>
    public long Dropped => _messages.Dropped;

    /// <summary>Messages whose payload could not be read.</summary>
    public long Unreadable => Interlocked.Read(ref _count);

    /// <summary>Takes the next message that can be read, when one is there.</summary>
    public bool TryRead(out TypedMessage<T> message)
    {
        while (_messages.TryRead(out var next))
        {
            try
            {
                message = new TypedMessage<T>(TypedPayload.Read<T>(_serializer, next.Data), next);
                return true;
            }
            catch (PayloadException error)
            {
                Interlocked.Increment(ref _count);
                _unreadable(next, error);
            }
        }

        message = default;
        return false;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<TypedMessage<T>> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (await _messages.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (TryRead(out var message))
            {
                yield return message;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <inheritdoc cref="TopicSubscription.DisposeAsync"/>
    public ValueTask DisposeAsync() => _messages.DisposeAsync();
}
