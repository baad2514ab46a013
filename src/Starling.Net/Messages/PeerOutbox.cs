using System.Buffers;
using Starling.Net.Links;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>Small messages to one peer: in order, on one kept stream, several in one write when they pile up, written by the caller itself when nothing waits.</summary>
/// <remarks>A write is never cancelled for a slow peer, so that no message is cut: what waits behind it is withdrawn instead, when its time is over.</remarks>
internal sealed class PeerOutbox(PeerId peer, MessageContext context)
{
    private const int BatchBytes = 64 << 10;
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingMessage> _queue = new();
    private long _bytes;
    private bool _draining;
    private CloseInfo? _closed;
    private IStream? _stream;
    private TaskCompletionSource? _idle;
    private volatile MessageReply.Hello? _hello;

    /// <summary>What the peer takes; null before it has said so.</summary>
    public MessageReply.Hello? Hello
    {
        get => _hello;
        set => _hello = value;
    }

    /// <summary>Queues a message and waits until the link has taken it.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the message was withdrawn, unless part of it was under way: then it arrives whole.</exception>
    public Task<SendResult> SendAsync(in MessageEnvelope envelope, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled<SendResult>(cancellationToken);
        var pending = new PendingMessage(envelope);
        lock (_gate)
        {
            if (_closed is { } why) return Result(SendStatus.Failed, $"The link has ended ({why}).");
            if (_queue.Count > 0 && _bytes + pending.Size > context.Options.MaxPeerQueueBytes) return Result(SendStatus.Backpressured, $"{_bytes} bytes wait for this peer, the most that may ({nameof(MessageOptions.MaxPeerQueueBytes)}).");
            if (!context.Budget.TryAcquire(ResourceKind.QueueBytes, pending.Size)) return Result(SendStatus.Backpressured, "The node's queues are full (MaxQueueBytes).");
            _bytes += pending.Size;
            pending.Node = _queue.AddLast(pending);
            if (_draining) return WaitAsync(pending, timeout, cancellationToken);
            _draining = true;
        }

        _ = DrainAsync();
        return pending.Task.IsCompleted ? pending.Task : WaitAsync(pending, timeout, cancellationToken);
    }

