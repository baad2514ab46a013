using System.Buffers;
using System.Runtime.CompilerServices;
using Starling.Protocols.Yamux;

namespace Starling.Net.Yamux;

public sealed partial class YamuxConnection
{
    /// <summary>Bytes handed to the socket at a time, so that a small message waits for at most this much of a bulk transfer.</summary>
    /// <remarks>A batch ends with the frame that reaches this, so with a frame's largest payload it stays under what <see cref="Transport.LinkStream"/> gathers, and the channel takes it without waiting.</remarks>
    private const int BatchBytes = 48 << 10;

    /// <summary>Plaintext of a TLS record; Noise takes more, and does not mind.</summary>
    private const int RecordBytes = 16 << 10;

    private readonly Action _onBatchSent;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _batch;
    private TaskCompletionSource? _writerIdle;
    private bool _writing;
    private bool _broken;

    /// <summary>Takes the writer's place if it is free and there is something to send. Under the lock; the taker then calls <see cref="RunWriter"/>.</summary>
    internal bool TryBecomeWriter()
    {
        if (_writing || _broken || !Core.HasWork) return false;
        _writing = true;
        return true;
    }

    /// <summary>Sends what is due, on this thread, unless somebody is sending already.</summary>
    internal void Kick()
    {
        lock (Gate)
        {
            if (!TryBecomeWriter()) return;
        }

        RunWriter(null);
    }

    /// <summary>Sends batches until nothing is due, the channel makes it wait, or the caller's own write is done: then the pool goes on.</summary>
    /// <param name="own">The stream whose write brought the caller here, or null on a thread that has nothing better to do.</param>
    internal void RunWriter(YamuxStream? own)
    {
        while (true)
        {
            var batch = AwaiterOf(SendBatchAsync());
            if (!batch.IsCompleted)
            {
                _batch = batch;
                batch.UnsafeOnCompleted(_onBatchSent);
                return;
            }

            if (!GoOn(batch, own)) return;
        }
    }

    private static ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter AwaiterOf(ValueTask task) => task.ConfigureAwait(false).GetAwaiter();

    private void OnBatchSent()
    {
        var batch = _batch;
        _batch = default;
        if (GoOn(batch, null)) RunWriter(null);
    }

    private bool GoOn(ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter batch, YamuxStream? own)
    {
        Exception? failure = null;
        try
        {
            batch.GetResult();
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        TaskCompletionSource? idle;
        lock (Gate)
        {
            if (failure is null && Core.HasWork)
            {
                if (own is not { WriteDone: true }) return true;
                ThreadPool.UnsafeQueueUserWorkItem(static link => link.RunWriter(null), this, preferLocal: false);
                return false;
            }

            _writing = false;
            _broken |= failure is not null;
            idle = _writerIdle;
        }

        idle?.TrySetResult();
        if (failure is not null) BeginClose(new CloseInfo(CloseReason.TransportError, failure.Message, failure));
        return false;
    }

    /// <summary>Writes frames up to a batch and flushes. Headers and small payloads fill whole records in a scratch buffer; big payloads go to the channel from where they lie.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendBatchAsync()
    {
        var scratch = ArrayPool<byte>.Shared.Rent(RecordBytes);
        var filled = 0;
        var sent = 0;
        var now = _clock.Now();
        YamuxStream? stream = null;
        try
        {
            while (sent < BatchBytes)
            {
                if (filled + YamuxHeader.Size > RecordBytes)
                {
                    await _channel.WriteAsync(scratch.AsMemory(0, filled));
                    filled = 0;
                }

                if (!TakeFrame(now, scratch.AsSpan(filled), out stream, out var payload)) break;
                filled += YamuxHeader.Size;
                sent += YamuxHeader.Size + payload.Length;

                // A payload of whole records needs no copy when its header goes in a record of its own.
                if (payload.Length >= RecordBytes && payload.Length % RecordBytes == 0)
                {
                    await _channel.WriteAsync(scratch.AsMemory(0, filled));
                    filled = 0;
                }

                while (!payload.IsEmpty)
                {
                    var whole = filled == 0 ? payload.Length / RecordBytes * RecordBytes : 0;
                    if (whole > 0)
                    {
                        await _channel.WriteAsync(payload[..whole]);
                        payload = payload[whole..];
                        continue;
                    }

                    var count = Math.Min(payload.Length, RecordBytes - filled);
                    payload.Span[..count].CopyTo(scratch.AsSpan(filled));
                    payload = payload[count..];
                    filled += count;
                    if (filled < RecordBytes) continue;
                    await _channel.WriteAsync(scratch.AsMemory(0, filled));
                    filled = 0;
                }

                if (stream is null) continue;
                lock (Gate) stream.Accepted();
                stream = null;
            }

            if (filled > 0) await _channel.WriteAsync(scratch.AsMemory(0, filled));
            await _channel.FlushAsync();
            ArrayPool<byte>.Shared.Return(scratch);
        }
        catch (Exception exception)
        {
            lock (Gate) stream?.SendingFailed(new CloseInfo(CloseReason.TransportError, exception.Message, exception));
            throw;
        }
    }

    private bool TakeFrame(Instant now, Span<byte> target, out YamuxStream? stream, out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        stream = null;
        lock (Gate)
        {
            if (!Core.TryNextFrame(now, out var header, out var state, out var count)) return false;
            header.Write(target);
            if (state is null) return true;
            stream = (YamuxStream)state.Owner!;
            payload = stream.TakeForSending(count);
            return true;
        }
    }
}
