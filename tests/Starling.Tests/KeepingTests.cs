using Starling.Net.Links;

namespace Starling.Tests;

/// <summary>Which links nodes keep, over real sockets.</summary>
public class KeepingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_peer_that_is_kept_is_linked_as_soon_as_it_is_there()
    {
        using var identity = NodeIdentity.Generate();
        var early = await StarlingNode.StartAsync(new StarlingOptions(), new NodeEnvironment { Identity = identity });
        var address = early.Addresses[0];
        await early.StopAsync();

        var options = new StarlingOptions();
        options.Links.Initial.Add(address.ToString());
        (options.Links.FirstPause, options.Links.LongestPause) = (TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(200));
        await using var node = await StarlingNode.StartAsync(options);
        var error = await Assert.ThrowsAsync<TimeoutException>(() => node.WaitForNeighboursAsync(NeighbourGoal.Kept, TimeSpan.FromMilliseconds(300)));
        Assert.Equal("After 0.3 s links to be kept that are not there: 1.", error.Message);

        var waiting = node.WaitForNeighboursAsync(NeighbourGoal.Kept, Patience);
        await using var late = await StarlingNode.StartAsync(new StarlingOptions { Listen = [address.WithoutPeerId().ToString()] }, new NodeEnvironment { Identity = identity });
        await waiting;
        await node.WaitForNeighboursAsync(NeighbourGoal.All(identity.PeerId), Patience);
        Assert.Equal(("user", true), (node.LinkManager.Find(late.PeerId)!.Why, node.LinkManager.Find(late.PeerId)!.IsKept));
    }

    [Fact]
    public async Task A_link_that_breaks_is_made_again_and_one_that_is_closed_stays_closed()
    {
        var transport = new CuttableTransport();
        var environment = new NodeEnvironment { Transports = [transport] };
        await using var a = await StarlingNode.StartAsync(new StarlingOptions(), environment);
        await using var b = await StarlingNode.StartAsync(new StarlingOptions(), environment);
        await using var events = await EventsAsync(a);
        await using var others = await EventsAsync(b);
        var before = await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await NextAsync<NodeEvent.Connected>(events);
        foreach (var one in transport.Connections()) await one.Cut().WaitAsync(Patience);
        Assert.Equal(b.PeerId, (await NextAsync<NodeEvent.Reconnecting>(events)).Peer);
        var after = (await NextAsync<NodeEvent.Connected>(events)).Link;
        Assert.NotSame(before, after);

        await a.DisconnectAsync(b.PeerId).WaitAsync(Patience);
        Assert.Equal(CloseReason.LocalClose, (await NextAsync<NodeEvent.Disconnected>(events)).Why.Reason);
        Assert.Equal((b.PeerId, CloseReason.LocalClose, Instant.Never), (a.RecentlyDisconnected.Single().Peer, a.RecentlyDisconnected.Single().Reason, a.RecentlyDisconnected.Single().Until));

        // The other side was told to part, and does not dial back either.
        while ((await NextAsync<NodeEvent.Disconnected>(others)).Why.RemoteReason != CloseReason.LocalClose) continue;
        Assert.Equal(CloseReason.LocalClose, b.RecentlyDisconnected.Single().Reason);
        Assert.False(a.Release(b.PeerId));
    }

    [Fact]
    public async Task A_peer_that_does_not_come_back_is_given_up_and_recently_disconnected()
    {
        var options = new StarlingOptions();
        (options.Links.ReconnectAttempts, options.Links.FirstPause) = (2, TimeSpan.FromMilliseconds(50));
        await using var a = await StarlingNode.StartAsync(options);
        await using var events = await EventsAsync(a);
        PeerId gone;
        await using (var b = await StarlingNode.StartAsync())
        {
            gone = b.PeerId;
            await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        }

        var told = await NextAsync<NodeEvent.GaveUp>(events);
        Assert.Equal((gone, 2), (told.Peer, told.Attempts));
        var recent = Assert.Single(a.RecentlyDisconnected);
        Assert.Equal((gone, true), (recent.Peer, recent.GaveUp));
    }

    [Fact]
    public async Task Beyond_the_high_water_mark_unprotected_links_are_pruned_and_both_sides_learn_why()
    {
        var options = new StarlingOptions();
        (options.Links.LowWater, options.Links.HighWater, options.Links.GracePeriod, options.Links.Neighbours) = (2, 4, TimeSpan.Zero, 0);
        await using var hub = await StarlingNode.StartAsync(options);
        await using var events = await EventsAsync(hub);
        var nodes = new List<StarlingNode>();
        var theirs = new List<IAsyncEnumerator<NodeEvent>>();
        try
        {
            for (var i = 0; i < 5; i++)
            {
                nodes.Add(await StarlingNode.StartAsync());
                theirs.Add(await EventsAsync(nodes[i]));
                if (i == 0) hub.Protect(nodes[0].PeerId, "test");
                if (i == 1) hub.Tag(nodes[1].PeerId, "useful", 10);
                await nodes[i].ConnectAsync(hub.Addresses[0]).WaitAsync(Patience);
            }

            var pruned = new List<PeerId>();
            while (pruned.Count < 3) pruned.Add((await NextAsync<NodeEvent.Pruned>(events)).Peer);
            Assert.Equal(nodes.Skip(2).Select(node => node.PeerId).ToHashSet(), pruned.ToHashSet());
            foreach (var its in theirs.Skip(2)) Assert.Equal(CloseReason.Pruned, (await NextAsync<NodeEvent.Disconnected>(its)).Why.RemoteReason);

            Assert.Equal([nodes[0].PeerId, nodes[1].PeerId], hub.Links.Select(link => link.Peer).Intersect(nodes.Take(2).Select(node => node.PeerId)).OrderBy(peer => nodes.FindIndex(node => node.PeerId.Equals(peer))));
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
            foreach (var its in theirs) await its.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_transient_link_that_carries_nothing_is_closed_and_both_sides_learn_why()
    {
        var options = new StarlingOptions();
        options.Links.UnusedAfter = TimeSpan.FromMilliseconds(300);
        await using var a = await StarlingNode.StartAsync(options);
        await using var b = await StarlingNode.StartAsync();
        await using var events = await EventsAsync(a);
        await using var others = await EventsAsync(b);
        await a.ConnectAsync(b.PeerId, b.Addresses, LinkKind.Transient).WaitAsync(Patience);
        Assert.Equal(CloseReason.Unused, (await NextAsync<NodeEvent.Pruned>(events)).Why.Reason);
        Assert.Equal(CloseReason.Unused, (await NextAsync<NodeEvent.Disconnected>(events)).Why.Reason);
        Assert.Equal(CloseReason.Unused, (await NextAsync<NodeEvent.Disconnected>(others)).Why.RemoteReason);
    }

    [Fact]
    public async Task A_transient_link_that_the_user_keeps_becomes_direct()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await a.ConnectAsync(b.PeerId, b.Addresses, LinkKind.Transient).WaitAsync(Patience);
        a.Keep(b.PeerId, options: new LinkKeepOptions { Priority = LinkPriority.High });
        await a.WaitForNeighboursAsync(NeighbourGoal.AtLeast(1), Patience);
        Assert.Equal((LinkKind.Direct, LinkPriority.High), (a.Links.Single().Kind, a.Links.Single().Priority));
    }

    /// <summary>The events of a node from now on.</summary>
    private static async Task<IAsyncEnumerator<NodeEvent>> EventsAsync(StarlingNode node)
    {
        var events = node.EventsAsync().GetAsyncEnumerator();
        await NextAsync<NodeEvent.Listening>(events);
        return events;
    }

    private static async Task<T> NextAsync<T>(IAsyncEnumerator<NodeEvent> events)
        where T : NodeEvent
    {
        while (true)
        {
            Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience), $"The node stopped before {typeof(T).Name}.");
            if (events.Current is T wanted) return wanted;
        }
    }
}
