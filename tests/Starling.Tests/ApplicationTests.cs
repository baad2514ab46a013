using Starling.Net.Links;

namespace Starling.Tests;

public class ApplicationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task An_application_that_has_finished_refuses_links_in_both_directions_and_both_callers_learn_why()
    {
        var application = new Application();
        await using var a = await StarlingNode.StartAsync(new StarlingOptions(), new NodeEnvironment { Application = application });
        await using var b = await StarlingNode.StartAsync();
        Assert.Equal("set by the application", application.Configured?.DisplayName);
        Assert.Equal((7, "warming up"), (a.Round, a.Application!.Status));

        application.Refusal = "learning has finished";
        var inbound = await Assert.ThrowsAsync<HandshakeException>(() => b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.RefusedByRemote, inbound.Failure);
        Assert.Contains("learning has finished", inbound.Message, StringComparison.Ordinal);
        var outbound = await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.RefusedLocally, outbound.Failure);
        Assert.Contains("learning has finished", outbound.Message, StringComparison.Ordinal);

        application.Refusal = null;
        await b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
        Assert.Equal([b.PeerId], await application.NextAsync());
        Assert.Equal([b.PeerId], a.DirectNeighbours);
        await b.DisconnectAsync(a.PeerId).WaitAsync(Patience);
        Assert.Empty(await application.NextAsync());
    }

    [Fact]
    public async Task A_switch_refuses_new_links_until_it_is_turned_back()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        using (a.RefuseLinks("not today"))
        {
            Assert.Contains("not today", (await Assert.ThrowsAsync<HandshakeException>(() => b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience))).Message, StringComparison.Ordinal);
            Assert.Contains("not today", (await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience))).Message, StringComparison.Ordinal);
        }

        await b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_peer_that_was_disconnected_by_force_learns_it_and_stays_out()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await using var events = b.EventsAsync().GetAsyncEnumerator();
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await NextAsync<NodeEvent.NeighboursChanged>(events);
        await a.DisconnectAsync(b.PeerId, DisconnectMode.Forced, "it cheats").WaitAsync(Patience);
        await a.DisconnectAsync(b.PeerId, DisconnectMode.Forced, "it cheats").WaitAsync(Patience);

        var why = (await NextAsync<NodeEvent.Disconnected>(events)).Why;
        Assert.Equal((CloseReason.RemoteClose, CloseReason.Blocked, "it cheats"), (why.Reason, why.RemoteReason, why.Detail));
        Assert.Empty((await NextAsync<NodeEvent.NeighboursChanged>(events)).Neighbours);
        Assert.Contains("blocklist", (await Assert.ThrowsAsync<HandshakeException>(() => b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience))).Message, StringComparison.Ordinal);
        Assert.Contains("blocklist", (await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transient_link_is_no_neighbour_until_it_is_made_direct()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await using var events = b.EventsAsync().GetAsyncEnumerator();
        await a.ConnectAsync(b.PeerId, b.Addresses, LinkKind.Transient).WaitAsync(Patience);
        await NextAsync<NodeEvent.Connected>(events);
        Assert.Empty(b.DirectNeighbours);
        await a.SetKindAsync(b.PeerId, LinkKind.Direct).WaitAsync(Patience);
        Assert.Equal(LinkKind.Direct, (await NextAsync<NodeEvent.KindChanged>(events)).Kind);
        Assert.Equal([a.PeerId], (await NextAsync<NodeEvent.NeighboursChanged>(events)).Neighbours);
        Assert.Equal([a.PeerId], b.DirectNeighbours);

        // What is published reaches a peer over a transient link as well.
        await a.SetKindAsync(b.PeerId, LinkKind.Transient).WaitAsync(Patience);
        await using var news = await b.SubscribeAsync("news");
        await a.WaitForSubscribersAsync("news").WaitAsync(Patience);
        await a.PublishAsync("news", "over a transient link"u8.ToArray());
        await using var messages = news.GetAsyncEnumerator();
        Assert.True(await messages.MoveNextAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task Peers_that_say_so_are_ready()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        var waiting = a.WaitForReadyAsync(timeout: Patience);
        Assert.Empty(a.ReadyPeers);
        await b.MarkReadyAsync().WaitAsync(Patience);
        await waiting;
        Assert.Equal([b.PeerId], a.ReadyPeers);
    }

    [Fact]
    public async Task Links_are_found_by_name_and_by_address()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync(new StarlingOptions { DisplayName = "bob", Listen = ["/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0"] });
        var (four, six) = (b.Addresses[0].Port, b.Addresses[1].Port);
        await using var c = await StarlingNode.StartAsync(new StarlingOptions { DisplayName = "bob" });
        var link = await a.ConnectAsync($"localhost:{four}").WaitAsync(Patience);
        Assert.Same(link, Assert.Single(a.FindByName("bob")));
        foreach (var address in new[] { $"localhost:{four}", $"127.0.0.1:{four}", $"[::1]:{six}", $"/ip4/127.0.0.1/tcp/{four}", $"/dns4/localhost/tcp/{four}", b.Addresses[0].ToString(), $"/p2p/{b.PeerId}" })
        {
            Assert.Same(link, await a.FindByAddressAsync(address).WaitAsync(Patience));
        }

        Assert.True(a.IsConnectedTo(b.PeerId));
        Assert.True(await a.IsConnectedToAsync($"localhost:{four}").WaitAsync(Patience));
        Assert.False(await a.IsConnectedToAsync($"127.0.0.1:{c.Addresses[0].Port}").WaitAsync(Patience));
        Assert.False(await a.IsConnectedToAsync($"/ip4/127.0.0.1/tcp/{four}/p2p/{c.PeerId}").WaitAsync(Patience));
        await Assert.ThrowsAsync<FormatException>(() => a.IsConnectedToAsync("no port"));

        await a.ConnectAsync($"[::1]:{six}").WaitAsync(Patience);
        Assert.Single(a.Links);
        await a.ConnectAsync(c.Addresses[0]).WaitAsync(Patience);
        Assert.Equal(2, a.FindByName("bob").Count);
    }

    private static async Task<T> NextAsync<T>(IAsyncEnumerator<NodeEvent> events)
        where T : NodeEvent
    {
        while (await events.MoveNextAsync().AsTask().WaitAsync(Patience))
        {
            if (events.Current is T wanted) return wanted;
        }

        throw new InvalidOperationException("The events ended.");
    }

    private sealed class Application : INodeApplication
    {
        private readonly System.Threading.Channels.Channel<IReadOnlyCollection<PeerId>> _neighbours = System.Threading.Channels.Channel.CreateBounded<IReadOnlyCollection<PeerId>>(100);

        public volatile string? Refusal;

        public StarlingOptions? Configured { get; private set; }

        public long Round => 7;

        public string Status => "warming up";

        public async Task<IReadOnlyCollection<PeerId>> NextAsync() => await _neighbours.Reader.ReadAsync().AsTask().WaitAsync(Patience);

        public void Configure(StarlingOptions options)
        {
            options.DisplayName = "set by the application";
            Configured = options;
        }

        public string? RefuseLink(PeerId? peer, Direction direction) => Refusal;

        public void OnNeighboursChanged(IReadOnlyCollection<PeerId> neighbours) => _neighbours.Writer.TryWrite(neighbours);
    }
}
