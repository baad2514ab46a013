using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>Gossip topics of both families over real sockets.</summary>
public sealed class TopicWireTests
{
    private static readonly WireTopic Plain = new(TopicFamily.LibP2P, "songs");
    private static readonly WireTopic Closed = new(TopicFamily.Starling, "songs");

    [Fact]
    public async Task Both_ends_of_a_link_come_to_be_in_each_others_mesh_and_the_status_shows_it()
    {
        var nodes = await WireNode.StartAsync(2, (0, 1));
        var sinks = Follow(nodes, Plain);

        await Task.WhenAll(nodes.Select(node => node.MeshReached.ReachAsync(1)));
        await nodes[0].Wire.WaitForFollowersAsync(Plain, 1, CancellationToken.None).Soon();
        Assert.Equal(PublishStatus.Sent, nodes[0].Say(Plain, "hello").Status);
        await sinks[1].Received.ReachAsync(1);

        var sent = Assert.Single(nodes[0].Wire.Routers[0].Status());
        var received = Assert.Single(nodes[1].Wire.Routers[0].Status());
        Assert.Equal(nodes[1].Id, Assert.Single(sent.Mesh).Peer);
        Assert.Equal(nodes[0].Id, Assert.Single(received.Mesh).Peer);
        Assert.Equal((1, 0), (sent.Sent, sent.Received));
        Assert.Equal((0, 1), (received.Sent, received.Received));
        await EndAsync(nodes);
    }

    [Fact]
    public async Task Twenty_thousand_messages_both_ways_around_a_triangle_arrive_once()
    {
        var nodes = await WireNode.StartAsync(3, (0, 1), (1, 2), (2, 0));
        var members = nodes.Select(node => node.Id).ToHashSet();
        foreach (var node in nodes) node.Wire.Admit(Closed, members);
        var sinks = Follow(nodes, Closed);
        foreach (var node in nodes) await node.Wire.WaitForFollowersAsync(Closed, 2, CancellationToken.None).Soon();

        await Task.WhenAll(PublishAsync(nodes[0], Closed, 10_000), PublishAsync(nodes[1], Closed, 10_000));
        await Task.WhenAll(sinks[2].Received.ReachAsync(20_000), sinks[0].Received.ReachAsync(10_000), sinks[1].Received.ReachAsync(10_000));

        foreach (var sink in sinks) Assert.All(sink.Counts, count => Assert.Equal(1, count.Value));
        Assert.Equal([10_000, 10_000, 20_000], sinks.Select(sink => sink.Counts.Count));
        Assert.All(nodes, node => Assert.Equal(0, node.Setting.Metrics.DroppedFor(DropReason.SlowPeer)));
        await EndAsync(nodes);
    }

    [Theory]
    [InlineData("line")]
    [InlineData("ring")]
    [InlineData("random")]
    public async Task Signed_messages_reach_every_node_of_any_shape_once(string shape)
    {
        var size = shape == "random" ? 20 : 6;
        var links = Enumerable.Range(0, size - 1).Select(i => (i, i + 1)).ToList();
        if (shape != "line") links.Add((size - 1, 0));
        if (shape == "random") links.AddRange(Enumerable.Range(0, size).Select(i => (i, (i + 7) % size)));
        var nodes = await WireNode.StartAsync(size, [.. links]);
        var sinks = Follow(nodes, Plain);
        foreach (var node in nodes)
        {
            var neighbours = links.Count(link => nodes[link.Item1] == node || nodes[link.Item2] == node);
            await node.Wire.WaitForFollowersAsync(Plain, neighbours, CancellationToken.None).Soon();
            await node.MeshReached.ReachAsync(1);
        }

        await Task.WhenAll(PublishAsync(nodes[0], Plain, 50), PublishAsync(nodes[size / 2], Plain, 50));
        for (var i = 0; i < size; i++) await sinks[i].Received.ReachAsync(i == 0 || i == size / 2 ? 50 : 100);

        Assert.All(sinks, sink => Assert.All(sink.Counts, count => Assert.Equal(1, count.Value)));
        await EndAsync(nodes);
    }

    [Fact]
    public async Task A_peer_that_is_no_member_is_told_nothing_and_gets_nothing()
    {
        var nodes = await WireNode.StartAsync(3, (0, 1), (0, 2));
        foreach (var node in nodes) node.Wire.Admit(Closed, nodes.Take(2).Select(one => one.Id).ToHashSet());
        var sinks = Follow(nodes, Closed);
        await nodes[0].Wire.WaitForFollowersAsync(Closed, 1, CancellationToken.None).Soon();

        Assert.Equal(1, nodes[0].Say(Closed, "for members").Recipients);
        await sinks[1].Received.ReachAsync(1);

        Assert.Equal([nodes[1].Id], nodes[0].Wire.Followers(Closed));
        Assert.Empty(nodes[2].Wire.Followers(Closed));
        Assert.Empty(sinks[2].Texts);
        await EndAsync(nodes);
    }

