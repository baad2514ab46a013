using System.Buffers;
using System.Runtime.CompilerServices;
using Starling.Protocols.Yamux;

namespace Starling.Net.Yamux;

public sealed partial class YamuxConnection
{
    private const int ReadBytes = 16 << 10;

    /// <summary>Reads that may go by, each up to a record, while a filled reader gets more into its buffer instead of being told.</summary>
    private const int MostUntold = 4;

    /// <summary>Readers whose buffers were filled and who are not told yet. The read loop's own.</summary>
    private readonly List<YamuxStream> _filled = [];
    private Task _readLoop = Task.CompletedTask;
    private int _untold;

    private async Task ReadLoopAsync()
    {
        CloseInfo why;
        try
        {
            why = await ReadUntilEndAsync();
        }
        catch (Exception exception)
        {
            why = new CloseInfo(CloseReason.TransportError, exception.Message, exception);
        }

        TellReaders(onPool: true);
        BeginClose(why);
        if (why.Reason == CloseReason.ProtocolError) await DiscardInputAsync();
    }

    /// <summary>Reads on to the end or to <see cref="_stop"/>, so that unread input does not turn our good-bye into a reset of the socket.</summary>
    private async Task DiscardInputAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            while (await _channel.ReadAsync(buffer, _stop.Token) > 0) continue;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            return;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private async Task<CloseInfo> ReadUntilEndAsync()
    {
        while (true)
        {
            // An idle link holds no buffer: the first read only waits.
            _ = await new ArmedRead(this, _channel.ReadAsync(Memory<byte>.Empty, _stop.Token));
            var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
            var received = await new ArmedRead(this, _channel.ReadAsync(buffer, _stop.Token));
            if (received == 0) return new CloseInfo(CloseReason.EndOfStream, "The other side's byte stream ended without a good-bye.");
            if (Process(buffer.AsSpan(0, received)) is { } why) return why;
            ArrayPool<byte>.Shared.Return(buffer);
            AfterInput();
        }
    }

    private CloseInfo? Process(ReadOnlySpan<byte> input)
    {
        var now = _clock.Now();
        ReadOnlySpan<byte> payload;
        while (true)
        {
            YamuxEvent happened;
            YamuxStream? opened = null;
            lock (Gate)
            {
                if (!Core.Next(ref input, now, out happened, out payload)) return null;
                if (happened.Kind == YamuxEventKind.Opened) happened.Stream!.Owner = opened = new YamuxStream(this, happened.Stream);
            }

            var stream = (YamuxStream?)happened.Stream?.Owner;
            switch (happened.Kind)
            {
                case YamuxEventKind.Opened:
                    if (!_accepts.Writer.TryWrite(opened!)) Refuse(opened!);
                    break;
                case YamuxEventKind.Data:
                    if (stream!.Deliver(payload)) _filled.Add(stream);
                    break;
                case YamuxEventKind.Ended:
                    if (stream!.DeliverEnd()) _filled.Add(stream);
                    break;
                case YamuxEventKind.Reset:
                    // A reset after the peer's end only says that it reads no more; what it had sent is whole.
                    stream!.Fail(new StreamFailure("The stream was reset by the other side.", ByRemote: true, Close: null), discard: !stream.State.RemoteEnded);
                    break;
                case YamuxEventKind.Pong:
                    OnPong();
                    break;
                case YamuxEventKind.Closed:
                    return happened.Close;
            }
        }
    }

    /// <summary>Answers what the input asked for: control frames at once, payload from the pool, because encrypting it would hold up reading.</summary>
    private void AfterInput()
    {
        TaskCompletionSource? gate = null;
        bool write, data;
        lock (Gate)
        {
            if (_openGate is not null && Core.CanOpen) (gate, _openGate) = (_openGate, null);
            write = TryBecomeWriter();
            data = Core.HasData;
        }

        gate?.TrySetResult();
        if (write && data) ThreadPool.UnsafeQueueUserWorkItem(static link => link.RunWriter(null), this, preferLocal: false);
        else if (write) RunWriter(null);
        if (_filled.Count > 0) _untold++;
    }

    /// <summary>The queue is full of streams that were reset before anybody took them.</summary>
    private void Refuse(YamuxStream stream)
    {
        lock (Gate) Core.Refuse(stream.State, _clock.Now());
        stream.Reset();
    }

    private void OnPong()
    {
        TaskCompletionSource<TimeSpan>? ping;
        TimeSpan roundTrip;
        lock (Gate)
        {
            (ping, _ping) = (_ping, null);
            roundTrip = Core.RoundTrip!.Value;
            _timer.Change(_options.KeepAliveInterval, Timeout.InfiniteTimeSpan);
        }

        ping?.TrySetResult(roundTrip);
    }

    private void TellReaders(bool onPool)
    {
        foreach (var stream in _filled) stream.TellReader(onPool);
        _filled.Clear();
        _untold = 0;
    }

    /// <summary>Awaits a read of the channel; when it has to wait, a reader is told once the wait is armed.</summary>
    private readonly struct ArmedRead(YamuxConnection link, ValueTask<int> read) : ICriticalNotifyCompletion
    {
        private readonly ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _read = read.ConfigureAwait(false).GetAwaiter();

        public bool IsCompleted => _read.IsCompleted && link._untold < MostUntold;

        public ArmedRead GetAwaiter() => this;

        public int GetResult() => _read.GetResult();

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation)
        {
            // From the moment the read is armed the loop may run on another thread, so its list is emptied before.
            var last = link.TakeLastFilled();
            if (_read.IsCompleted) ThreadPool.UnsafeQueueUserWorkItem(static loop => loop(), continuation, preferLocal: true);
            else _read.UnsafeOnCompleted(continuation);
            last?.TellReader(onPool: false);
        }
    }

    /// <summary>Tells every reader on the pool but the last, which this thread will tell itself.</summary>
    private YamuxStream? TakeLastFilled()
    {
        if (_filled.Count == 0) return null;
        var last = _filled[^1];
        _filled.RemoveAt(_filled.Count - 1);
        TellReaders(onPool: true);
        return last;
    }
}
