using Starling.Protocols.Links;

namespace Starling.Tests;

/// <summary>The peer book of whole nodes, over real sockets and a real file.</summary>
public sealed class PeersTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("starling-peers-");

    private string Book => Path.Combine(_folder.FullName, "below", "peers.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_restarted_node_knows_its_static_peers_and_direct_neighbours()
    {
        await using var b = await StarlingNode.StartAsync();
        await using var c = await StarlingNode.StartAsync();
        using var stranger = NodeIdentity.Generate();
        await using (var a = await StarlingNode.StartAsync(WithBook()))
        {
            await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
            await a.ConnectAsync(c.Addresses[0]).WaitAsync(Patience);
            await a.DisconnectAsync(c.PeerId).WaitAsync(Patience);
            await a.AddPeerAsync($"[2001:db8::1]:4001/p2p/{stranger.PeerId}", isStatic: true);
            Assert.Equal(b.PeerId, Assert.Single(a.Peers.DirectNeighbours).Peer);
        }

        await using var again = await StarlingNode.StartAsync(WithBook());
        var known = Assert.Single(again.Peers.DirectNeighbours);
        Assert.Equal((b.PeerId, false, b.Addresses[0].WithoutPeerId()), (known.Peer, known.IsLinked, known.Addresses[0].Address));
        Assert.NotNull(known.Addresses[0].Succeeded);
        Assert.NotEqual(0UL, known.RecordSequence);
        Assert.False(Assert.IsType<PeerEntry>(again.Peers.Find(c.PeerId)).IsNeighbour);
        var kept = Assert.IsType<PeerEntry>(again.Peers.Find(stranger.PeerId));
        Assert.Equal((true, "/ip6/2001:db8::1/tcp/4001", AddressSource.User), (kept.IsStatic, kept.Addresses[0].Address.ToString(), kept.Addresses[0].Source));
    }

    private StarlingOptions WithBook() => new() { Peers = { File = Book } };
}
