using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

public class SwarmTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Two_nodes_connect_echo_and_part_with_a_reason_on_both_sides()
    {
        await using var a = await TestNode.StartAsync(options => options.DisplayName = "ada");
        await using var b = await TestNode.StartAsync(options => options.DisplayName = "bob");
        b.Swarm.Handle("/echo/1", EchoAsync);

        var link = await a.ConnectAsync(b);
        Assert.Equal("bob", link.Info.DisplayName);
        Assert.StartsWith("starling/", link.Info.AgentVersion, StringComparison.Ordinal);
        Assert.Contains("/echo/1", link.Info.Protocols);
        Assert.Equal(b.Addresses, link.Info.ListenAddresses);
        Assert.Equal(link.Connection.LocalAddress, link.Info.ObservedAddress);
        Assert.Equal("hello", await EchoAsync(link, "hello"));
        Assert.Equal("connected", await b.NextEventAsync());
        Assert.Equal("ada", b.Swarm.Find(a.Id)!.Info.DisplayName);

        await a.Swarm.DisconnectAsync(b.Id).WaitAsync(Patience);
        Assert.Equal("connected", await a.NextEventAsync());
        Assert.Equal("disconnected LocalClose", await a.NextEventAsync());
        Assert.Equal("disconnected RemoteClose", await b.NextEventAsync());
        Assert.Empty(a.Swarm.Links);
    }

    [Fact]
    public async Task A_message_sent_at_once_arrives_at_a_handler_that_sees_the_link()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var seen = new TaskCompletionSource<IPeerLink?>();
        b.Swarm.Handle("/once/1", async (stream, cancelled) =>
        {
            await stream.ReadAsync(new byte[1], cancelled);
            seen.SetResult(b.Swarm.Find(a.Id));
        });

        var link = await a.ConnectAsync(b);
        await using var stream = await link.OpenStreamAsync(["/once/1"]);
        await stream.WriteAsync(new byte[1]);
        Assert.NotNull(await seen.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task Nodes_that_dial_each_other_at_once_have_one_link_each_time()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        b.Swarm.Handle("/echo/1", EchoAsync);
        for (var round = 0; round < 1000; round++)
        {
            var links = await Task.WhenAll(Task.Run(() => a.ConnectAsync(b)), Task.Run(() => b.ConnectAsync(a)));
            Assert.Same(links[0], a.Swarm.Find(b.Id));
            Assert.Same(links[1], b.Swarm.Find(a.Id));
            Assert.Equal(links[0].Connection.LocalAddress, links[1].Connection.RemoteAddress);
            Assert.Equal("hi", await EchoAsync(links[0], "hi"));
            await a.Swarm.DisconnectAsync(b.Id).WaitAsync(Patience);
            foreach (var node in new[] { a, b })
            {
                Assert.Equal("connected", await node.NextEventAsync());
                Assert.StartsWith("disconnected", await node.NextEventAsync(), StringComparison.Ordinal);
                Assert.False(node.HasEvent, $"round {round}: one event too many, {(node.HasEvent ? await node.NextEventAsync() : "")}");
            }
        }
    }

    [Fact]
    public async Task Another_identity_than_the_dialled_one_fails_the_dial()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await using var c = await TestNode.StartAsync();

        var error = await Assert.ThrowsAsync<HandshakeException>(() => a.Swarm.ConnectAsync(c.Id, b.Addresses).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.PeerIdMismatch, error.Failure);
        Assert.Empty(a.Swarm.Links);
    }

    [Fact]
    public async Task A_node_cannot_connect_to_itself()
    {
        await using var a = await TestNode.StartAsync();
        var byId = await Assert.ThrowsAsync<HandshakeException>(() => a.Swarm.ConnectAsync(a.Id, a.Addresses).WaitAsync(Patience));
        var byAddress = await Assert.ThrowsAsync<HandshakeException>(() => a.Swarm.ConnectAsync(null, a.Addresses).WaitAsync(Patience));
        Assert.Equal((HandshakeFailure.SelfDial, HandshakeFailure.SelfDial), (byId.Failure, byAddress.Failure));
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_named()
    {
        await using var a = await TestNode.StartAsync();
        var b = await TestNode.StartAsync();
        var (id, address) = (b.Id, b.Address);
        await b.DisposeAsync();

        var error = await Assert.ThrowsAsync<HandshakeException>(() => a.Swarm.ConnectAsync(id, [address]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.TransportFailed, error.Failure);
        Assert.Contains(address.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_at_its_limit_refuses_and_the_dialler_learns_it()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync(options => options.Links.MaxLinks = 1);
        await using var c = await TestNode.StartAsync();
        await a.ConnectAsync(b);

        var error = await Assert.ThrowsAsync<HandshakeException>(() => c.ConnectAsync(b));
        Assert.Equal(HandshakeFailure.RefusedByRemote, error.Failure);
        Assert.Single(b.Swarm.Links);
    }

    [Fact]
    public async Task An_address_without_an_id_is_held_to_the_identity_that_answered_first()
    {
        await using var a = await TestNode.StartAsync();
        var b = await TestNode.StartAsync();
        var address = b.Address;
        var link = await a.Swarm.ConnectAsync(null, [address]).WaitAsync(Patience);
        Assert.Equal(b.Id, link.Peer);
        await b.DisposeAsync();
        Assert.Equal("connected", await a.NextEventAsync());
        Assert.StartsWith("disconnected", await a.NextEventAsync(), StringComparison.Ordinal);

        await using var other = await TestNode.StartAsync();
        await other.Swarm.ListenAsync(address);
        var error = await Assert.ThrowsAsync<HandshakeException>(() => a.Swarm.ConnectAsync(null, [address]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.PeerIdMismatch, error.Failure);
        Assert.Contains("answered at it before", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_connect_leaves_nothing_behind()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        for (var round = 0; round < 30; round++)
        {
            using var cancel = new CancellationTokenSource();
            var connecting = a.Swarm.ConnectAsync(b.Id, b.Addresses, cancel.Token);
            for (var i = 0; i < round; i++) await Task.Yield();
            await cancel.CancelAsync();
            try
            {
                await connecting.WaitAsync(Patience);
            }
            catch (OperationCanceledException)
            {
                // Either outcome is right.
            }
        }

        Assert.NotNull(await a.ConnectAsync(b));
        Assert.Single(a.Swarm.Links);
    }

    [Fact]
    public async Task A_killed_process_is_reported_as_such()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await a.ConnectAsync(b);
        b.Transport.Kill();

        Assert.Equal("connected", await a.NextEventAsync());
        Assert.Contains(await a.NextEventAsync(), new[] { "disconnected EndOfStream", "disconnected TransportError" });
    }

    [Fact]
    public async Task Connecting_right_after_a_link_was_closed_makes_a_new_one()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        b.Swarm.Handle("/echo/1", EchoAsync);
        for (var round = 0; round < 100; round++)
        {
            var link = await a.ConnectAsync(b);
            Assert.Equal("new", await EchoAsync(link, "new"));
            if (round % 2 == 0) await link.Connection.CloseAsync(new CloseInfo(CloseReason.LocalClose)).WaitAsync(Patience);
            else await a.Swarm.DisconnectAsync(b.Id).WaitAsync(Patience);
        }
    }

    [Fact]
    public async Task Round_trips_are_measured_with_jitter()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await a.ConnectAsync(b);
        var link = a.Swarm.FindLink(b.Id)!;
        for (var i = 0; i < 5; i++) Assert.True(await a.Swarm.PingAsync(link).WaitAsync(Patience) > TimeSpan.Zero);
        Assert.Equal(5, link.RoundTrip!.Value.Samples);
        Assert.True(link.RoundTrip.Value.Smoothed > TimeSpan.Zero);
    }

    internal static async Task EchoAsync(IStream stream, CancellationToken cancelled)
    {
        var buffer = new byte[1024];
        while (await stream.ReadAsync(buffer, cancelled) is > 0 and var count) await stream.WriteAsync(buffer.AsMemory(0, count), cancelled);
    }

    internal static async Task<string> EchoAsync(IPeerLink link, string text, string protocol = "/echo/1")
    {
        await using var stream = await link.OpenStreamAsync([protocol]).AsTask().WaitAsync(Patience);
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text));
        await stream.CloseWriteAsync().AsTask().WaitAsync(Patience);
        using var reader = new StreamReader(stream.AsStream());
        return await reader.ReadToEndAsync().WaitAsync(Patience);
    }
}
