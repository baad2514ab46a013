using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>What waits for one neighbour, in lanes: control, which is never shed; messages of this node, which wait for room; and relayed ones, of which the oldest are shed.</summary>
/// <remarks>Safe for several threads. It also says who writes: one at a time takes the writer's place, and gives it back when nothing is left.</remarks>
internal sealed class PeerQueue(int maxBytes, int maxTopics, int maxIds, IResourceBudget budget)
{
    private readonly Lock _gate = new();
    private readonly ControlLane _control = new(maxIds);
    private readonly Queue<Outgoing> _own = new();
    private readonly Queue<Outgoing> _relayed = new();
    private TaskCompletionSource? _progress;
    private TaskCompletionSource? _idle;
    private long _bytes;
    private bool _takeRelayed;
    private bool _held;
    private bool _open;
    private bool _writing;
    private bool _closed;

    /// <summary>Bytes of messages that wait or are being written.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Whether the neighbour is gone.</summary>
    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Notes what the neighbour has to be told. False when too much has piled up: the stream is to be opened anew.</summary>
    /// <param name="control">The effect that tells it.</param>
    /// <param name="form">How the neighbour writes ids.</param>
    /// <param name="stale">How many earlier asks for messages have made room for it.</param>
    public bool Tell(in PubSubEffect control, MessageIdForm form, out int stale)
    {
        stale = 0;
        lock (_gate)
        {
            if (_closed) return true;
            _control.Form = form;
            stale = _control.Add(control);
            return _control.Topics <= maxTopics;
        }
    }

    /// <summary>Forgets what was to be told: what matters of it will be said again.</summary>
    public void ForgetControl()
    {
        lock (_gate) _control.Clear();
    }

    /// <summary>Queues a message of this node; false when there is no room for it.</summary>
    /// <param name="message">The message; held until it is written or the neighbour is gone.</param>
    /// <param name="waited">Its publisher has waited for room; what relaying took since then is not held against it.</param>
    public bool TryEnqueueOwn(in Outgoing message, bool waited)
    {
        lock (_gate)
        {
            if (_closed || (!waited && !Fits(message.Size)) || !TryAdd(_own, message)) return false;
            message.Release?.Hold();
            return true;
        }
    }

    /// <summary>Queues a relayed message, shedding the oldest relayed ones where needed. Returns how many were shed, the new one included.</summary>
    public int EnqueueRelayed(PubSubMessage message)
    {
        lock (_gate)
        {
            if (_closed) return 0;
            var shed = 0;
            for (; !Fits(message.Encoded.Length) && _relayed.TryDequeue(out var oldest); shed++) Free(oldest);
            return Fits(message.Encoded.Length) && TryAdd(_relayed, new Outgoing(message, null)) ? shed : shed + 1;
        }
    }

    public bool HasRoom(int size)
    {
        lock (_gate) return _closed || Fits(size);
    }

    /// <summary>Completes when something was written, or the neighbour is gone. Check again then.</summary>
    public Task ProgressAsync(int size)
    {
        lock (_gate) return _closed || Fits(size) ? Task.CompletedTask : (_progress ??= NewSignal()).Task;
    }

    /// <summary>Completes when nothing waits and nothing is being written.</summary>
    public async Task FlushAsync()
    {
        while (true)
        {
            Task progress;
            lock (_gate)
            {
                if (_closed || (!_held && IsEmpty)) return;
                progress = (_progress ??= NewSignal()).Task;
            }

            await progress.ConfigureAwait(false);
        }
    }

    /// <summary>There is a stream to write to.</summary>
    public void Open()
    {
        lock (_gate) _open = true;
    }

    /// <summary>There is no stream any more. Completes when nobody writes.</summary>
    public Task ShutAsync()
    {
        lock (_gate)
        {
            _open = false;
            return _writing ? (_idle ??= NewSignal()).Task : Task.CompletedTask;
        }
    }

    /// <summary>Takes the writer's place, when it is free and there is something to write.</summary>
    public bool TryBeginWriting()
    {
        lock (_gate)
        {
            if (!_open || _writing || (!_held && IsEmpty)) return false;
            _writing = true;
            return true;
        }
    }

    /// <summary>Moves up to so many bytes into an empty batch, at least one entry; own and relayed messages take turns. With nothing to take, or no stream to write to, the writer's place is given back.</summary>
    public bool TryTake(RpcBatch batch, int maxBytes)
    {
        lock (_gate)
        {
            if (!_open || (!_held && IsEmpty))
            {
                EndWritingLocked();
                return false;
            }

            if (_held) return true;
            _held = true;
            _control.Take(batch, maxBytes);
            while (NextLane() is { } lane)
            {
                if (!batch.IsEmpty && batch.Size + RpcCodec.SizeOfMessage(lane.Peek().Size) > maxBytes) break;
                batch.Add(lane.Dequeue());
                _takeRelayed = ReferenceEquals(lane, _own);
            }

            return true;
        }
    }

    /// <summary>The batch was written: its room is free.</summary>
    public void Written(RpcBatch batch)
    {
        lock (_gate)
        {
            _held = false;
            foreach (var message in batch.Messages) Free(message);
            _progress?.TrySetResult();
            _progress = null;
        }
    }

    /// <summary>Keeps the writer's place when there is more to write, else gives it back.</summary>
    public bool TryGoOn()
    {
        lock (_gate)
        {
            if (_open && !IsEmpty) return true;
            EndWritingLocked();
            return false;
        }
    }

    /// <summary>Gives the writer's place back with the batch unwritten.</summary>
    public void EndWriting()
    {
        lock (_gate) EndWritingLocked();
    }

    /// <summary>The neighbour is gone: everything is dropped, nobody waits. Returns what was lost; its releases are the caller's to let go.</summary>
    public IReadOnlyList<Outgoing> Close(RpcBatch unwritten)
    {
        lock (_gate)
        {
            if (_closed) return [];
            _closed = true;
            Outgoing[] lost = [.. unwritten.Messages, .. _own, .. _relayed];
            foreach (var message in lost) Free(message);
            _own.Clear();
            _relayed.Clear();
            _control.Clear();
            _progress?.TrySetResult();
            _progress = null;
            return lost;
        }
    }

    private bool IsEmpty => _control.IsEmpty && _own.Count == 0 && _relayed.Count == 0;

    private bool Fits(int size) => _bytes + size <= maxBytes;

    private Queue<Outgoing>? NextLane()
    {
        if (_own.Count == 0) return _relayed.Count == 0 ? null : _relayed;
        return _takeRelayed && _relayed.Count > 0 ? _relayed : _own;
    }

    private bool TryAdd(Queue<Outgoing> lane, in Outgoing message)
    {
        if (!budget.TryAcquire(ResourceKind.QueueBytes, message.Size)) return false;
        Interlocked.Add(ref _bytes, message.Size);
        lane.Enqueue(message);
        return true;
    }

    private void Free(in Outgoing message)
    {
        Interlocked.Add(ref _bytes, -message.Size);
        budget.Release(ResourceKind.QueueBytes, message.Size);
    }

    private void EndWritingLocked()
    {
        _writing = false;
        _idle?.TrySetResult();
        _idle = null;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
