using System.Threading.Tasks.Sources;

namespace Starling.Net.Yamux;

internal sealed partial class YamuxStream : IValueTaskSource<int>
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<int> _readSource;
    private ReceiveQueue _received;
    private Memory<byte> _readBuffer;
    private CancellationToken _readToken;
    private CancellationTokenRegistration _readCancel;
    private ReadPhase _readPhase;
    private int _readCount;
    private int _consumed;
    private bool _remoteEnded;
    private StreamFailure? _readFailure;

    private enum ReadPhase
    {
        /// <summary>No read under way.</summary>
        None,

        /// <summary>A reader waits for bytes.</summary>
        Waiting,

        /// <summary>Bytes are in the reader's buffer; more may be added until it is told.</summary>
        Filled,
    }

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        int count;
        short version;
        lock (_gate)
        {
            if (_readPhase != ReadPhase.None) throw new InvalidOperationException("A read of this stream is under way already.");
            if (_received.Count > 0 || _remoteEnded)
            {
                count = _received.Take(buffer.Span);
                version = 0;
            }
            else if (_readFailure is { } failure)
            {
                return ValueTask.FromException<int>(Raise(failure));
            }
            else
            {
                count = -1;
                version = _readSource.Version;
                _readPhase = ReadPhase.Waiting;
                _readBuffer = buffer;
                _readToken = cancellationToken;
            }
        }

        if (count > 0 && Consumed(count)) _connection.Kick();
        if (count >= 0) return new ValueTask<int>(count);
        WaitForBytes(cancellationToken);
        return new ValueTask<int>(this, version);
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        _readCancel.Unregister();
        _readCancel = default;
        try
        {
            return _readSource.GetResult(token);
        }
        finally
        {
            lock (_gate)
            {
                _readSource.Reset();
                _readPhase = ReadPhase.None;
                _readBuffer = default;
            }
        }
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _readSource.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _readSource.OnCompleted(continuation, state, token, flags);

    /// <summary>Takes received bytes: into the waiting reader's buffer as far as it reaches, the rest is kept.</summary>
    /// <returns>Whether a reader waits to be told with <see cref="TellReader"/>.</returns>
    internal bool Deliver(ReadOnlySpan<byte> payload)
    {
        var direct = 0;
        var tell = false;
        lock (_gate)
        {
            if (_readFailure is not null) return false;
            if (_readPhase != ReadPhase.None && _received.Count == 0)
            {
                tell = _readPhase == ReadPhase.Waiting;
                direct = Math.Min(payload.Length, _readBuffer.Length - _readCount);
                payload[..direct].CopyTo(_readBuffer.Span[_readCount..]);
                _readCount += direct;
                _readPhase = ReadPhase.Filled;
            }

            if (direct < payload.Length) _received.Append(payload[direct..]);
        }

        if (direct > 0) Consumed(direct);
        return tell;
    }

    /// <summary>The peer ended its direction.</summary>
    /// <returns>Whether a reader waits to be told with <see cref="TellReader"/>.</returns>
    internal bool DeliverEnd()
    {
        lock (_gate)
        {
            _remoteEnded = true;
            if (_readPhase != ReadPhase.Waiting) return false;
            _readPhase = ReadPhase.Filled;
            return true;
        }
    }

    /// <summary>Completes the read whose buffer was filled. Runs the reader's code inside the call unless told to use the pool.</summary>
    internal void TellReader(bool onPool)
    {
        int count;
        lock (_gate)
        {
            count = _readCount;
            _readCount = 0;
            _readBuffer = default;
        }

        _readSource.RunContinuationsAsynchronously = onPool;
        _readSource.SetResult(count);
    }

    private void WaitForBytes(CancellationToken cancellationToken)
    {
        if (!Volatile.Read(ref _announced)) Announce();
        if (!cancellationToken.CanBeCanceled) return;
        var registration = cancellationToken.UnsafeRegister(static (stream, token) => ((YamuxStream)stream!).CancelRead(token), this);
        _readCancel = registration;
    }

    private void CancelRead(CancellationToken token)
    {
        lock (_gate)
        {
            if (_readPhase != ReadPhase.Waiting || _readToken != token) return;
            _readPhase = ReadPhase.Filled;
            _readBuffer = default;
        }

        _readSource.RunContinuationsAsynchronously = true;
        _readSource.SetException(new OperationCanceledException(token));
    }

    private void FailRead(StreamFailure failure, bool discard)
    {
        lock (_gate)
        {
            _readFailure ??= failure;
            if (discard)
            {
                _received.Clear();
                _remoteEnded = false;
            }

            if (_readPhase != ReadPhase.Waiting) return;
            _readPhase = ReadPhase.Filled;
            _readBuffer = default;
        }

        _readSource.RunContinuationsAsynchronously = true;
        _readSource.SetException(Raise(failure));
    }

    /// <summary>Counts bytes that reached the application; the core hears of them by the half window, which is when it gives credit.</summary>
    /// <returns>Whether there may be credit to send.</returns>
    private bool Consumed(int count)
    {
        if (Interlocked.Add(ref _consumed, count) < State.ReceiveWindow / 2) return false;
        _connection.Consumed(State, Interlocked.Exchange(ref _consumed, 0));
        return true;
    }
}
