using System.Threading.Channels;
using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

public class GoodbyeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(CloseReason.LocalClose)]
    [InlineData(CloseReason.Refused)]
    [InlineData(CloseReason.Blocked)]
    [InlineData(CloseReason.Pruned)]
    [InlineData(CloseReason.Unused)]
    [InlineData(CloseReason.BudgetExceeded)]
    public async Task The_other_side_learns_why_its_link_was_closed(CloseReason reason)
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var ends = new Ends(b.Swarm);
        for (var round = 0; round < 20; round++)
        {
            await a.ConnectAsync(b);
            Assert.Null(await ends.NextAsync());
            await a.Swarm.DisconnectAsync(b.Id, new CloseInfo(reason, $"round\u0007 {round}")).WaitAsync(Patience);
            var end = (await ends.NextAsync())!;
            Assert.Equal((CloseReason.RemoteClose, reason, $"round\uFFFD {round}"), (end.Reason, end.RemoteReason, end.Detail));
        }
    }

    [Fact]
    public async Task A_node_that_stops_says_so()
    {
        var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var ends = new Ends(b.Swarm);
        await a.ConnectAsync(b);
        Assert.Null(await ends.NextAsync());
        await a.DisposeAsync();
        Assert.Equal(CloseReason.NodeStopping, (await ends.NextAsync())!.RemoteReason);
    }

    [Fact]
    public async Task A_long_text_is_cut()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var ends = new Ends(b.Swarm);
        await a.ConnectAsync(b);
        Assert.Null(await ends.NextAsync());
        await a.Swarm.DisconnectAsync(b.Id, new CloseInfo(CloseReason.Pruned, new string('é', 100_000))).WaitAsync(Patience);
        Assert.Equal(new string('é', 256), (await ends.NextAsync())!.Detail);
    }

    [Fact]
    public async Task A_peer_that_does_not_take_the_goodbye_delays_the_close_by_a_bounded_time()
    {
        await using var a = await TestNode.StartAsync(options => options.GoodbyeTimeout = options.CloseTimeout = TimeSpan.FromMilliseconds(100));
        await using var silent = await TestNode.StartAsync();
        a.Swarm.AddGate(new LinkGateTests.Gate { Link = (_, _, _) => new LinkRefusal(CloseReason.Refused, "no") });
        var link = await silent.DialRawAsync(a);

        Assert.Equal(CloseReason.RemoteClose, (await link.Closed.WaitAsync(Patience)).Reason);
    }

    [Fact]
    public async Task Each_way_to_disconnect_tells_the_other_side_what_it_should_know_and_is_idempotent()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var here = new Ends(a.Swarm);
        var there = new Ends(b.Swarm);
        foreach (var (mode, local, remote, text) in new (DisconnectMode, CloseReason, CloseReason?, string)[]
        {
            (DisconnectMode.Mutual, CloseReason.LocalClose, CloseReason.LocalClose, "done"),
            (DisconnectMode.OneSided, CloseReason.LocalClose, null, ""),
            (DisconnectMode.Forced, CloseReason.Blocked, CloseReason.Blocked, "done"),
        })
        {
            await a.ConnectAsync(b);
            Assert.Null(await here.NextAsync());
            Assert.Null(await there.NextAsync());
            await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => a.Swarm.DisconnectAsync(b.Id, mode, "done"))).WaitAsync(Patience);
            await a.Swarm.DisconnectAsync(b.Id, mode, "again").WaitAsync(Patience);
            var (mine, theirs) = ((await here.NextAsync())!, (await there.NextAsync())!);
            Assert.Equal((local, "done"), (mine.Reason, mine.Detail));
            Assert.Equal((CloseReason.RemoteClose, remote), (theirs.Reason, theirs.RemoteReason));
            if (remote is not null) Assert.Equal(text, theirs.Detail);
        }
    }

    /// <summary>Null for each link that is ready, and how it ended.</summary>
    internal sealed class Ends : ILinkObserver
    {
        private readonly Channel<CloseInfo?> _ends = Channel.CreateBounded<CloseInfo?>(10_000);

        public Ends(Swarm swarm) => swarm.Observe(this);

        public async Task<CloseInfo?> NextAsync() => await _ends.Reader.ReadAsync().AsTask().WaitAsync(Patience);

        public void OnConnected(IPeerLink link) => _ends.Writer.TryWrite(null);

        public void OnIdentified(IPeerLink link)
        {
        }

        public void OnDisconnected(IPeerLink link, CloseInfo why) => _ends.Writer.TryWrite(why);
    }
}
