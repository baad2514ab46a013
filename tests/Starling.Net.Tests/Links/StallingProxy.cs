using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Tests.Links;

/// <summary>Carries TCP connections to a port until it is told to stall: then packets stop, and nothing is closed.</summary>
internal sealed class StallingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stalled = new();
    private readonly List<Socket> _sockets = [];
    private readonly Task _accepting;
    private readonly IPEndPoint _target;

    public StallingProxy(Multiaddr target)
    {
        Assert.True(target.TryGetTcpEndPoint(out var endPoint));
        _target = endPoint!;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Multiaddr Address => Multiaddr.FromEndPoint((IPEndPoint)_listener.LocalEndpoint);

    public void Stall() => _stalled.Cancel();

    public async ValueTask DisposeAsync()
    {
        Stall();
        _listener.Stop();
        await _accepting;
        foreach (var socket in _sockets) socket.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptSocketAsync(_stalled.Token);
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await far.ConnectAsync(_target, _stalled.Token);
                _sockets.AddRange([near, far]);
                _ = CarryAsync(near, far);
                _ = CarryAsync(far, near);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stalled or stopped.
        }
    }

    private async Task CarryAsync(Socket from, Socket to)
    {
        try
        {
            var buffer = new byte[64 << 10];
            while (await from.ReceiveAsync(buffer, _stalled.Token) is > 0 and var count) await to.SendAsync(buffer.AsMemory(0, count), _stalled.Token);
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stalled or stopped.
        }
    }
}
