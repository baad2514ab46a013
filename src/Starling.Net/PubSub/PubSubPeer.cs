using System.Buffers;
using Starling.Net.Links;

namespace Starling.Net.PubSub;

/// <summary>One neighbour: its queue and the stream that empties it. The stream is opened when the link is known and opened anew when it is lost.</summary>
internal sealed class PubSubPeer : IDisposable
{
    private readonly TopicRouter _router;
    private readonly CancellationTokenSource _stop = new();
    private readonly RpcBatch _batch = new();
    private readonly ResourceScope _scope;
    private CancellationTokenSource? _stream;

    public PubSubPeer(PeerId id, TopicRouter router)
    {
        Id = id;
        _router = router;
        _scope = router.Budget.Open(id);
        Queue = new PeerQueue(router.Options.MaxPeerQueueBytes, 2 * router.Options.MaxTopics, _scope);
    }

    public PeerId Id { get; }

    public PeerQueue Queue { get; }

    /// <summary>The link, or null when the peer's stream came before the host said that its link is ready.</summary>
    public IPeerLink? Link { get; private set; }

    /// <summary>The task that writes; completes after <see cref="Stop"/>.</summary>
    public Task Writing { get; private set; } = Task.CompletedTask;

    /// <summary>Begins to write to a link. Called once.</summary>
    public void Start(IPeerLink link)
    {
        Link = link;
        Writing = Task.Run(() => RunAsync(link));
    }

    /// <summary>Ends the present stream; a new one is opened and everything said again.</summary>
    public void Restart() => Volatile.Read(ref _stream)?.Cancel();

    /// <summary>Ends writing at once; what waits is dropped and counted.</summary>
    public void Stop()
    {
        _stop.Cancel();
        if (Link is null) _router.Metrics.Dropped(DropReason.LinkClosed, Queue.Close(_batch));
    }

    public void Dispose()
    {
        _stop.Dispose();
        _scope.Dispose();
    }

    private async Task RunAsync(IPeerLink link)
    {
        try
        {
            var failures = 0;
            while (true)
            {
                var written = await TryStreamAsync(link).ConfigureAwait(false);
                if (written is null) break;
                failures = written > 0 ? 0 : Math.Min(failures + 1, 6);
                var delay = _router.Options.MaxReopenDelay / (64 >> failures);
                await Task.Delay(_router.Random.Jitter(delay), _router.Clock, _stop.Token).ConfigureAwait(false);
                await _router.RunAsync(router => router.Reannounce(this)).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _router.Log.PeerStopped(Id);
        }
        catch (ObjectDisposedException)
        {
            _router.Log.PeerStopped(Id);
        }
#pragma warning disable CA1031 // The end of the writer's task: nobody above would see it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _router.Log.WriterFailed(Id, error);
        }
        finally
        {
            _router.Metrics.Dropped(DropReason.LinkClosed, Queue.Close(_batch));
        }
    }

    /// <summary>Opens a stream and writes until it ends. Returns the frames written, or null when this peer is not to be tried again.</summary>
    private async Task<int?> TryStreamAsync(IPeerLink link)
    {
        var written = 0;
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            await using var stream = await OpenAsync(link).ConfigureAwait(false);
            Volatile.Write(ref _stream, ended);
            var watching = WatchAsync(stream, ended);
            try
            {
                while (true)
                {
                    if (_batch.IsEmpty)
                    {
                        await Queue.WaitAsync(ended.Token).ConfigureAwait(false);
                        Queue.Take(_batch, _router.Options.BatchBytes);
                    }

                    await WriteAsync(stream, ended.Token).ConfigureAwait(false);
                    written++;
                    Queue.Written(_batch);
                    _batch.Clear();
                }
            }
            finally
            {
                Volatile.Write(ref _stream, null);
                await ended.CancelAsync().ConfigureAwait(false);
                await watching.ConfigureAwait(false);
                if (_batch.IsEmpty) await CloseAsync(stream).ConfigureAwait(false);
                else stream.Reset();
            }
        }
        catch (ProtocolNotSupportedException)
        {
            _router.Log.PeerSpeaksNoPubSub(Id);
            await _router.RunAsync(router => router.Remove(this)).ConfigureAwait(false);
            return null;
        }
        catch (ConnectionClosedException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            _router.Log.StreamLost(Id, "it ended, or did not open in time");
        }
        catch (StarlingException error)
        {
            _router.Log.StreamLost(Id, error.Message);
        }

        return written;
    }

    private async Task<IStream> OpenAsync(IPeerLink link)
    {
        using var timeout = new CancellationTokenSource(_router.Options.OpenTimeout, _router.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
        return await link.OpenStreamAsync(_router.Options.Protocols, either.Token).ConfigureAwait(false);
    }

    private async Task WriteAsync(IStream stream, CancellationToken cancellationToken)
    {
        var frame = ArrayPool<byte>.Shared.Rent(_batch.FrameLength);
        try
        {
            var length = _batch.Write(frame);
            await stream.WriteAsync(frame.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    /// <summary>Nothing is expected on this stream; its reset is noticed here even while nothing is written.</summary>
    private static async Task WatchAsync(IStream stream, CancellationTokenSource ended)
    {
        try
        {
            await stream.ReadAsync(Memory<byte>.Empty, ended.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException)
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends the stream and waits until the neighbour has ended its direction, which it does when it has read everything: a reset before that
    /// would take away what it has not read yet.</summary>
    private async Task CloseAsync(IStream stream)
    {
        try
        {
            using var timeout = new CancellationTokenSource(_router.Options.StopTimeout, _router.Clock);
            await stream.CloseWriteAsync(timeout.Token).ConfigureAwait(false);
            await stream.ReadAsync(new byte[1], timeout.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException)
        {
            stream.Reset();
        }
    }
}
