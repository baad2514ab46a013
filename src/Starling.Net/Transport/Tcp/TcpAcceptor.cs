using System.Net.Sockets;

namespace Starling.Net.Transport;

/// <summary>A listening TCP socket whose accepting survives every error but its own end.</summary>
internal sealed class TcpAcceptor(Socket socket, IReadOnlyList<Multiaddr> addresses, TimeProvider clock) : ITransportListener
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopped = new();
    private TimeSpan _pause = TimeSpan.Zero;
    private int _disposed;

    public IReadOnlyList<Multiaddr> Addresses { get; } = addresses;

    public async ValueTask<RawConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (Volatile.Read(ref _disposed) == 0)
        {
            try
            {
                var accepted = await socket.AcceptAsync(cancellationToken);
                _pause = TimeSpan.Zero;
                if (TryWrap(accepted) is { } connection) return connection;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // The dialler was gone before it was accepted.
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException && Volatile.Read(ref _disposed) != 0)
            {
                return null;
            }
            catch (SocketException)
            {
                await PauseAsync(cancellationToken);
            }
        }

        return null;
    }

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return ValueTask.CompletedTask;
        _stopped.Cancel();
        socket.Dispose();
        _stopped.Dispose();
        return ValueTask.CompletedTask;
    }

    private static RawConnection? TryWrap(Socket accepted)
    {
        try
        {
            accepted.NoDelay = true;
            return TcpTransport.Wrap(accepted, Direction.Inbound);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Reset between being accepted and being asked for its addresses.
            accepted.Dispose();
            return null;
        }
    }

    /// <summary>Out of files or memory: waiting lets others finish, where trying again at once would spin.</summary>
    private async ValueTask PauseAsync(CancellationToken cancellationToken)
    {
        _pause = _pause == TimeSpan.Zero ? TimeSpan.FromMilliseconds(10) : _pause * 2;
        if (_pause > LongestPause) _pause = LongestPause;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopped.Token);
            await Task.Delay(_pause, clock, either.Token);
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // Disposed meanwhile; the loop sees it.
        }
    }
}
