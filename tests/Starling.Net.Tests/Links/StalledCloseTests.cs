using System.Net;
using System.Net.Sockets;
using Starling.Net.Tests.Transport;

namespace Starling.Net.Tests.Links;

public sealed class StalledCloseTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>The clock stands still, so no time-out can come to help.</summary>
    [Theory]
    [InlineData("tls")]
    [InlineData("noise")]
    public async Task A_link_whose_socket_takes_nothing_is_closed_at_once_for_its_silence(string security)
    {
        using var rig = new UpgradeRig(security, security);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var proxy = new StallingProxy(Multiaddr.FromEndPoint((IPEndPoint)listener.LocalEndpoint));
        Assert.True(proxy.Address.TryGetTcpEndPoint(out var endPoint));
        using var near = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, SendBufferSize = 8 << 10 };
        await near.ConnectAsync(endPoint!);
        using var far = await listener.AcceptSocketAsync();
        var links = await Task.WhenAll(
            rig.Dialler.UpgradeAsync(Raw(near, Direction.Outbound), rig.Identities[1].PeerId),
            rig.Listener.UpgradeAsync(Raw(far, Direction.Inbound), null)).WaitAsync(Patience);
        await links[0].PingAsync().AsTask().WaitAsync(Patience);
        proxy.Stall();
        var writes = new List<Task>();
        for (var i = 0; i < 64; i++)
        {
            var stream = await links[0].OpenStreamAsync().AsTask().WaitAsync(Patience);
            writes.Add(stream.WriteAsync(new byte[256 << 10]).AsTask());
        }

        await links[0].CloseAsync(new CloseInfo(CloseReason.KeepAliveTimeout)).WaitAsync(Patience);

        Assert.Equal(CloseReason.KeepAliveTimeout, (await links[0].Closed).Reason);
        var ends = await Task.WhenAll(writes.Select(async write =>
        {
            await ((Task)write).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return write.Exception?.InnerException;
        })).WaitAsync(Patience);
        Assert.Contains(ends, end => end is ConnectionClosedException);
        Assert.Equal(0, rig.Budgets[0].Used(ResourceKind.Streams));
        await links[1].CloseAsync(new CloseInfo(CloseReason.LocalClose), new CancellationToken(canceled: true)).WaitAsync(Patience);
    }

    private static RawConnection Raw(Socket socket, Direction direction) => new(
        new NetworkStream(socket, ownsSocket: true),
        Multiaddr.FromEndPoint((IPEndPoint)socket.LocalEndPoint!),
        Multiaddr.FromEndPoint((IPEndPoint)socket.RemoteEndPoint!),
        direction);
}
