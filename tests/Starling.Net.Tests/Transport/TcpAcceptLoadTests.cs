using System.Net;
using System.Net.Sockets;
using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

public sealed class TcpAcceptLoadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Clients_that_reset_before_they_are_accepted_stop_nobody()
    {
        var transport = new TcpTransport(new TcpTransportOptions(), TimeProvider.System);
        await using var listener = await transport.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Token);
        for (var i = 0; i < 50; i++)
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
            await client.ConnectAsync(IPAddress.Loopback, listener.Addresses[0].Port!.Value, Token);
        }

        await using var dialled = await transport.DialAsync(listener.Addresses[0], Token).AsTask().WaitAsync(Patience, Token);
        var found = false;
        while (!found)
        {
            await using var raw = await listener.AcceptAsync(Token).AsTask().WaitAsync(Patience, Token);
            found = raw!.RemoteAddress == dialled.LocalAddress;
        }
    }

    [Fact]
    public async Task Many_connections_at_once_are_all_accepted()
    {
        const int Count = 400;
        var transport = new TcpTransport(new TcpTransportOptions(), TimeProvider.System);
        await using var listener = await transport.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Token);
        var dialling = Task.WhenAll(Enumerable.Range(0, Count).Select(_ => transport.DialAsync(listener.Addresses[0], Token).AsTask()));
        HashSet<string> remotes = [];
        for (var i = 0; i < Count; i++)
        {
            await using var raw = await listener.AcceptAsync(Token).AsTask().WaitAsync(Patience, Token);
            remotes.Add(raw!.RemoteAddress.ToString());
        }

        var dialled = await dialling.WaitAsync(Patience, Token);
        Assert.Equal(remotes, [.. dialled.Select(raw => raw.LocalAddress.ToString())]);
        foreach (var raw in dialled) await raw.DisposeAsync();
    }
}