    /// <summary>Completes when nothing waits.</summary>
    public Task FlushAsync()
    {
        lock (_gate) return _draining ? (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
    }

    /// <summary>The link has ended, or the node stops: whatever waits fails.</summary>
    public void Close(CloseInfo why)
    {
        List<PendingMessage> left;
        lock (_gate)
        {
            if (_closed is not null) return;
            _closed = why;
            left = [.. _queue];
            foreach (var pending in left) Remove(pending);
        }

        foreach (var pending in left) pending.Complete(new SendResult(peer, SendStatus.Failed, $"The link has ended ({why})."));
        if (Interlocked.Exchange(ref _stream, null) is { } stream) context.Tasks.Run(() => EndAsync(stream));
    }

    private async Task<SendResult> WaitAsync(PendingMessage pending, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            return await pending.Task.WaitAsync(timeout, context.Clock, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            if (pending.Task.IsCompleted) return await pending.Task.ConfigureAwait(false);
            var wait = $"The peer has taken nothing for {timeout.TotalSeconds:0.###} s";
            return new SendResult(peer, SendStatus.Backpressured, TryWithdraw(pending) ? $"{wait}; the message was withdrawn." : $"{wait}; the message is under way and may still arrive.");
        }
        catch (OperationCanceledException)
        {
            TryWithdraw(pending);
            throw;
        }
    }

    private bool TryWithdraw(PendingMessage pending)
    {
        lock (_gate)
        {
            if (pending.Node is null) return false;
            Remove(pending);
            return true;
        }
    }

    /// <summary>Writes until nothing waits. Never faults: whatever happens is the outcome of the messages.</summary>
    private async Task DrainAsync()
    {
        for (var first = true; ; first = false)
        {
            var batch = Take();
            if (batch.Count == 0) return;

            // The caller who found the queue idle writes its own message, not those of everybody after it.
            if (!first) await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            var size = batch.Sum(pending => pending.Size);
            var buffer = ArrayPool<byte>.Shared.Rent(size + MessageCodec.MaxHeadBytes);
            var length = batch.Aggregate(0, (at, pending) => at + pending.Write(buffer.AsSpan(at)));
            var (status, detail) = await WriteAsync(buffer.AsMemory(0, length)).ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(buffer);
            context.Budget.Release(ResourceKind.QueueBytes, size);
            foreach (var pending in batch) pending.Complete(new SendResult(peer, status, detail));
        }
    }

    private List<PendingMessage> Take()
    {
        var batch = new List<PendingMessage>();
        lock (_gate)
        {
            for (var size = 0; _queue.First is { } next && (batch.Count == 0 || size + next.Value.Size <= BatchBytes); size += next.Value.Size)
            {
                batch.Add(next.Value);
                _queue.RemoveFirst();
                next.Value.Node = null;
                _bytes -= next.Value.Size;
            }

            if (batch.Count > 0) return batch;
            _draining = false;
            _idle?.TrySetResult();
            _idle = null;
        }

        return batch;
    }

    private async Task<(SendStatus Status, string Detail)> WriteAsync(ReadOnlyMemory<byte> batch)
    {
        for (var again = false; ; again = true)
        {
            try
            {
                if (Volatile.Read(ref _closed) is { } why) return (SendStatus.Failed, $"The link has ended ({why}).");
                if (_stream is { } kept)
                {
                    await kept.WriteAsync(batch, context.Stopping).ConfigureAwait(false);
                    return (SendStatus.Sent, "");
                }

                if (context.Host.Find(peer) is not { } link) return (SendStatus.NoLink, "");
                await WriteFirstAsync(link, batch).ConfigureAwait(false);
                return (SendStatus.Sent, "");
            }
            catch (ProtocolNotSupportedException error)
            {
                Lose();
                return (SendStatus.NotSupported, error.Message);
            }
            catch (OperationCanceledException) when (context.Stopping.IsCancellationRequested)
            {
                Lose();
                return (SendStatus.Rejected, "The node has stopped.");
            }
            catch (Exception error)
            {
                // What came of the batch before the stream was lost is known to the peer by its ids and counts once.
                Lose();
                context.Log.StreamLost(peer, error.Message);
                if (again || error is not StarlingException) return (SendStatus.Failed, error.Message);
            }
        }
    }

    /// <summary>Opens the stream and waits for the peer's first word, so that nothing counts as sent to one who serves no such stream.</summary>
    private async Task WriteFirstAsync(IPeerLink link, ReadOnlyMemory<byte> batch)
    {
        using var time = new CancellationTokenSource(context.Options.StallTimeout, context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, context.Stopping);
        try
        {
            var stream = await link.OpenStreamAsync([MessageCodec.Protocol], either.Token).ConfigureAwait(false);
            _stream = stream;
            await stream.WriteAsync(batch, either.Token).ConfigureAwait(false);
            var greeted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            context.Tasks.Run(() => ListenAsync(stream, greeted));
            await greeted.Task.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            throw new ProtocolViolationException($"The peer has not answered on its stream of messages for {context.Options.StallTimeout.TotalSeconds:0.#} s.");
        }
    }

    /// <summary>Reads what the peer says on the way back; when that ends, so does the stream's use.</summary>
    private async Task ListenAsync(IStream stream, TaskCompletionSource greeted)
    {
        try
        {
            while (await stream.ReadLengthDelimitedAsync(MessageReply.MaxBytes, context.Stopping).ConfigureAwait(false) is { } frame)
            {
                var reply = MessageReply.Decode(frame) ?? throw new ProtocolViolationException("The peer's reply is malformed.");
                if (reply is not MessageReply.Hello hello) continue;
                _hello = hello;
                greeted.TrySetResult();
            }

            greeted.TrySetException(new StreamResetException("The peer ended its stream of messages.", byRemote: true));
        }
        catch (Exception error)
        {
            // Whatever it was, the stream is of no use any more; the writer is told, and the next message opens another.
            greeted.TrySetException(error);
            context.Log.StreamLost(peer, error.Message);
            stream.Reset();
        }

        _ = greeted.Task.Exception;
        if (Interlocked.CompareExchange(ref _stream, null, stream) == stream) await EndAsync(stream).ConfigureAwait(false);
    }

    private void Lose()
    {
        if (Interlocked.Exchange(ref _stream, null) is not { } stream) return;
        stream.Reset();
        context.Tasks.Run(() => stream.DisposeAsync().AsTask());
    }

    private static async Task EndAsync(IStream stream)
    {
        try
        {
            await stream.CloseWriteAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is StarlingException or InvalidOperationException)
        {
            // The link has ended, or a write that lost the race with its end is still under way.
            stream.Reset();
        }

        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private void Remove(PendingMessage pending)
    {
        _queue.Remove(pending.Node!);
        pending.Node = null;
        _bytes -= pending.Size;
        context.Budget.Release(ResourceKind.QueueBytes, pending.Size);
    }

    private Task<SendResult> Result(SendStatus status, string detail) => Task.FromResult(new SendResult(peer, status, detail));
}

/// <summary>One small message that waits for its peer.</summary>
internal sealed class PendingMessage(MessageEnvelope envelope)
{
    private readonly TaskCompletionSource<SendResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>At least what it takes on the wire, and something for what it costs to hold.</summary>
    public int Size { get; } = envelope.Payload.Length + MessageCodec.MaxHeadBytes;

    /// <summary>Where it waits; null when it does not.</summary>
    public LinkedListNode<PendingMessage>? Node { get; set; }

    public Task<SendResult> Task => _done.Task;

    public int Write(Span<byte> to)
    {
        var head = MessageCodec.WriteHead(to, envelope);
        envelope.Payload.Span.CopyTo(to[head..]);
        return head + envelope.Payload.Length;
    }

    public void Complete(SendResult result) => _done.TrySetResult(result);
}
