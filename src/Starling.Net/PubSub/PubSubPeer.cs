using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Starling.Net.PubSub;

/// <summary>One neighbour of one family: its queue and the stream that empties it.</summary>
/// <remarks>Whoever has queued something calls <see cref="Pump"/>. A lone frame is written on that thread; when the stream makes it wait, or more follows, the pool goes on.</remarks>
internal sealed class PubSubPeer : OutboundStream, IThreadPoolWorkItem
{
    private readonly TopicRouter _router;
    private readonly RpcBatch _batch = new();
    private readonly ResourceScope _scope;
    private readonly Action _onWritten;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _pending;
    private InlineCredit _credit;
    private IStream? _stream;
    private CancellationToken _ended;
    private TaskCompletionSource<Exception>? _failed;
    private byte[]? _frame;
    private long _frames;

    public PubSubPeer(PeerId id, TopicRouter router)
        : base(new OutboundStreamOptions(router.Protocols, router.Options.OpenTimeout, router.Options.StopTimeout, router.Options.MaxReopenDelay), router.Clock, router.Random)
    {
        Id = id;
        _router = router;
        _scope = router.Budget.Open(id);
        _onWritten = OnWritten;
        _credit = new InlineCredit(router.Clock);
        Queue = new PeerQueue(router.Options.MaxPeerQueueBytes, 4 * router.Options.MaxTopics, router.Options.Gossip.MaxGossipIds, _scope);
    }

    public PeerId Id { get; }

    public PeerQueue Queue { get; }

    /// <summary>Something was queued in the router's present turn. The router's own.</summary>
    public bool IsTouched { get; set; }

    protected override bool IsBetweenFrames => _batch.IsEmpty;

    protected override long Frames => _frames;

    /// <summary>Sees to it that what is queued gets written. Never waits for the neighbour.</summary>
    /// <param name="inline">Whether this thread may write. The others of a fan-out are handed over first, to be written beside it.</param>
    public void Pump(bool inline)
    {
        if (!Queue.TryBeginWriting()) return;
        if (inline && _credit.TryTake()) Run(inline: true);
        else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute() => Run(inline: false);

    public override void Dispose()
    {
        base.Dispose();
        _scope.Dispose();
    }

    protected override async Task WriteAsync(IStream stream, CancellationToken ended)
    {
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        (_stream, _ended, _failed) = (stream, ended, failed);
        Queue.Open();
        try
        {
            Pump(inline: true);
            ExceptionDispatchInfo.Throw(await failed.Task.WaitAsync(ended).ConfigureAwait(false));
        }
        finally
        {
            await Queue.ShutAsync().ConfigureAwait(false);
        }
    }

    protected override void Reopening() => _router.Reannounce(this);

    protected override ValueTask UnsupportedAsync()
    {
        _router.Log.PeerSpeaksNoPubSub(Id);
        _router.Remove(this);
        return ValueTask.CompletedTask;
    }

    protected override void Drop()
    {
        var lost = Queue.Close(_batch);
        _router.Metrics.Dropped(DropReason.LinkClosed, lost.Count);
        foreach (var message in lost) message.Release?.LetGo();
    }

    protected override void Lost(string why) => _router.Log.StreamLost(Id, why);

    protected override void Stopped() => _router.Log.PeerStopped(Id);

    protected override void Failed(Exception error) => _router.Log.WriterFailed(Id, error);

    /// <summary>Writes frame after frame in the writer's place.</summary>
    private void Run(bool inline)
    {
        while (Queue.TryTake(_batch, _router.Options.BatchBytes))
        {
            ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter write;
            try
            {
                _frame = ArrayPool<byte>.Shared.Rent(_batch.FrameLength);
                var length = _batch.Write(_frame);
                write = AwaiterOf(_stream!.WriteAsync(_frame.AsMemory(0, length), _ended));
            }
#pragma warning disable CA1031 // Told to the one who keeps the stream, who judges it.
            catch (Exception error)
#pragma warning restore CA1031
            {
                End(error);
                return;
            }

            if (!write.IsCompleted)
            {
                _pending = write;
                write.UnsafeOnCompleted(_onWritten);
                return;
            }

            if (!Finish(write)) return;
            if (!inline) continue;
            if (Queue.TryGoOn()) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return;
        }
    }

    private static ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter AwaiterOf(ValueTask write) => write.ConfigureAwait(false).GetAwaiter();

    private void OnWritten()
    {
        var write = _pending;
        _pending = default;
        if (Finish(write)) Run(inline: false);
    }

    private bool Finish(ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter write)
    {
        try
        {
            write.GetResult();
        }
#pragma warning disable CA1031 // Told to the one who keeps the stream, who judges it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            End(error);
            return false;
        }

        _frames++;
        ReturnFrame();
        Queue.Written(_batch);
        foreach (var message in _batch.Messages) message.Release?.LetGo();
        _batch.Clear();
        return true;
    }

    private void End(Exception error)
    {
        ReturnFrame();
        var failed = _failed!;
        Queue.EndWriting();
        failed.TrySetResult(error);
    }

    private void ReturnFrame()
    {
        if (_frame is not null) ArrayPool<byte>.Shared.Return(_frame);
        _frame = null;
    }
}
