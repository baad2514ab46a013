using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Starling.Gateways.Gossip;

/// <summary>One client: a loop that reads its messages, a bounded queue, and a loop that writes its notifications, each in one write.</summary>
internal sealed class GossipClient : IDisposable
{
    /// <summary>What is read of a closing connection, so that the client gets the end of the stream and not a reset.</summary>
    private const int MaxDrained = 1 << 20;

    private readonly GossipApi _api;
    private readonly Socket _socket;
    private readonly Channel<(ushort Id, CachedMessage Message)> _queue;
    private readonly CancellationTokenSource _stop = new();
    private long _queuedBytes;
    private int _reason;
    private int _lost;

    public GossipClient(long id, Socket socket, GossipApi api)
    {
        (Id, _socket, _api) = (id, socket, api);
        _queue = Channel.CreateBounded<(ushort, CachedMessage)>(new BoundedChannelOptions(api.Options.MaxQueued) { SingleReader = true });
    }

    public long Id { get; }

    public GossipCloseReason Reason => (GossipCloseReason)Volatile.Read(ref _reason);

    /// <summary>Notifications that were given to the client and will not reach it.</summary>
    public int Lost => Volatile.Read(ref _lost);

    /// <summary>Queues a notification; never waits. One that finds no room closes the client.</summary>
    public void Notify(ushort id, CachedMessage message)
    {
        var size = GossipMessageCodec.FixedBytes + message.Data.Length;
        if (Interlocked.Add(ref _queuedBytes, size) <= _api.Options.MaxQueuedBytes && _queue.Writer.TryWrite((id, message))) return;
        Interlocked.Increment(ref _lost);
        Close(GossipCloseReason.SlowReader);
    }

    /// <summary>Ends the connection; the first reason counts.</summary>
    public void Close(GossipCloseReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, (int)reason, (int)GossipCloseReason.None) != (int)GossipCloseReason.None) return;
        _queue.Writer.TryComplete();
        _ = _stop.CancelAsync();
    }

    /// <summary>Serves the client until its connection is to end.</summary>
    public async Task RunAsync()
    {
        var writing = WriteAsync();
        try
        {
            Close(await ReadAsync().ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (Reason != GossipCloseReason.None)
        {
            _api.Log.CameLate("a read");
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            Close(GossipCloseReason.ConnectionLost);
        }
        finally
        {
            Close(GossipCloseReason.Fault);
            await writing.ConfigureAwait(false);
        }
    }

    /// <summary>Parts from the client: it sees the end of the stream now.</summary>
    public void Dispose()
    {
        Part();
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task<GossipCloseReason> ReadAsync()
    {
        await using var stream = new NetworkStream(_socket, ownsSocket: false);

        // A read of zero bytes waits without a buffer, so an idle client holds none.
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(_stop.Token).ConfigureAwait(false);
                var rest = read.Buffer;
                while (true)
                {
                    var wrong = GossipMessageCodec.ReadFromClient(ref rest, out var message);
                    if (wrong == GossipCloseReason.None && message is not null) wrong = await _api.HandleAsync(this, message, _stop.Token).ConfigureAwait(false);
                    if (wrong != GossipCloseReason.None) return wrong;
                    if (message is null) break;
                }

                if (read.IsCompleted) return rest.IsEmpty ? GossipCloseReason.ClientClosed : GossipCloseReason.Truncated;
                reader.AdvanceTo(rest.Start, rest.End);
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    private async Task WriteAsync()
    {
        var taken = 0;
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                while (_queue.Reader.TryRead(out var next))
                {
                    taken = 1;
                    await WriteAsync(next.Id, next.Message).ConfigureAwait(false);
                    taken = 0;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _api.Log.CameLate("a notification");
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            Close(GossipCloseReason.ConnectionLost);
        }
        catch (Exception error)
        {
            _api.Log.Faulted(Id, error);
            Close(GossipCloseReason.Fault);
        }
        finally
        {
            // Nothing is added any more: whoever closed the client has completed the queue.
            Close(GossipCloseReason.ConnectionLost);
            Interlocked.Add(ref _lost, taken + _queue.Reader.Count);
        }
    }

    private async ValueTask WriteAsync(ushort id, CachedMessage message)
    {
        var size = GossipMessageCodec.FixedBytes + message.Data.Length;
        var frame = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            GossipMessageCodec.WriteNotificationHead(frame, id, message.DataType, message.Data.Length);
            message.Data.CopyTo(frame.AsMemory(GossipMessageCodec.FixedBytes));
            for (var sent = 0; sent < size;) sent += await _socket.SendAsync(frame.AsMemory(sent, size - sent), _stop.Token).ConfigureAwait(false);
            Interlocked.Add(ref _queuedBytes, -size);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    /// <summary>Ends the stream properly where the connection still stands.</summary>
    private void Part()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
            var ignored = new byte[4096];
            for (var drained = 0; drained < MaxDrained && _socket.Available > 0;)
            {
                if (_socket.Receive(ignored) is var count and > 0) drained += count;
                else break;
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            _api.Log.CameLate("the end of a connection");
        }
    }
}
