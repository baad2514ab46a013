using System.Buffers;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>Writes the frames of one stream: at once while nothing else is being written, else together with whatever has piled up.</summary>
/// <remarks>Safe for several threads. Frames that come before the stream is there wait for it. Bounded: beyond the limit a frame is not taken, and its sender waits for room.</remarks>
internal sealed class FrameSender(int maxQueuedBytes, Action<Exception> onFault)
{
    private readonly Lock _gate = new();
    private IStream? _stream;
    private byte[] _queued = [];
    private int _count;
    private bool _writing;
    private bool _ended;
    private TaskCompletionSource? _changed;

    /// <summary>Gives the stream, and sends what waits.</summary>
    public void Attach(IStream stream)
    {
        lock (_gate)
        {
            _stream = stream;
            if (!TryBecomeWriter()) return;
        }

        Write(inline: false);
    }

    /// <summary>Nothing is taken or sent any more. Whoever waits for room goes on, and finds out.</summary>
    public void End()
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            _ended = true;
            (changed, _changed) = (_changed, null);
        }

        changed?.TrySetResult();
    }

    /// <summary>Takes a frame; it leaves with the next <see cref="Kick"/>.</summary>
    /// <param name="frame">Copied.</param>
    /// <param name="urgent">Whether it is taken although the queue is full; for frames without payload, whose number is bounded by that of the calls.</param>
    /// <returns>False when there is no room: wait with <see cref="WaitAsync"/> and try again. True also when the stream has ended, which whoever reads it finds out.</returns>
    public bool TryAdd(in RequestFrame frame, bool urgent = false)
    {
        var size = RequestCodec.SizeOf(frame);
        lock (_gate)
        {
            if (_ended) return true;
            if (_count > 0 && !urgent && _count + size > maxQueuedBytes) return false;
            EnsureRoom(size);
            _count += RequestCodec.Write(_queued.AsSpan(_count), frame);
            return true;
        }
    }

    /// <summary>Sends what was taken, as far as possible on this thread.</summary>
    public void Kick()
    {
        lock (_gate)
        {
            if (!TryBecomeWriter()) return;
        }

        Write(inline: true);
    }

    /// <summary>Whether so much waits that frames without payload should not be provoked either.</summary>
    public bool IsFull => Volatile.Read(ref _count) >= maxQueuedBytes;

    /// <summary>Waits until something has left the queue, or the stream has ended.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_ended || _count == 0) return Task.CompletedTask;
            _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _changed.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits until everything taken so far has been written, or the stream has ended.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        Task changed;
        do
        {
            lock (_gate)
            {
                if (_ended || !_writing && _count == 0) return;
                _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
        while (true);
    }

    private bool TryBecomeWriter()
    {
        if (_writing || _ended || _stream is null || _count == 0) return false;
        return _writing = true;
    }

    private void EnsureRoom(int size)
    {
        if (_queued.Length - _count >= size) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_count + size, Math.Min(2 * _queued.Length, maxQueuedBytes)));
        _queued.AsSpan(0, _count).CopyTo(larger);
        if (_queued.Length > 0) ArrayPool<byte>.Shared.Return(_queued);
        _queued = larger;
    }

    /// <summary>Writes until nothing is queued. A caller's thread writes once and leaves what has come since to the pool.</summary>
    private void Write(bool inline)
    {
        while (TryTake(out var batch, out var count))
        {
            var writing = Start(batch.AsMemory(0, count));
            if (!writing.IsCompletedSuccessfully)
            {
                _ = FinishAsync(writing.AsTask(), batch);
                return;
            }

            // A write that was completed by another thread meanwhile is not over before its result was taken.
            writing.GetAwaiter().GetResult();
            ArrayPool<byte>.Shared.Return(batch);
            if (!inline || Volatile.Read(ref _count) == 0) continue;
            ThreadPool.UnsafeQueueUserWorkItem(static sender => sender.Write(inline: false), this, preferLocal: false);
            return;
        }
    }

    /// <summary>A write of a stream whose direction ended meanwhile fails as any other.</summary>
    private ValueTask Start(ReadOnlyMemory<byte> batch)
    {
        try
        {
            return _stream!.WriteAsync(batch);
        }
        catch (InvalidOperationException ended)
        {
            return ValueTask.FromException(ended);
        }
    }

    private async Task FinishAsync(Task writing, byte[] batch)
    {
        try
        {
            await writing;
        }
        catch (Exception error)
        {
            // The buffer, to which a failed write may still refer, is left to the collector.
            End();
            onFault(error);
            return;
        }

        ArrayPool<byte>.Shared.Return(batch);
        Write(inline: false);
    }

    private bool TryTake(out byte[] batch, out int count)
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            (batch, count) = (_queued, _count);
            (_queued, _count) = ([], 0);
            if (count == 0 || _ended) _writing = false;
            (changed, _changed) = (_changed, null);
        }

        changed?.TrySetResult();
        return count > 0 && !_ended;
    }
}
