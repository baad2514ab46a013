using System.Buffers;
using Starling.Net.Links;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>Something that waits for a neighbour: one of them is there.</summary>
internal readonly record struct SpreadOutgoing(SpreadItem? Item = null, SpreadReply? Reply = null, IReadOnlyList<SpreadKey>? Have = null, IReadOnlyList<SpreadKey>? Want = null);

/// <summary>One neighbour: its queue and the one long-lived stream that empties it in batches. The stream is opened at the first entry, and anew when it is lost.</summary>
internal sealed class SpreadNeighbour : IDisposable
{
    private readonly SpreadService _service;
    private readonly CancellationTokenSource _stop = new();
    private readonly SpreadFrame _frame = new();
    private int _taken;
    private int _entries;

    public SpreadNeighbour(PeerId id, SpreadService service)
    {
        (Id, _service) = (id, service);
        Queue = new ShedQueue<SpreadOutgoing>(service.Options.MaxQueued, service.Options.MaxPeerQueueBytes, service.Budget);
    }

    public PeerId Id { get; }

    public ShedQueue<SpreadOutgoing> Queue { get; }

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

    /// <summary>Ends writing at once; what waits is dropped and counted.</summary>
    public void Stop()
    {
        _stop.Cancel();
        if (Link is null) Drop();
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync(IPeerLink link)
    {
        try
        {
            for (var failures = 0; ;)
            {
                if (_frame.IsEmpty) await Queue.WaitAsync(_stop.Token).ConfigureAwait(false);
                var written = await TryStreamAsync(link).ConfigureAwait(false);
                if (written is null) break;
                failures = written > 0 ? 0 : Math.Min(failures + 1, 6);
                await Task.Delay(_service.Random.Jitter(_service.Options.MaxReopenDelay / (64 >> failures)), _service.Clock, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is ObjectDisposedException or OperationCanceledException)
        {
            _service.Log.WriterStopped(Id);
        }
#pragma warning disable CA1031 // The end of the writer's task: nobody above would see it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _service.Log.WriterFailed(Id, error);
        }
        finally
        {
            Drop();
        }
    }

    /// <summary>Opens a stream and writes until it ends. Returns the frames written, or null when this neighbour is not to be tried again.</summary>
    private async Task<int?> TryStreamAsync(IPeerLink link)
    {
        var written = 0;
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            await using var stream = await OpenAsync(link).ConfigureAwait(false);
            stream.Priority = StreamPriority.Control;
            var watching = WatchAsync(stream, ended);
            try
            {
                while (true)
                {
                    if (_frame.IsEmpty)
                    {
                        await Queue.WaitAsync(ended.Token).ConfigureAwait(false);
                        Fill();
                    }

                    await WriteAsync(stream, ended.Token).ConfigureAwait(false);
                    written++;
                    _frame.Clear();
                    Queue.Done(_taken);
                    (_taken, _entries) = (0, 0);
                }
            }
            finally
            {
                await ended.CancelAsync().ConfigureAwait(false);
                await watching.ConfigureAwait(false);
                if (_frame.IsEmpty) await CloseAsync(stream).ConfigureAwait(false);
                else stream.Reset();
            }
        }
        catch (ProtocolNotSupportedException)
        {
            await _service.RemoveAsync(this).ConfigureAwait(false);
            return null;
        }
        catch (ConnectionClosedException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            _service.Log.StreamLost(Id, "it ended, or did not open in time");
        }
        catch (StarlingException error)
        {
            _service.Log.StreamLost(Id, error.Message);
        }

        return written;
    }

    /// <summary>Takes what fits into one write, at least one entry.</summary>
    private void Fill()
    {
        while (_entries < _service.Options.MaxEntriesPerFrame && Queue.TryTake(_frame.IsEmpty ? int.MaxValue : _service.Options.BatchBytes - _taken, out var next, out var size))
        {
            _taken += size;
            _entries++;
            if (next.Item is { } item) _frame.Items.Add(item);
            if (next.Reply is { } reply) _frame.Replies.Add(reply);
            foreach (var key in next.Have ?? []) _frame.Have.Add(key);
            foreach (var key in next.Want ?? []) _frame.Want.Add(key);
            if (next.Have is not null || next.Want is not null) return;
        }
    }

    private async Task<IStream> OpenAsync(IPeerLink link)
    {
        using var timeout = new CancellationTokenSource(_service.Options.OpenTimeout, _service.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
        return await link.OpenStreamAsync([SpreadCodec.Protocol], either.Token).ConfigureAwait(false);
    }

    private async Task WriteAsync(IStream stream, CancellationToken cancellationToken)
    {
        var size = SpreadCodec.SizeOf(_frame);
        var buffer = ArrayPool<byte>.Shared.Rent(LengthDelimited.FramedLength(size));
        try
        {
            var head = Varint.Write(buffer, (ulong)size);
            var body = SpreadCodec.Write(buffer.AsSpan(head), _frame);
            await stream.WriteAsync(buffer.AsMemory(0, head + body), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
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

    /// <summary>Ends the stream and waits until the neighbour has ended its direction: a reset before that would take away what it has not read yet.</summary>
    private async Task CloseAsync(IStream stream)
    {
        try
        {
            using var timeout = new CancellationTokenSource(_service.Options.StopTimeout, _service.Clock);
            await stream.CloseWriteAsync(timeout.Token).ConfigureAwait(false);
            await stream.ReadAsync(new byte[1], timeout.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException)
        {
            stream.Reset();
        }
    }

    private void Drop() => _service.Metrics.Dropped(SpreadDrop.LinkClosed, Queue.Close(_taken) + _entries);
}
