using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Publishing.</content>
public sealed partial class PubSubService
{
    private static readonly PublishOptions Waiting = new();

    /// <summary>Publishes a message to everybody who follows the topic, and says what became of it.</summary>
    /// <param name="topic">The topic; no pattern.</param>
    /// <param name="data">The payload; copied before this returns its task's result, and the caller's again then.</param>
    /// <param name="options">Null waits for room, up to <see cref="PubSubServiceOptions.PublishTimeout"/>.</param>
    /// <param name="cancellationToken">Cancels the wait for room. A message that is cancelled was sent to nobody.</param>
    /// <remarks>Messages published one after the other are sent in that order. A stream or link topic takes the message at once and without allocation as long as there is room;
    /// its <see cref="PublishResult.Recipients"/> is then how many neighbours got the topic's last bundle. Whoever comes later, or lost it, finds it in the log.
    /// On a plain topic every message that is <see cref="PublishStatus.Sent"/> stays queued until it is written. Either way a slow subscriber slows the publisher, and nothing is shed.</remarks>
    /// <exception cref="ArgumentException">The topic is a pattern, or its name is out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for room.</exception>
    public ValueTask<PublishResult> PublishAsync(Topic topic, ReadOnlyMemory<byte> data, PublishOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(topic);
        if (topic.IsPattern) throw NoPattern(topic);
        if (IsStopping) return new ValueTask<PublishResult>(new PublishResult(PublishStatus.Rejected));
        return FindValidator(topic) is { } validator ? PublishJudgedAsync(validator, topic, data, options, cancellationToken) : PublishAcceptedAsync(topic, data, options, cancellationToken);
    }

    /// <summary>Publishes a message if that needs no wait. False when it does: nobody got it then, or, on a plain topic, not all.</summary>
    /// <param name="topic">The topic; no pattern.</param>
    /// <param name="data">The payload; copied.</param>
    /// <param name="result">What became of the message.</param>
    /// <exception cref="ArgumentException">The topic is a pattern, or its name is out of range.</exception>
    public bool TryPublish(Topic topic, ReadOnlySpan<byte> data, out PublishResult result)
    {
        ArgumentNullException.ThrowIfNull(topic);
        if (topic.IsPattern) throw NoPattern(topic);
        if (IsStopping)
        {
            result = new PublishResult(PublishStatus.Rejected);
            return true;
        }

        if (!TryJudge(topic, data, out result)) return result.Status == PublishStatus.Rejected;
        if (topic.Kind != TopicKind.Plain) return _streams.Of(topic).Publisher.TryPublish(data, out result);
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        var sent = data.Length > _wire.MaxData(topic.Wire) ? new WirePublish(PublishStatus.TooLarge) : _wire.Publish(topic.Wire, data, waited: false, null);
        result = new PublishResult(sent.Status, sent.Recipients, sent.Missed);
        return sent.Status != PublishStatus.Backpressured;
    }

    private ValueTask<PublishResult> PublishAcceptedAsync(Topic topic, ReadOnlyMemory<byte> data, PublishOptions? options, CancellationToken cancellationToken) =>
        topic.Kind == TopicKind.Plain ? PublishPlainAsync(topic, data, options, cancellationToken) : _streams.Of(topic).Publisher.PublishAsync(data, options, cancellationToken);

    private async ValueTask<PublishResult> PublishJudgedAsync(TopicValidator validator, Topic topic, ReadOnlyMemory<byte> data, PublishOptions? options, CancellationToken cancellationToken)
    {
        if (!await IsAcceptedAsync(validator, topic, data).ConfigureAwait(false)) return new PublishResult(PublishStatus.Rejected);
        cancellationToken.ThrowIfCancellationRequested();
        return await PublishAcceptedAsync(topic, data, options, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<PublishResult> PublishPlainAsync(Topic topic, ReadOnlyMemory<byte> data, PublishOptions? options, CancellationToken cancellationToken)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        options ??= Waiting;
        var wire = topic.Wire;
        if (data.Length > _wire.MaxData(wire)) return new PublishResult(PublishStatus.TooLarge);

        var waited = options.Wait && await WaitForRoomAsync(wire, data.Length, options.Timeout ?? _setting.Options.PublishTimeout, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        var published = _wire.Publish(wire, data.Span, waited, null);
        if (_setting.Options.EchoOwnMessages) await WaitForOwnAsync(topic).ConfigureAwait(false);
        return new PublishResult(published.Status, published.Recipients, published.Missed);
    }

    private static ArgumentException NoPattern(Topic topic) => new($"'{topic.Name}' is a pattern, which can be subscribed to; publish to one topic.", nameof(topic));

    /// <summary>Waits until no subscriber's queue is full; false when the time ran out first.</summary>
    private async ValueTask<bool> WaitForRoomAsync(WireTopic topic, int size, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_wire.RoomAsync(topic, size) is not { } full) return true;
        var deadline = _setting.Clock.Now() + timeout;
        try
        {
            for (var next = full; next is not null; next = _wire.RoomAsync(topic, size))
            {
                var left = deadline - _setting.Clock.Now();
                if (left <= TimeSpan.Zero) return false;
                await next.WaitAsync(left, _setting.Clock, cancellationToken).ConfigureAwait(false);
            }

            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Waits for this node's own subscriptions, which an echo may have filled.</summary>
    private async ValueTask WaitForOwnAsync(Topic topic)
    {
        foreach (var subscription in _subscriptions.Keys)
        {
            if (subscription.IsBlocking && subscription.Topics.Contains(topic)) await subscription.WaitForRoomAsync(_setting).ConfigureAwait(false);
        }
    }
}
