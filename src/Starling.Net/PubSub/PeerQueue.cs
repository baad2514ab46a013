using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>What waits for one neighbour: announcements, which coalesce and are never shed; messages of this node, which wait for room; and relayed ones, of which the oldest are shed.</summary>
internal sealed class PeerQueue(int maxBytes, int maxAnnouncements, IResourceBudget budget)
{
    /// <summary>Well below the 5,000 that js-libp2p reads.</summary>
    private const int MaxAnnouncementsPerRpc = 1000;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, bool> _announcements = new(StringComparer.Ordinal);
    private readonly Queue<PubSubMessage> _own = new();
    private readonly Queue<PubSubMessage> _relayed = new();
    private TaskCompletionSource? _filled;
    private TaskCompletionSource? _drained;
    private long _bytes;
    private bool _takeRelayed;
    private bool _busy;
    private bool _closed;

    /// <summary>Bytes that wait or are being written.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Whether the neighbour is gone.</summary>
    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Notes what the neighbour has to be told. False when too much has piled up: the stream is to be opened anew.</summary>
    public bool Announce(string topic, bool subscribe)
    {
        lock (_gate)
        {
            if (_closed) return true;
            _announcements[topic] = subscribe;
            Wake();
            return _announcements.Count <= maxAnnouncements;
        }
    }

    /// <summary>Forgets what was to be told: all of it will be said again.</summary>
    public void ForgetAnnouncements()
    {
        lock (_gate) _announcements.Clear();
    }

    /// <summary>Queues a message of this node; false when there is no room for it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="waited">Its publisher has waited for room; what relaying took since then is not held against it.</param>
    public bool TryEnqueueOwn(PubSubMessage message, bool waited)
    {
        lock (_gate)
        {
            if (_closed || (!waited && !Fits(message.Encoded.Length))) return false;
            return TryAdd(_own, message);
        }
    }

    /// <summary>Queues a relayed message, shedding the oldest relayed ones where needed. Returns how many were shed, the new one included.</summary>
    public int EnqueueRelayed(PubSubMessage message)
    {
        lock (_gate)
        {
            if (_closed) return 0;
            var shed = 0;
            for (; !Fits(message.Encoded.Length) && _relayed.TryDequeue(out var oldest); shed++) Release(oldest);
            return Fits(message.Encoded.Length) && TryAdd(_relayed, message) ? shed : shed + 1;
        }
    }

    public bool HasRoom(int size)
    {
        lock (_gate) return _closed || Fits(size);
    }

    /// <summary>Completes when something was written, or the neighbour is gone. Check again then.</summary>
    public Task ProgressAsync(int size)
    {
        lock (_gate) return _closed || Fits(size) ? Task.CompletedTask : (_drained ??= NewSignal()).Task;
    }

    /// <summary>Completes when nothing waits and nothing is being written.</summary>
    public async Task FlushAsync()
    {
        while (true)
        {
            Task drained;
            lock (_gate)
            {
                if (_closed || (!_busy && IsEmpty)) return;
                drained = (_drained ??= NewSignal()).Task;
            }

            await drained.ConfigureAwait(false);
        }
    }

    /// <summary>Waits until there is something to take.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task filled;
            lock (_gate)
            {
                if (!IsEmpty) return;
                filled = (_filled ??= NewSignal()).Task;
            }

            await filled.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Moves up to so many bytes into a batch, at least one entry; own and relayed messages take turns.</summary>
    public void Take(RpcBatch batch, int maxBytes)
    {
        lock (_gate)
        {
            _busy = true;
            for (var told = 0; _announcements.Count > 0 && told < MaxAnnouncementsPerRpc && batch.Size < maxBytes; told++)
            {
                var (topic, subscribe) = _announcements.First();
                _announcements.Remove(topic);
                batch.Add(topic, subscribe);
            }

            while (Next() is { } queue)
            {
                var message = queue.Peek();
                if (!batch.IsEmpty && batch.Size + RpcCodec.SizeOfMessage(message.Encoded.Length) > maxBytes) return;
                batch.Add(queue.Dequeue());
                _takeRelayed = ReferenceEquals(queue, _own);
            }
        }
    }

    /// <summary>The batch was written: its room is free.</summary>
    public void Written(RpcBatch batch)
    {
        lock (_gate)
        {
            _busy = false;
            foreach (var message in batch.Messages) Release(message);
            Progress();
        }
    }

    /// <summary>The neighbour is gone: everything is dropped, nobody waits. Returns how many messages were lost.</summary>
    public int Close(RpcBatch inFlight)
    {
        lock (_gate)
        {
            if (_closed) return 0;
            _closed = true;
            var lost = _own.Count + _relayed.Count + inFlight.Messages.Count;
            foreach (var message in inFlight.Messages.Concat(_own).Concat(_relayed)) Release(message);
            _own.Clear();
            _relayed.Clear();
            _announcements.Clear();
            Progress();
            return lost;
        }
    }

    private bool IsEmpty => _announcements.Count == 0 && _own.Count == 0 && _relayed.Count == 0;

    private bool Fits(int size) => _bytes + size <= maxBytes;

    private Queue<PubSubMessage>? Next()
    {
        if (_own.Count == 0) return _relayed.Count == 0 ? null : _relayed;
        return _takeRelayed && _relayed.Count > 0 ? _relayed : _own;
    }

    private bool TryAdd(Queue<PubSubMessage> queue, PubSubMessage message)
    {
        if (!budget.TryAcquire(ResourceKind.QueueBytes, message.Encoded.Length)) return false;
        Interlocked.Add(ref _bytes, message.Encoded.Length);
        queue.Enqueue(message);
        Wake();
        return true;
    }

    private void Release(PubSubMessage message)
    {
        Interlocked.Add(ref _bytes, -message.Encoded.Length);
        budget.Release(ResourceKind.QueueBytes, message.Encoded.Length);
    }

    private void Wake()
    {
        _filled?.TrySetResult();
        _filled = null;
    }

    private void Progress()
    {
        _drained?.TrySetResult();
        _drained = null;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
