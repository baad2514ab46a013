using System.Threading.Tasks.Sources;

namespace Starling.Net.Yamux;

internal sealed partial class YamuxStream : IValueTaskSource
{
    // All of this is guarded by the link's lock.
    private ManualResetValueTaskSourceCore<bool> _writeSource = new() { RunContinuationsAsynchronously = true };
    private ReadOnlyMemory<byte> _writeData;
    private CancellationToken _writeToken;
    private CancellationTokenRegistration _writeCancel;
    private WritePhase _writePhase;
    private int _writeTaken;
    private int _writeAccepted;
    private bool _writePending;
    private bool _writeCanceled;
    private bool _announced;

    private enum WritePhase
    {
        /// <summary>No write under way.</summary>
        None,

        /// <summary>Some of the data waits for the window or its turn.</summary>
        Waiting,

        /// <summary>Every byte is accepted, or the write has failed.</summary>
        Done,
    }

    /// <summary>Why the stream cannot be written any more, or null.</summary>
    private StreamFailure? Failure { get; set; }

    /// <summary>Whether the stream was reset with nothing left to read.</summary>
    internal bool Dead => Failure is { Close: null } && !State.RemoteEnded;

    /// <summary>Whether the write under way needs nothing more of the writer that runs on its caller's thread.</summary>
    internal bool WriteDone => _writePhase != WritePhase.Waiting;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromException(new WriteCanceledException(0, cancellationToken));
        bool inline;
        lock (_connection.Gate)
        {
            ThrowIfWriting();
            if (Failure is { } failure) return ValueTask.FromException(Raise(failure));
            if (State.LocalEnded) throw new InvalidOperationException("This side of the stream has ended; nothing more can be written.");
            if (data.IsEmpty) return ValueTask.CompletedTask;
            _writePhase = WritePhase.Waiting;
            _writeData = data;
            _writeToken = cancellationToken;
            _writeTaken = _writeAccepted = 0;
            _announced = true;
            _connection.Core.Offer(State, data.Length);
            inline = _connection.TryBecomeWriter();
        }

        if (inline) _connection.RunWriter(this);
        return FinishOrWait(cancellationToken);
    }

    void IValueTaskSource.GetResult(short token)
    {
        _writeCancel.Unregister();
        _writeCancel = default;
        try
        {
            _writeSource.GetResult(token);
        }
        finally
        {
            lock (_connection.Gate)
            {
                _writeSource.Reset();
                ClearWrite();
            }
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _writeSource.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _writeSource.OnCompleted(continuation, state, token, flags);

    /// <summary>The next bytes to send, which stay the caller's until <see cref="Accepted"/>. Under the link's lock.</summary>
    internal ReadOnlyMemory<byte> TakeForSending(int count)
    {
        var part = _writeData.Slice(_writeTaken, count);
        _writeTaken += count;
        return part;
    }

    /// <summary>The bytes last taken are on their way and no longer needed. Under the link's lock.</summary>
    internal void Accepted()
    {
        _writeAccepted = _writeTaken;
        if (_writePhase != WritePhase.Waiting) return;
        if (_writeAccepted == _writeData.Length || Failure is not null || _writeCanceled) CompleteWrite();
    }

    /// <summary>The channel broke while it had the bytes last taken. Under the link's lock.</summary>
    internal void SendingFailed(CloseInfo why)
    {
        Failure ??= new StreamFailure(why.ToString(), ByRemote: false, why);
        _writeTaken = _writeAccepted;
        if (_writePhase == WritePhase.Waiting) CompleteWrite();
    }

    private ValueTask FinishOrWait(CancellationToken cancellationToken)
    {
        short version;
        lock (_connection.Gate)
        {
            if (_writePhase == WritePhase.Done)
            {
                var error = WriteError();
                ClearWrite();
                return error is null ? ValueTask.CompletedTask : ValueTask.FromException(error);
            }

            _writePending = true;
            version = _writeSource.Version;
        }

        if (cancellationToken.CanBeCanceled)
            _writeCancel = cancellationToken.UnsafeRegister(static (stream, token) => ((YamuxStream)stream!).CancelWrite(token), this);
        return new ValueTask(this, version);
    }

    private void CancelWrite(CancellationToken token)
    {
        lock (_connection.Gate)
        {
            if (_writePhase != WritePhase.Waiting || _writeToken != token) return;
            _writeCanceled = true;
            _connection.Core.Offer(State, 0);
            if (_writeTaken == _writeAccepted) CompleteWrite();
        }
    }

    private void FailWrite(StreamFailure failure)
    {
        lock (_connection.Gate)
        {
            Failure ??= failure;
            if (_writePhase == WritePhase.Waiting && _writeTaken == _writeAccepted) CompleteWrite();
        }
    }

    private void CompleteWrite()
    {
        _writePhase = WritePhase.Done;
        if (!_writePending) return;
        if (WriteError() is { } error) _writeSource.SetException(error);
        else _writeSource.SetResult(true);
    }

    private Exception? WriteError()
    {
        if (_writeAccepted == _writeData.Length) return null;
        return Failure is { } failure ? Raise(failure) : new WriteCanceledException(_writeAccepted, _writeToken);
    }

    private void ClearWrite()
    {
        _writePhase = WritePhase.None;
        _writeData = default;
        _writeToken = default;
        _writePending = _writeCanceled = false;
    }

    private void Announce()
    {
        lock (_connection.Gate)
        {
            _announced = true;
            _connection.Core.Announce(State);
        }

        _connection.Kick();
    }

    private void ThrowIfWriting()
    {
        if (_writePhase != WritePhase.None) throw new InvalidOperationException("A write of this stream is under way already.");
    }
}
