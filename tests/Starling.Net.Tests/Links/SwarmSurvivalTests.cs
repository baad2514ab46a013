using Starling.Net.Transport;
using Starling.Protocols.Links;

namespace Starling.Net.Tests.Links;

public class SwarmSurvivalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_peer_whose_packets_stop_is_found_by_the_keep_alive()
    {
        var clock = new ManualClock();
        await using var a = await TestNode.StartAsync(clock: clock);
        await using var b = await TestNode.StartAsync();
        await using var proxy = new StallingProxy(b.Address);
        await a.Swarm.ConnectAsync(b.Id, [proxy.Address]).WaitAsync(Patience);
        Assert.Equal("connected", await a.NextEventAsync());
        proxy.Stall();

        // Silence of a keep-alive interval asks; silence of its timeout closes.
        for (var i = 0; i < 5 && !a.HasEvent; i++) clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("disconnected KeepAliveTimeout", await a.NextEventAsync());
        clock.Advance(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_peer_that_never_identifies_itself_is_let_go()
    {
        await using var a = await TestNode.StartAsync(options => options.Links.IdentifyTimeout = TimeSpan.FromMilliseconds(200));
        await using var mute = await TestNode.StartAsync();
        var link = await mute.DialRawAsync(a);
        var why = await link.Closed.WaitAsync(Patience);
        Assert.Equal(CloseReason.RemoteClose, why.Reason);
        Assert.False(a.HasEvent);
        Assert.Empty(a.Swarm.Links);
    }

    [Fact]
    public async Task A_peer_that_identifies_itself_with_another_key_is_let_go()
    {
        await using var a = await TestNode.StartAsync();
        await using var liar = await TestNode.StartAsync();
        using var other = NodeIdentity.Generate();
        var link = await liar.DialRawAsync(a);
        var lie = IdentifyCodec.Encode(new IdentifyMessage { PublicKey = other.PublicKey.Encoded });
        await using var stream = await link.AcceptStreamAsync().AsTask().WaitAsync(Patience);
        await MultistreamSelect.AcceptAsync(stream, _ => true, () => [], Patience, TimeProvider.System, default);
        await stream.WriteAsync(lie);
        await stream.CloseWriteAsync();
        Assert.Equal(CloseReason.RemoteClose, (await link.Closed.WaitAsync(Patience)).Reason);
        Assert.False(a.HasEvent);
    }

    [Fact]
    public async Task Streams_that_never_name_a_protocol_are_bounded_and_the_link_lives_on()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync(options => options.MaxNegotiatingPerLink = 8);
        b.Swarm.Handle("/echo/1", SwarmTests.EchoAsync);
        var link = await a.ConnectAsync(b);
        var silent = new List<IStream>();
        for (var i = 0; i < 8; i++)
        {
            silent.Add(await link.Connection.OpenStreamAsync());
            await silent[i].WriteAsync(new byte[] { 19 });
        }

        await using var surplus = await link.Connection.OpenStreamAsync();
        await Assert.ThrowsAsync<StreamResetException>(async () =>
        {
            await surplus.WriteAsync(new byte[] { 19 });
            await surplus.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience);
        });
        foreach (var stream in silent)
        {
            stream.Reset();
            await stream.DisposeAsync();
        }

        // The resets travel in order before the next stream's first bytes, but the slots are given back by other tasks.
        while (true)
        {
            try
            {
                Assert.Equal("fine", await SwarmTests.EchoAsync(link, "fine"));
                break;
            }
            catch (StreamResetException)
            {
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task Many_peers_come_and_go_without_leaving_anything()
    {
        await using var hub = await TestNode.StartAsync();
        hub.Swarm.Handle("/echo/1", SwarmTests.EchoAsync);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            await using var node = await TestNode.StartAsync();
            var link = await node.ConnectAsync(hub);
            Assert.Equal("x", await SwarmTests.EchoAsync(link, "x"));
        }));
        for (var i = 0; i < 40; i++) await hub.NextEventAsync();
        Assert.Empty(hub.Swarm.Links);
    }
}
