namespace Starling.Net.PubSub;

/// <summary>One subscription to a topic: a bounded queue that is read as an async sequence. Safe for several threads; each message goes to one reader.</summary>
/// <remarks>The sequence ends when the subscription is disposed, at once, or when the node stops, after what was queued.
/// For a thread without async, <c>subscription.ToBlockingEnumerable()</c> reads the same sequence.</remarks>
public sealed class TopicSubscription : IAsyncEnumerable<TopicMessage>, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<TopicMessage> _queue = new();
    private readonly SubscriptionOptions _options;
    private readonly ResourceBudget _budget;
    private readonly Func<TopicSubscription, ValueTask> _leave;
    private TaskCompletionSource? _filled;
    private TaskCompletionSource? _room;
    private StarlingException? _error;
    private long _bytes;
    private long _dropped;
    private bool _ended;
    private bool _lagging;

    internal TopicSubscription(string topic, SubscriptionOptions options, ResourceBudget budget, Func<TopicSubscription, ValueTask> leave)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxMessages);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxBytes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.BlockTimeout, TimeSpan.Zero);
        Topic = topic;
        _options = new SubscriptionOptions
        {
            MaxMessages = options.MaxMessages,
            MaxBytes = options.MaxBytes,
            WhenFull = options.WhenFull,
            BlockTimeout = options.BlockTimeout,
        };
        _budget = budget;
        _leave = leave;
    }

    /// <summary>The topic's name.</summary>
    public string Topic { get; }

    /// <summary>Messages that this subscription has dropped because its reader was slow.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Messages that wait now.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _queue.Count;
        }
    }

    internal bool HasEnded
    {
        get
        {
            lock (_gate) return _ended;
        }
    }

    internal TimeSpan BlockTimeout => _options.BlockTimeout;

    /// <summary>Takes the next message when one is there.</summary>
    public bool TryRead(out TopicMessage message)
    {
        lock (_gate)
        {
            if (!TryTake(out message)) return false;
            if (_room is not null && !IsFull)
            {
                _room.TrySetResult();
                _room = null;
            }

            if (!IsFull) _lagging = false;
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
                if (_queue.Count > 0) return true;
                if (_error is not null) throw _error;
                if (_ended) return false;
                filled = (_filled ??= NewSignal()).Task;
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

    /// <summary>Queues a message. False when the one who brought it should wait for <see cref="RoomAsync"/>.</summary>
    internal bool Enqueue(in TopicMessage message, out int dropped)
    {
        dropped = 0;
        lock (_gate)
        {
            if (_ended) return true;
            if (Fits(message.Size) ? !TryAdd(message) : !MakeRoom(message, ref dropped)) dropped++;
            _dropped += dropped;
            return _options.WhenFull != Overflow.Block || _lagging || !IsFull;
        }
    }

    /// <summary>Completes when the queue is below its bounds or nobody needs it to be.</summary>
    internal Task RoomAsync()
    {
        lock (_gate) return _ended || _lagging || !IsFull ? Task.CompletedTask : (_room ??= NewSignal()).Task;
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

    private bool IsFull => _queue.Count >= _options.MaxMessages || _bytes >= _options.MaxBytes;

    private bool Fits(int size) => _queue.Count == 0 || (_queue.Count < _options.MaxMessages && _bytes + size <= _options.MaxBytes);

    private bool MakeRoom(in TopicMessage message, ref int dropped)
    {
        switch (_options.WhenFull)
        {
            case Overflow.DropOldest:
                while (!Fits(message.Size) && TryTake(out _)) dropped++;
                return TryAdd(message);
            case Overflow.Block:
                return !_lagging && TryAdd(message);
            case Overflow.Disconnect:
                _error = new SubscriptionOverflowException(Topic, _queue.Count);
                End();
                return false;
            default:
                return false;
        }
    }

    private bool TryAdd(in TopicMessage message)
    {
        if (!_budget.TryAcquire(ResourceKind.QueueBytes, message.Size)) return false;
        _queue.Enqueue(message);
        _bytes += message.Size;
        _filled?.TrySetResult();
        _filled = null;
        return true;
    }

    private bool TryTake(out TopicMessage message)
    {
        if (!_queue.TryDequeue(out message)) return false;
        _bytes -= message.Size;
        _budget.Release(ResourceKind.QueueBytes, message.Size);
        return true;
    }

    private void End()
    {
        _ended = true;
        _filled?.TrySetResult();
        _room?.TrySetResult();
        _filled = _room = null;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
