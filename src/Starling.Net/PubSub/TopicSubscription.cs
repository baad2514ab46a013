using Starling.Protocols.Streams;

namespace Starling.Net.PubSub;

/// <summary>One subscription to a topic, a pattern or several: a bounded queue that is read as an async sequence. Safe for several threads; each message goes to one reader.</summary>
/// <remarks>The sequence ends when the subscription is disposed, at once, or when the node stops, after what was queued.
/// For a thread without async, <c>subscription.ToBlockingEnumerable()</c> reads the same sequence.</remarks>
public sealed class TopicSubscription : IAsyncEnumerable<TopicMessage>, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<SubscriptionSegment> _queue = new();
    private readonly SubscriptionOptions _options;
    private readonly ResourceBudget _budget;
    private readonly Func<TopicSubscription, ValueTask> _leave;
    private SubscriptionSegment? _head;
    private TaskCompletionSource? _filled;
    private TaskCompletionSource? _filledToo;
    private TaskCompletionSource? _room;
    private StarlingException? _error;
    private int _count;
    private long _bytes;
    private long _dropped;
    private long _lost;
    private bool _ended;
    private bool _lagging;

    internal TopicSubscription(IReadOnlyList<Topic> topics, SubscriptionOptions options, ResourceBudget budget, Func<TopicSubscription, ValueTask> leave)
    {
        options.Validate();
        Topics = topics;
        _options = options.Clone();
        _budget = budget;
        _leave = leave;
    }

    /// <summary>The topic's name or pattern; of a subscription to several, all of them with a comma between.</summary>
    public string Topic => Topics.Count == 1 ? Topics[0].Name : string.Join(", ", Topics.Select(topic => topic.Name));

    /// <summary>What is followed.</summary>
    public IReadOnlyList<Topic> Topics { get; }

    /// <summary>Messages that this subscription has dropped because its reader was slow.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Messages of stream and link topics that are known to exist, could not be recovered and never reached this node.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Messages that wait now.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _count;
        }
    }

    internal bool HasEnded
    {
        get
        {
            lock (_gate) return _ended;
        }
    }

    internal SubscriptionOptions Options => _options;

    internal TimeSpan BlockTimeout => _options.BlockTimeout;

    /// <summary>Whether those who bring messages should wait for <see cref="RoomAsync"/>.</summary>
    internal bool IsBlocking
    {
        get
        {
            lock (_gate) return _options.WhenFull == Overflow.Block && !_ended && !_lagging && IsFull;
        }
    }

    /// <summary>Takes the next message when one is there.</summary>
    public bool TryRead(out TopicMessage message)
    {
        lock (_gate)
        {
            if (!TryTake(out message)) return false;
            if ((_room is null && !_lagging) || IsFull) return true;
            _room?.TrySetResult();
            _room = null;
            _lagging = false;
            return true;
        }
    }

    /// <summary>Waits until a message is there, or returns false when none will come any more.</summary>
    /// <exception cref="SubscriptionOverflowException">The reader was too slow, and the options ask to end the subscription then.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; no message is lost by it.</exception>
    public async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task filled;
            lock (_gate)
            {
                if (_count > 0) return true;
                if (_error is not null) throw _error;
                if (_ended) return false;
                filled = _filled is null ? (_filled = new TaskCompletionSource()).Task : (_filledToo ??= NewSignal()).Task;
            }

            await filled.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<TopicMessage> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (await WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (TryRead(out var message))
            {
                yield return message;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Leaves the topic and ends the sequence; what is queued is dropped. Neighbours are told when this was the topic's last subscription.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            while (TryTake(out _)) continue;
            End();
        }

        await _leave(this).ConfigureAwait(false);
    }

    /// <summary>Queues a plain message. False when the one who brought it should wait for <see cref="RoomAsync"/>.</summary>
    internal bool Enqueue(TopicDelivery delivery, out int dropped) => Enqueue(new SubscriptionSegment(delivery), out dropped);

    /// <summary>Queues the messages of a bundle from a counter on: one entry, one lock and one wake for all of them. Returns how many were dropped.</summary>
    internal int Enqueue(TopicDelivery delivery, StreamBundle bundle, ulong first, ulong missed)
    {
        Enqueue(new SubscriptionSegment(delivery, bundle, first, missed), out var dropped);
        return dropped;
    }

    /// <summary>Counts messages that are lost.</summary>
    internal void CountLost(ulong count) => StreamCounters.AddUpTo(ref _lost, count);

    /// <summary>Completes when the queue is below its bounds or nobody needs it to be.</summary>
    internal Task RoomAsync()
    {
        lock (_gate) return _ended || _lagging || !IsFull ? Task.CompletedTask : (_room ??= NewSignal()).Task;
    }

    /// <summary>Waits for room, no longer than this subscription may make others wait. Never fails.</summary>
    internal async Task WaitForRoomAsync(TopicSetting setting)
    {
        try
        {
            await RoomAsync().WaitAsync(BlockTimeout, setting.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            setting.Log.SubscriberStalled(Topic, BlockTimeout);
            StopWaiting();
        }
    }

    /// <summary>Nobody waits for this reader any more until it has made room.</summary>
    internal void StopWaiting()
    {
        lock (_gate)
        {
            if (!IsFull) return;
            _lagging = true;
            _room?.TrySetResult();
            _room = null;
        }
    }

    /// <summary>No message will come any more; what is queued can be read.</summary>
    internal void Complete()
    {
        lock (_gate) End();
    }

    private bool IsFull => _count >= _options.MaxMessages || _bytes >= _options.MaxBytes;

    private bool IsOver => _count > _options.MaxMessages || (_bytes > _options.MaxBytes && _count > 1);

    private bool Enqueue(SubscriptionSegment segment, out int dropped)
    {
        dropped = 0;
        lock (_gate)
        {
            if (_ended) return true;
            var arrived = segment.Count;
            var fits = _count == 0 || (_count + arrived <= _options.MaxMessages && _bytes + segment.Bytes <= _options.MaxBytes);
            if (!fits || arrived > _options.MaxMessages || (arrived > 1 && segment.Bytes > _options.MaxBytes)) dropped += Overflowing(segment);
            if (segment.Count > 0 && !TryAdd(segment)) dropped += segment.Count;
            if (_options.WhenFull == Overflow.DropOldest)
            {
                for (; IsOver && TryTake(out _); dropped++) continue;
            }

            if (_error is not null) End();
            _dropped += dropped;
            return _options.WhenFull != Overflow.Block || _lagging || !IsFull;
        }
    }

    /// <summary>What does not fit is let go, where the policy is to let the new go. Returns how many messages that were.</summary>
    private int Overflowing(SubscriptionSegment segment)
    {
        if (_options.WhenFull == Overflow.DropOldest || (_options.WhenFull == Overflow.Block && !_lagging)) return 0;
        var dropped = segment.KeepFirst(_options.MaxMessages - _count, _count == 0 ? long.MaxValue : _options.MaxBytes - _bytes);
        if (_options.WhenFull == Overflow.Disconnect) _error = new SubscriptionOverflowException(Topic, _count + segment.Count);
        return dropped;
    }

    private bool TryAdd(SubscriptionSegment segment)
    {
        if (!_budget.TryAcquire(ResourceKind.QueueBytes, segment.Held)) return false;
        if (_head is null) _head = segment;
        else _queue.Enqueue(segment);
        _count += segment.Count;
        _bytes += segment.Bytes;
        TellReaders();
        return true;
    }

    private bool TryTake(out TopicMessage message)
    {
        message = default;
        if (_head is not { } head) return false;
        var before = head.Bytes;
        message = head.Take();
        _count--;
        _bytes -= before - head.Bytes;
        if (head.Count > 0) return true;
        _budget.Release(ResourceKind.QueueBytes, head.Held);
        _queue.TryDequeue(out _head);
        return true;
    }

    private void End()
    {
        _ended = true;
        TellReaders();
        _room?.TrySetResult();
        _room = null;
    }

    /// <summary>One reader may be told on the thread that brought the messages; others are told on the pool, for none of them may wait for what another does.</summary>
    private void TellReaders()
    {
        if (_filled is not null) ReaderWake.Tell(_filled);
        _filledToo?.TrySetResult();
        _filled = _filledToo = null;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
