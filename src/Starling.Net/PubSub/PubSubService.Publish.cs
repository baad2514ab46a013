using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Publishing.</content>
public sealed partial class PubSubService
{
    private static readonly PublishOptions Waiting = new();

    /// <summary>Publishes a message to every linked peer that follows the topic, and says what became of it.</summary>
    /// <param name="topic">The topic's name.</param>
    /// <param name="data">The payload; copied before this returns its task's result, and the caller's again then.</param>
    /// <param name="options">Null waits for room in the subscribers' queues, up to <see cref="PubSubServiceOptions.PublishTimeout"/>.</param>
    /// <param name="cancellationToken">Cancels the wait for room. A message that is cancelled was sent to nobody.</param>
    /// <remarks>Messages published one after the other are sent in that order. With <see cref="PublishOptions.Wait"/>, every message that is <see cref="PublishStatus.Sent"/>
    /// stays queued until it is written: a slow subscriber slows the publisher, and nothing is shed.</remarks>
    /// <exception cref="ArgumentException">The topic's name is out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for room.</exception>
    public async ValueTask<PublishResult> PublishAsync(string topic, ReadOnlyMemory<byte> data, PublishOptions? options = null, CancellationToken cancellationToken = default)
    {
        PubSubCore.CheckTopic(topic, _setting.Options);
        if (IsStopping) return new PublishResult(PublishStatus.Rejected);
        options ??= Waiting;
        var wire = Plain(topic);
        if (data.Length > _wire.MaxData(wire)) return new PublishResult(PublishStatus.TooLarge);

        var waited = options.Wait && await WaitForRoomAsync(wire, data.Length, options.Timeout ?? _setting.Options.PublishTimeout, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        var published = _wire.Publish(wire, data.Span, waited, null);
        if (_setting.Options.EchoOwnMessages) await WaitForOwnAsync(topic).ConfigureAwait(false);
        return new PublishResult(published.Status, published.Recipients, published.Missed);
    }

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
    private async ValueTask WaitForOwnAsync(string topic)
    {
        foreach (var (subscription, sink) in _subscriptions)
        {
            if (subscription.Topic == topic && sink.IsFull) await sink.RoomAsync().ConfigureAwait(false);
        }
    }
}
