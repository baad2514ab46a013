using Starling.Protocols.Yamux;

namespace Starling.Net.Yamux;

public sealed partial class YamuxConnection
{
    private readonly TaskCompletionSource<CloseInfo> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _hurry = new();
    private CloseInfo? _why;

    /// <inheritdoc/>
    public Task<CloseInfo> Closed => _closed.Task;

    /// <inheritdoc/>
    public async Task CloseAsync(CloseInfo why, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(why);
        BeginClose(why);
        await using var hurry = cancellationToken.UnsafeRegister(static link => ((YamuxConnection)link!)._hurry.Cancel(), this);
        await Closed;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await CloseAsync(new CloseInfo(CloseReason.LocalClose));

    /// <summary>Starts to close; the first reason wins. Called without any lock held.</summary>
    private void BeginClose(CloseInfo why)
    {
        if (Interlocked.CompareExchange(ref _why, why, null) is null) _ = ShutDownAsync(why);
    }

    private async Task ShutDownAsync(CloseInfo why)
    {
        EndEverything(why);
        using var deadline = new CancellationTokenSource(_options.CloseTimeout, _clock);
        await using var hurry = _hurry.Token.UnsafeRegister(static deadline => ((CancellationTokenSource)deadline!).Cancel(), deadline);
        if (why.Reason is not (CloseReason.EndOfStream or CloseReason.TransportError or CloseReason.KeepAliveTimeout))
        {
            Kick();
            await WriterIdle().WaitAsync(deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

            // Closing a socket that has unread input resets it, and the good-bye would be lost: wait for the peer to close.
            // One that does not close at a go-away, such as js-libp2p, does when nothing more can come from here.
            if (!deadline.IsCancellationRequested) _endWriting?.Invoke();
            await _readLoop.WaitAsync(deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _stop.CancelAsync();
        try
        {
            await _channel.DisposeAsync();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or System.Net.Sockets.SocketException)
        {
            why = why with { Cause = why.Cause ?? exception };
        }

        await _readLoop;
        await WriterIdle();
        lock (Gate) Core.Release();
        _scope.Dispose();
        _stop.Dispose();
        _closed.TrySetResult(why);
    }

    private void EndEverything(CloseInfo why)
    {
        List<YamuxStream> streams = [];
        TaskCompletionSource? gate;
        TaskCompletionSource<TimeSpan>? ping;
        lock (Gate)
        {
            foreach (var state in Core.Streams)
                if (state.Owner is YamuxStream stream) streams.Add(stream);
            Core.GoAway(why.Reason switch
            {
                CloseReason.ProtocolError => YamuxGoAway.ProtocolError,
                CloseReason.InternalError => YamuxGoAway.InternalError,
                _ => YamuxGoAway.Normal,
            });
            Core.Release();
            (gate, _openGate) = (_openGate, null);
            (ping, _ping) = (_ping, null);
            _timer.Dispose();
        }

        _accepts.Writer.TryComplete();
        gate?.TrySetResult();
        if (ping is not null)
        {
            ping.TrySetException(new ConnectionClosedException(why));
            _ = ping.Task.Exception;
        }

        foreach (var stream in streams) stream.Fail(new StreamFailure("The link is closed.", ByRemote: false, why), discard: false);
    }

    private Task WriterIdle()
    {
        lock (Gate)
        {
            if (!_writing) return Task.CompletedTask;
            _writerIdle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _writerIdle.Task;
        }
    }
}
