using System.Buffers;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>Something that waits for a neighbour: one of them is there.</summary>
internal readonly record struct SpreadOutgoing(SpreadItem? Item = null, SpreadReply? Reply = null, IReadOnlyList<SpreadKey>? Have = null, IReadOnlyList<SpreadKey>? Want = null);

/// <summary>One neighbour: its queue and the one long-lived stream that empties it in batches. The stream is opened at the first entry, and anew when it is lost.</summary>
internal sealed class SpreadNeighbour : OutboundStream
{
    private readonly SpreadService _service;
    private readonly SpreadFrame _frame = new();
    private long _frames;
    private int _taken;
    private int _entries;

    public SpreadNeighbour(PeerId id, SpreadService service)
        : base(new OutboundStreamOptions([SpreadCodec.Protocol], service.Options.OpenTimeout, service.Options.StopTimeout, service.Options.MaxReopenDelay), service.Clock, service.Random)
    {
        (Id, _service) = (id, service);
        Queue = new ShedQueue<SpreadOutgoing>(service.Options.MaxQueued, service.Options.MaxPeerQueueBytes, service.Budget);
    }

    public PeerId Id { get; }

    public ShedQueue<SpreadOutgoing> Queue { get; }

    protected override bool IsBetweenFrames => _frame.IsEmpty;

    protected override long Frames => _frames;

    protected override ValueTask NeededAsync(CancellationToken cancellationToken) => _frame.IsEmpty ? Queue.WaitAsync(cancellationToken) : ValueTask.CompletedTask;

    protected override async Task WriteAsync(IStream stream, CancellationToken ended)
    {
        stream.Priority = StreamPriority.Control;
        while (true)
        {
            if (_frame.IsEmpty)
            {
                await Queue.WaitAsync(ended).ConfigureAwait(false);
                Fill();
            }

            await WriteFrameAsync(stream, ended).ConfigureAwait(false);
            _frames++;
            _frame.Clear();
            Queue.Done(_taken);
            (_taken, _entries) = (0, 0);
        }
    }

    protected override async ValueTask UnsupportedAsync() => await _service.RemoveAsync(this).ConfigureAwait(false);

    protected override void Drop() => _service.Metrics.Dropped(SpreadDrop.LinkClosed, Queue.Close(_taken) + _entries);

    protected override void Lost(string why) => _service.Log.StreamLost(Id, why);

    protected override void Stopped() => _service.Log.WriterStopped(Id);

    protected override void Failed(Exception error) => _service.Log.WriterFailed(Id, error);

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

    private async Task WriteFrameAsync(IStream stream, CancellationToken cancellationToken)
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
}
