using System.Net;
using System.Net.Sockets;

namespace Starling.Tests;

/// <summary>Nodes that know no address of each other and find one another by multicast on loopback, on a UDP port of each test's own.</summary>
public class FindingEachOtherTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly int _port = FreeUdpPort();

    [Fact]
    public async Task Five_nodes_without_addresses_find_and_link_each_other()
    {
        var nodes = new List<StarlingNode>();
        try
        {
            for (var i = 0; i < 5; i++) nodes.Add(await StartAsync());
            foreach (var node in nodes) await LinkedAsync(node, [.. nodes.Where(one => one != node).Select(one => one.PeerId)]);

            // Both ends of a pair find each other, and yet there is one link for each pair.
            Assert.All(nodes, node => Assert.Equal(4, node.Links.Count));
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_node_that_comes_back_on_another_port_is_linked_again()
    {
        using var identity = NodeIdentity.Generate();
        await using var stays = await StartAsync();
        var goes = await StartAsync(identity);
        await LinkedAsync(stays, goes.PeerId);
        var before = goes.Addresses[0];
        await goes.StopAsync();

        await using var back = await StartAsync(identity);
        await LinkedAsync(back, stays.PeerId);
        Assert.NotEqual(before, back.Addresses[0]);
    }

    private static async Task LinkedAsync(StarlingNode node, params PeerId[] peers)
    {
        var missing = peers.ToHashSet();
        await using var events = node.EventsAsync().GetAsyncEnumerator();
        missing.ExceptWith(node.Links.Select(one => one.Peer));
        while (missing.Count > 0)
        {
            Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience), "The node stopped before it was linked.");
            if (events.Current is NodeEvent.Connected connected) missing.Remove(connected.Link.Peer);
        }
    }

    private Task<StarlingNode> StartAsync(NodeIdentity? identity = null) =>
        StarlingNode.StartAsync(new StarlingOptions { Mdns = true, Discovery = { Mdns = { Port = _port } } }, new NodeEnvironment { Identity = identity });

    private static int FreeUdpPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