    [Fact]
    public async Task A_floodsub_peer_and_a_mesh_peer_hear_each_other()
    {
        await using var mesh = await WireNode.StartAsync();
        await using var flood = await WireNode.StartAsync(new PubSubServiceOptions { Protocols = [PubSubProtocol.FloodSub] });
        await mesh.Node.ConnectAsync(flood.Node);
        WireNode[] nodes = [mesh, flood];
        var sinks = Follow(nodes, Plain);
        foreach (var node in nodes) await node.Wire.WaitForFollowersAsync(Plain, 1, CancellationToken.None).Soon();

        mesh.Say(Plain, "to the flood");
        flood.Say(Plain, "to the mesh");
        await Task.WhenAll(sinks[0].Received.ReachAsync(1), sinks[1].Received.ReachAsync(1));

        Assert.Equal(["to the mesh"], sinks[0].Texts);
        Assert.Equal(["to the flood"], sinks[1].Texts);
    }

    [Fact]
    public async Task A_pattern_hears_topics_that_it_matches_and_no_others()
    {
        var nodes = await WireNode.StartAsync(2, (0, 1));
        var sink = new CountingSink();
        using var following = nodes[1].Wire.Follow(new WireTopic(TopicFamily.LibP2P, "prices.*"), sink);
        var matched = new WireTopic(TopicFamily.LibP2P, "prices.gold");
        await nodes[0].Wire.WaitForFollowersAsync(matched, 1, CancellationToken.None).Soon();

        Assert.Equal(PublishStatus.NoPeers, nodes[0].Say(new WireTopic(TopicFamily.LibP2P, "weather.gold"), "rain").Status);
        Assert.Equal(PublishStatus.Sent, nodes[0].Say(matched, "2000").Status);
        await sink.Received.ReachAsync(1);

        Assert.Equal(["2000"], sink.Texts);
        await EndAsync(nodes);
    }

    [Fact]
    public async Task A_release_is_told_once_whatever_becomes_of_the_message()
    {
        var nodes = await WireNode.StartAsync(2, (0, 1));
        var sinks = Follow(nodes, Plain);
        await nodes[0].Wire.WaitForFollowersAsync(Plain, 1, CancellationToken.None).Soon();
        CountingRelease nobody = new(), tooLarge = new(), sent = new();

        nodes[0].Say(new WireTopic(TopicFamily.LibP2P, "unheard"), "x", nobody);
        nodes[0].Wire.Publish(Plain, new byte[2 << 20], waited: true, tooLarge);
        for (var i = 0; i < 500; i++) nodes[0].Say(Plain, $"{i}", sent);
        nodes[1].Node.Transport.Kill();
        for (var i = 0; i < 500; i++) nodes[0].Say(Plain, $"{i}", sent);
        await EndAsync(nodes);
        nodes[0].Say(Plain, "after the end", sent);

        Assert.Equal((1, 1, 1001), (nobody.Times, tooLarge.Times, sent.Times));
        Assert.All(sinks[1].Counts, count => Assert.Equal(1, count.Value));
    }

    [Fact]
    public async Task What_is_queued_when_a_node_stops_is_still_written()
    {
        var nodes = await WireNode.StartAsync(2, (0, 1));
        var sinks = Follow(nodes, Plain);
        await nodes[0].Wire.WaitForFollowersAsync(Plain, 1, CancellationToken.None).Soon();

        for (var i = 0; i < 200; i++) nodes[0].Say(Plain, $"{i}");
        await nodes[0].DisposeAsync();
        await sinks[1].Received.ReachAsync(200);

        await nodes[1].DisposeAsync();
    }

    private static CountingSink[] Follow(WireNode[] nodes, WireTopic topic) => [.. nodes.Select(node =>
    {
        var sink = new CountingSink();
        node.Wire.Follow(topic, sink);
        return sink;
    })];

    private static Task PublishAsync(WireNode node, WireTopic topic, int count) => Task.Run(async () =>
    {
        for (var i = 0; i < count; i++)
        {
            while (node.Wire.RoomAsync(topic, 16) is { } room) await room.Soon();
            Assert.Equal(PublishStatus.Sent, node.Say(topic, $"{i}").Status);
        }
    });

    private static async Task EndAsync(WireNode[] nodes)
    {
        foreach (var node in nodes) await node.DisposeAsync();
    }
}
