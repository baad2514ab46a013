using System.Text.Json.Nodes;
using Starling.Interop.Tests.Support;
using Starling.Net.Links;

namespace Starling.Interop.Tests;

/// <summary>A stock js-libp2p peer is pruned, protected and reconnected like any peer, although it speaks no link control.</summary>
public sealed class JsKeptLinkTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Js_peers_are_pruned_and_protected_by_the_same_measure_as_others()
    {
        await using var lonely = await JsPeer.StartAsync();
        await using var guarded = await JsPeer.StartAsync("noise");
        var options = new StarlingOptions();
        (options.Links.LowWater, options.Links.HighWater, options.Links.GracePeriod, options.Links.Neighbours) = (3, 4, TimeSpan.Zero, 0);
        await using var hub = await StarlingNode.StartAsync(options, Token).Soon();
        await using var events = hub.EventsAsync(Token).GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync().AsTask().Soon());
        var others = new List<Other>();
        try
        {
            hub.Protect(guarded.Id, "test");
            await LinkAsync(hub, lonely, worth: 1);
            await LinkAsync(hub, guarded, worth: 0);
            foreach (var worth in new[] { 2, 5, 6 }) others.Add(await LinkAsync(hub, worth));

            // The fifth link is one too many: of those that nobody protects the two that are worth least go.
            Assert.Equal(Ids(lonely.Id, others[0].Node.PeerId), await PrunedAsync(events));
            await SeenByAsync(lonely, hub);
            Assert.Equal(CloseReason.Pruned, (await others[0].Gone.Soon()).Why.RemoteReason);
            Assert.Equal(Ids(guarded.Id, others[1].Node.PeerId, others[2].Node.PeerId), Ids(hub.Links.Select(link => link.Peer)));
            await hub.PingAsync(guarded.Id, Token).Soon();

            // Without its protection it is weighed like the others.
            Assert.False(hub.Unprotect(guarded.Id, "test"));
            foreach (var worth in new[] { 3, 7 }) others.Add(await LinkAsync(hub, worth));
            Assert.Equal(Ids(guarded.Id, others[3].Node.PeerId), await PrunedAsync(events));
            await SeenByAsync(guarded, hub);
            Assert.Equal(Ids(others[1].Node.PeerId, others[2].Node.PeerId, others[4].Node.PeerId), Ids(hub.Links.Select(link => link.Peer)));
        }
        finally
        {
            foreach (var other in others) await other.Node.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_kept_js_peer_is_linked_again_by_itself_when_it_comes_back(bool killed)
    {
        await using var before = await JsPeer.StartAsync();
        var options = new StarlingOptions();
        (options.Links.FirstPause, options.Links.LongestPause) = (TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(300));
        await using var node = await StarlingNode.StartAsync(options, Token).Soon();
        node.Keep(Multiaddr.Parse(before.FullAddress));
        var first = await node.LinkedAsync(before.Id).Soon();

        // Nothing tells it but the end of the link. js-libp2p gives no reason when it stops either: its links end, or are reset.
        var trying = NextAsync<NodeEvent.Reconnecting>(node, lost => lost.Peer.Equals(before.Id));
        if (killed) await before.KillAsync();
        else await before.StopAsync();
        var why = await first.Connection.Closed.Soon();
        Assert.Contains(why.Reason, new[] { CloseReason.EndOfStream, CloseReason.TransportError, CloseReason.RemoteClose });
        Assert.Equal(1, (await trying.Soon()).Attempt);

        await using var after = await before.StartAgainAsync();
        Assert.Equal((before.Id, before.FullAddress), (after.Id, after.FullAddress));
        await node.WaitForNeighboursAsync(NeighbourGoal.All(after.Id), Peers.Patience, Token);
        Assert.NotSame(first, Assert.Single(node.Links));
        Assert.Equal(("user", true), (node.LinkManager.Find(after.Id)!.Why, node.LinkManager.Find(after.Id)!.IsKept));
        await node.PingAsync(after.Id, Token).Soon();
        await after.AskAsync("settle", new JsonObject { ["peer"] = node.PeerId.ToString() });
    }

    /// <summary>Has a js peer dial the hub, to which it is worth that much.</summary>
    private static async Task LinkAsync(StarlingNode hub, JsPeer js, int worth)
    {
        hub.Tag(js.Id, "worth", worth);
        await js.AskAsync("dial", new JsonObject { ["address"] = hub.Addresses[0].ToString() });
        await hub.WaitForNeighboursAsync(NeighbourGoal.All(js.Id), Peers.Patience, Token);
    }

    /// <summary>Has a new Starling node dial the hub, to which it is worth that much.</summary>
    private static async Task<Other> LinkAsync(StarlingNode hub, int worth)
    {
        var node = await Peers.StartAsync();
        var other = new Other(node, NextAsync<NodeEvent.Disconnected>(node, gone => gone.Link.Peer.Equals(hub.PeerId)));
        hub.Tag(node.PeerId, "worth", worth);
        await node.ConnectAsync(hub.Addresses[0], Token).Soon();
        await hub.WaitForNeighboursAsync(NeighbourGoal.All(node.PeerId), Peers.Patience, Token);
        return other;
    }

    /// <summary>The peers of the next two links that end, both of them because they were pruned.</summary>
    private static async Task<HashSet<PeerId>> PrunedAsync(IAsyncEnumerator<NodeEvent> events)
    {
        var (told, gone) = (new HashSet<PeerId>(), new HashSet<PeerId>());
        while (gone.Count < 2)
        {
            Assert.True(await events.MoveNextAsync().AsTask().Soon(), "The node stopped.");
            if (events.Current is NodeEvent.Pruned pruned) told.Add(pruned.Peer);
            if (events.Current is not NodeEvent.Disconnected end) continue;
            Assert.Equal(CloseReason.Pruned, end.Why.Reason);
            gone.Add(end.Link.Peer);
        }

        Assert.Equal(told, gone);
        return gone;
    }

    /// <summary>The peer has seen that its link to the hub ended.</summary>
    private static Task SeenByAsync(JsPeer js, StarlingNode hub) =>
        js.EventAsync("disconnected", gone => gone.GetProperty("peer").GetString() == hub.PeerId.ToString());

    private static async Task<T> NextAsync<T>(StarlingNode node, Predicate<T> wanted)
        where T : NodeEvent
    {
        await foreach (var happened in node.EventsAsync(Token))
        {
            if (happened is T one && wanted(one)) return one;
        }

        throw new InvalidOperationException($"The node stopped before {typeof(T).Name}.");
    }

    private static HashSet<PeerId> Ids(params IEnumerable<PeerId> peers) => [.. peers];

    private sealed record Other(StarlingNode Node, Task<NodeEvent.Disconnected> Gone);
}
