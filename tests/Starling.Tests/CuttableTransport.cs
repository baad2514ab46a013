using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Starling.Tests;

/// <summary>TCP over loopback whose sockets a test can cut below everything else, as a broken network would.</summary>
internal sealed class CuttableTransport : ITransport
{
    private readonly ConcurrentDictionary<CuttableStream, byte> _dialled = [];
    private readonly ConcurrentDictionary<(EndPoint From, EndPoint To), CuttableStream> _accepted = [];
    private int _open;

    /// <summary>Ends of connections that are open, both directions.</summary>
    public int Open => Volatile.Read(ref _open);

    public bool CanDial(Multiaddr address) => address.TryGetTcpEndPoint(out _);

    public bool CanListen(Multiaddr address) => address.TryGetTcpEndPoint(out _);

    /// <summary>The connections that were dialled and are open, in a stable order.</summary>
    public IReadOnlyList<CuttableStream> Connections() => [.. _dialled.Keys.OrderBy(one => one.Number)];

    public async ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        Assert.True(address.TryGetTcpEndPoint(out var endPoint));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint!, cancellationToken);
        }
        catch (Exception error)
        {
            socket.Dispose();
            if (error is SocketException) throw new HandshakeException(HandshakeFailure.TransportFailed, $"{address}: {error.Message}", error);
            throw;
        }

        return Wrap(socket, Direction.Outbound);
    }

    public ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        Assert.True(address.TryGetTcpEndPoint(out var endPoint));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(endPoint!);
        socket.Listen(512);
        return ValueTask.FromResult<ITransportListener>(new Listener(this, socket));
    }

    private RawConnection Wrap(Socket socket, Direction direction)
    {
        Interlocked.Increment(ref _open);
        var stream = new CuttableStream(this, socket);
        if (direction == Direction.Outbound) _dialled.TryAdd(stream, 0);
        else _accepted.TryAdd((socket.RemoteEndPoint!, socket.LocalEndPoint!), stream);
        return new RawConnection(stream, Multiaddr.FromEndPoint((IPEndPoint)socket.LocalEndPoint!), Multiaddr.FromEndPoint((IPEndPoint)socket.RemoteEndPoint!), direction);
    }

    /// <summary>One end of a connection.</summary>
    internal sealed class CuttableStream(CuttableTransport transport, Socket socket) : NetworkStream(socket, ownsSocket: true)
    {
        private static long _last;
        private readonly Socket _socket = socket;
        private readonly EndPoint _local = socket.LocalEndPoint!;
        private readonly EndPoint _remote = socket.RemoteEndPoint!;
        private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _disposed;

        public long Number { get; } = Interlocked.Increment(ref _last);

        /// <summary>Where it was dialled from and to.</summary>
        public (Multiaddr From, Multiaddr To) Ends => (Multiaddr.FromEndPoint((IPEndPoint)_local), Multiaddr.FromEndPoint((IPEndPoint)_remote));

        /// <summary>Resets the connection that was dialled; neither side says anything.</summary>
        /// <returns>Completes when both sides have noticed.</returns>
        public Task Cut()
        {
            var other = transport._accepted.GetValueOrDefault((_local, _remote))?._gone.Task ?? Task.CompletedTask;
            try
            {
                _socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException)
            {
                // It has ended by itself in this very moment, which is as good.
                return Task.WhenAll(_gone.Task, other);
            }

            _socket.Close();
            return Task.WhenAll(_gone.Task, other);
        }

        protected override void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref transport._open);
                transport._dialled.TryRemove(this, out _);
                transport._accepted.TryRemove(KeyValuePair.Create((_remote, _local), this));
                _gone.TrySetResult();
            }

            base.Dispose(disposing);
        }
    }

    private sealed class Listener(CuttableTransport transport, Socket socket) : ITransportListener
    {
        public IReadOnlyList<Multiaddr> Addresses { get; } = [Multiaddr.FromEndPoint((IPEndPoint)socket.LocalEndPoint!)];

        public async ValueTask<RawConnection?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                var accepted = await socket.AcceptAsync(cancellationToken);
                accepted.NoDelay = true;
                return transport.Wrap(accepted, Direction.Inbound);
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return null;
            }
        }

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
