using System.Runtime.CompilerServices;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>Reads one stream frame by frame. What a frame sets off runs beside the loop, never inside it.</summary>
/// <remarks>Of the work that one read brings, the last piece runs on the loop's own thread once the next read waits for bytes, and all
/// others on the pool: a single request pays no change of thread, and no handler holds up reading.</remarks>
internal abstract class FrameLoop(RequestLimits limits, ResourceBudget budget)
{
    private IThreadPoolWorkItem? _last;

    /// <summary>Reads until the peer ends its direction.</summary>
    /// <exception cref="ProtocolViolationException">The peer sent something that is no frame, or not allowed here.</exception>
    protected async Task ReadAsync(IStream stream, CancellationToken cancellationToken)
    {
        using var receiver = new FrameReceiver(limits, budget);
        try
        {
            while (true)
            {
                if (WaitBeforeReading(cancellationToken) is { IsCompletedSuccessfully: false } wait)
                {
                    RunLast();
                    await wait;
                }

                var count = await new ArmedRead(this, stream.ReadAsync(receiver.Prepare(), cancellationToken));
                if (count == 0) return;
                receiver.Filled(count);
                while (TakeNext(receiver)) continue;
            }
        }
        finally
        {
            RunLast();
        }
    }

    /// <summary>Holds up reading, so that the peer is held up, while its answers are not taken.</summary>
    protected virtual Task WaitBeforeReading(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Takes a frame. Returns at once; work goes through <see cref="RunBeside"/>.</summary>
    protected abstract void OnFrame(in RequestFrame frame);

    /// <summary>A frame is passed over; only its head is known.</summary>
    /// <param name="frame">Id, kind and name.</param>
    /// <param name="noMemory">Whether its size is allowed, and the node has no memory left for it.</param>
    protected abstract void OnPassedOver(in RequestFrame frame, bool noMemory);

    /// <summary>Runs work beside the loop. For the loop's thread.</summary>
    protected void RunBeside(IThreadPoolWorkItem work)
    {
        if (_last is { } before) ThreadPool.UnsafeQueueUserWorkItem(before, preferLocal: false);
        _last = work;
    }

    private bool TakeNext(FrameReceiver receiver)
    {
        switch (receiver.TryNext(out var frame, out var noMemory))
        {
            case FrameStatus.Done:
                OnFrame(frame);
                return true;
            case FrameStatus.TooLarge:
                OnPassedOver(frame, noMemory);
                return true;
            case FrameStatus.NeedMore:
                return false;
            default:
                throw new ProtocolViolationException("The peer sent bytes that are no request frame.");
        }
    }

    private void RunLast()
    {
        if (_last is not { } last) return;
        _last = null;
        ThreadPool.UnsafeQueueUserWorkItem(last, preferLocal: false);
    }

    /// <summary>Awaits a read; when it has to wait, the last piece of work runs once the wait is armed.</summary>
    private readonly struct ArmedRead(FrameLoop loop, ValueTask<int> read) : ICriticalNotifyCompletion
    {
        private readonly ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _read = read.ConfigureAwait(false).GetAwaiter();

        public bool IsCompleted => _read.IsCompleted;

        public ArmedRead GetAwaiter() => this;

        public int GetResult() => _read.GetResult();

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation)
        {
            // From the moment the read is armed the loop may run on another thread.
            var last = loop._last;
            loop._last = null;
            _read.UnsafeOnCompleted(continuation);
            last?.Execute();
        }
    }
}
