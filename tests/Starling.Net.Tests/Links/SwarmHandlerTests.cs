using Starling.Protocols.Links;

namespace Starling.Net.Tests.Links;

public class SwarmHandlerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_handler_that_throws_resets_its_stream_and_nothing_else()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        b.Swarm.Handle("/bad/1", (_, _) => throw new InvalidOperationException("a bug"));
        b.Swarm.Handle("/echo/1", SwarmTests.EchoAsync);
        var link = await a.ConnectAsync(b);

        await using (var stream = await link.OpenStreamAsync(["/bad/1"]))
        {
            await Assert.ThrowsAnyAsync<StarlingException>(async () =>
            {
                await stream.WriteAsync(new byte[1]);
                await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience);
            });
        }

        Assert.Equal("still here", await SwarmTests.EchoAsync(link, "still here"));
    }

    [Fact]
    public async Task One_stream_more_than_a_peer_may_have_is_reset_and_the_others_go_on()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        b.Swarm.Handle("/echo/1", SwarmTests.EchoAsync, maxInboundPerPeer: 2);
        var link = await a.ConnectAsync(b);
        var streams = new List<IStream>();
        for (var i = 0; i < 2; i++)
        {
            var stream = await link.OpenStreamAsync(["/echo/1"]);
            streams.Add(stream);
            Assert.Equal(7, await RoundTripAsync(stream, 7));
        }

        await using (var third = await link.OpenStreamAsync(["/echo/1"]))
        {
            await Assert.ThrowsAsync<StreamResetException>(() => RoundTripAsync(third, 7));
        }

        foreach (var stream in streams)
        {
            Assert.Equal(9, await RoundTripAsync(stream, 9));
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_protocol_that_nobody_serves_is_said_so_at_the_open()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var link = await a.ConnectAsync(b);
        var error = await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => link.OpenStreamAsync(["/none/1", "/none/2"]).AsTask().WaitAsync(Patience));
        Assert.Equal(["/none/1", "/none/2"], error.Proposed);
        Assert.Equal("connected", await a.NextEventAsync());
        Assert.False(a.HasEvent);
    }

    [Fact]
    public async Task A_peer_learns_of_new_and_removed_protocols()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var link = await a.ConnectAsync(b);
        Assert.Equal("connected", await a.NextEventAsync());

        var registration = b.Swarm.Handle("/late/1", SwarmTests.EchoAsync);
        Assert.Equal("identified", await a.NextEventAsync());
        Assert.Contains("/late/1", link.Info.Protocols);

        registration.Dispose();
        Assert.Equal("identified", await a.NextEventAsync());
        Assert.DoesNotContain("/late/1", link.Info.Protocols);
    }

    [Fact]
    public async Task A_peer_learns_of_a_new_address_with_a_signed_record()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var link = await a.ConnectAsync(b);
        Assert.Equal("connected", await a.NextEventAsync());
        await b.Swarm.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"));
        Assert.Equal("identified", await a.NextEventAsync());

        Assert.Equal(2, link.Info.ListenAddresses.Count);
        Assert.True(PeerRecords.TryOpen(link.Info.SignedPeerRecord.Span, out var peer, out _, out var addresses));
        Assert.Equal(b.Id, peer);
        Assert.Equal(b.Swarm.ListenAddresses, addresses);
    }

    [Fact]
    public async Task A_protocol_has_one_handler()
    {
        await using var a = await TestNode.StartAsync();
        var first = a.Swarm.Handle("/one/1", SwarmTests.EchoAsync);
        var error = Assert.Throws<InvalidOperationException>(() => a.Swarm.Handle("/one/1", SwarmTests.EchoAsync));
        Assert.Contains("/one/1", error.Message, StringComparison.Ordinal);
        first.Dispose();
        a.Swarm.Handle("/one/1", SwarmTests.EchoAsync).Dispose();
    }

    [Fact]
    public async Task Stopping_ends_in_time_although_a_handler_hangs()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var entered = new TaskCompletionSource();
        var never = new TaskCompletionSource();
        b.Swarm.Handle("/hang/1", (_, _) =>
        {
            entered.SetResult();
            return never.Task;
        });
        var link = await a.ConnectAsync(b);
        await using var stream = await link.OpenStreamAsync(["/hang/1"]);
        await stream.WriteAsync(new byte[1]);
        await entered.Task.WaitAsync(Patience);

        await b.Swarm.StopAsync(TimeSpan.FromMilliseconds(300)).WaitAsync(Patience);
        Assert.Equal("connected", await b.NextEventAsync());
        Assert.Equal("disconnected NodeStopping", await b.NextEventAsync());
        Assert.Equal("connected", await a.NextEventAsync());
        Assert.Equal("disconnected RemoteClose", await a.NextEventAsync());
        never.SetResult();
    }

    [Fact]
    public async Task A_stopped_node_refuses_to_connect()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await a.Swarm.StopAsync().WaitAsync(Patience);
        var error = await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(b));
        Assert.Equal(HandshakeFailure.RefusedLocally, error.Failure);
    }

    private static async Task<int> RoundTripAsync(IStream stream, byte value)
    {
        var buffer = new[] { value };
        await stream.WriteAsync(buffer);
        buffer[0] = 0;
        Assert.Equal(1, await stream.ReadAsync(buffer).AsTask().WaitAsync(Patience));
        return buffer[0];
    }
}
