using System.Text;
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
        PubSubCore.CheckTopic(topic, _router.Options);
        if (Volatile.Read(ref _stopping) != 0) return new PublishResult(PublishStatus.Rejected);
        options ??= Waiting;
        var size = _signer.EncodedSize(Encoding.UTF8.GetByteCount(topic), data.Length);
        if (size > _router.Options.MaxMessageBytes) return new PublishResult(PublishStatus.TooLarge);

        var waited = options.Wait && await WaitForRoomAsync(topic, (int)size, options.Timeout ?? _router.Options.PublishTimeout, cancellationToken).ConfigureAwait(false);
        try
        {
            var publish = await SignAndPostAsync(topic, data, waited, cancellationToken).ConfigureAwait(false);
            await publish.Completion.ConfigureAwait(false);
            foreach (var subscription in publish.Blocked) await _router.WaitForRoomAsync(subscription, CancellationToken.None).ConfigureAwait(false);
            return publish.Result;
        }
        catch (ObjectDisposedException)
        {
            return new PublishResult(PublishStatus.Rejected);
        }
    }

    /// <summary>Signing and getting in line happen one at a time, so that numbers rise in the order in which messages leave.</summary>
    private async ValueTask<PublishEvent> SignAndPostAsync(string topic, ReadOnlyMemory<byte> data, bool waited, CancellationToken cancellationToken)
    {
        await _signing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var publish = new PublishEvent(_signer.Sign(topic, data.Span), waited);
            await _router.PostAsync(publish).ConfigureAwait(false);
            return publish;
        }
        finally
        {
            _signing.Release();
        }
    }

    /// <summary>Waits until no subscriber's queue is full; false when the time ran out first.</summary>
    private async ValueTask<bool> WaitForRoomAsync(string topic, int size, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_router.Board.FindFull(topic, size) is not { } full) return true;
        var deadline = _router.Clock.Now() + timeout;
        try
        {
            for (PeerQueue? next = full; next is not null; next = _router.Board.FindFull(topic, size))
            {
                var left = deadline - _router.Clock.Now();
                if (left <= TimeSpan.Zero) return false;
                await next.ProgressAsync(size).WaitAsync(left, _router.Clock, cancellationToken).ConfigureAwait(false);
            }

            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private sealed class PublishEvent(PubSubMessage message, bool waited) : RouterEvent
    {
        public PublishResult Result { get; private set; }

        public List<TopicSubscription> Blocked { get; } = [];

        public override void Run(TopicRouter router) => Result = router.Publish(message, waited, Blocked);
    }
}
