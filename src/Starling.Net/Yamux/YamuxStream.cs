using Starling.Protocols.Yamux;

namespace Starling.Net.Yamux;

/// <summary>One stream of a <see cref="YamuxConnection"/>.</summary>
/// <remarks>Two locks, always taken one at a time or link before gate: the link's lock guards the core and the write under way, the gate guards what was received and the read under way.</remarks>
internal sealed partial class YamuxStream(YamuxConnection connection, YamuxStreamState state) : IStream
{
    private readonly YamuxConnection _connection = connection;

    public YamuxStreamState State { get; } = state;

    public uint Id => State.Id;

    public Direction Direction => State.Direction;

    public string? Protocol { get; set; }

    public StreamPriority Priority
    {
        get => State.Priority;
        set
        {
            lock (_connection.Gate) _connection.Core.SetPriority(State, value);
        }
    }

    public IConnection Connection => _connection;

    public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        lock (_connection.Gate)
        {
            ThrowIfWriting();
            if (State.LocalEnded) return ValueTask.CompletedTask;
            if (Failure is { } failure) return ValueTask.FromException(Raise(failure));
            _connection.Core.Finish(State);
        }

        _connection.Kick();
        return ValueTask.CompletedTask;
    }

    public void Reset()
    {
        lock (_connection.Gate)
        {
            if (State.Gone && Failure is not null) return;
            _connection.Core.Reset(State);
        }

        Fail(new StreamFailure("The stream was reset by this side.", ByRemote: false, Close: null), discard: true);
        _connection.Kick();
    }

    public ValueTask DisposeAsync()
    {
        bool ended;
        lock (_connection.Gate) ended = State.LocalEnded && State.RemoteEnded;
        if (ended) Fail(new StreamFailure("The stream is disposed.", ByRemote: false, Close: null), discard: true);
        else Reset();
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends everything under way on this stream. The first failure stays. Called without any lock held.</summary>
    /// <param name="failure">What reads and writes are told.</param>
    /// <param name="discard">Whether bytes that were received but not read are dropped, or may still be read before the failure is told.</param>
    internal void Fail(StreamFailure failure, bool discard)
    {
        FailWrite(failure);
        FailRead(failure, discard);
    }

    private static Exception Raise(StreamFailure failure) => failure.Close is { } close
        ? new ConnectionClosedException(close)
        : new StreamResetException(failure.Message, failure.ByRemote);
}

/// <summary>Why a stream can no longer be used; an exception is made from it for each caller.</summary>
internal sealed record StreamFailure(string Message, bool ByRemote, CloseInfo? Close);
