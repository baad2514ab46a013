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
        var place = b.Addresses[0].WithoutPeerId();
        using var stranger = NodeIdentity.Generate();
        await using (var a = await StarlingNode.StartAsync(WithBook()))
        {
            await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
            await a.ConnectAsync(c.Addresses[0]).WaitAsync(Patience);
            await a.DisconnectAsync(c.PeerId).WaitAsync(Patience);
            await a.AddPeerAsync($"[::1]:1/p2p/{stranger.PeerId}", isStatic: true);
            Assert.Equal(b.PeerId, Assert.Single(a.Peers.DirectNeighbours).Peer);
        }

        // Nobody is there to link to: what is known comes from the file alone.
        await b.StopAsync().WaitAsync(Patience);
        await c.StopAsync().WaitAsync(Patience);
        await using var again = await StarlingNode.StartAsync(WithBook());
        var known = Assert.Single(again.Peers.DirectNeighbours);
        Assert.Equal((b.PeerId, false, place), (known.Peer, known.IsLinked, known.Addresses[0].Address));
        Assert.NotNull(known.Addresses[0].Succeeded);
        Assert.NotEqual(0UL, known.RecordSequence);
        Assert.False(Assert.IsType<PeerEntry>(again.Peers.Find(c.PeerId)).IsNeighbour);
        var kept = Assert.IsType<PeerEntry>(again.Peers.Find(stranger.PeerId));
        Assert.Equal((true, "/ip6/::1/tcp/1", AddressSource.User), (kept.IsStatic, kept.Addresses[0].Address.ToString(), kept.Addresses[0].Source));
    }

    [Fact]
    public async Task Who_answered_first_at_an_address_is_held_to_it_after_a_restart()
    {
        var first = await StarlingNode.StartAsync();
        var place = first.Addresses[0].WithoutPeerId();
        await using (var a = await StarlingNode.StartAsync(WithBook()))
        {
            Assert.Equal(first.PeerId, (await a.ConnectAsync(place).WaitAsync(Patience)).Peer);
        }

        await first.StopAsync().WaitAsync(Patience);
        await using var other = await StarlingNode.StartAsync(new StarlingOptions { Listen = [place.ToString()] });
        await using var again = await StarlingNode.StartAsync(WithBook());
        Assert.True(again.Peers.Find(first.PeerId)!.Addresses[0].IsPinned);
        var refused = await Assert.ThrowsAsync<HandshakeException>(() => again.ConnectAsync(place).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.PeerIdMismatch, refused.Failure);
        Assert.Equal(other.PeerId, (await again.ConnectAsync(other.Addresses[0]).WaitAsync(Patience)).Peer);
    }

    [Fact]
    public async Task A_peer_can_be_pinged_before_it_is_noted()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        var bare = b.Addresses[0].WithoutPeerId();
        Assert.Contains("names no peer", (await Assert.ThrowsAsync<StarlingException>(() => a.AddPeerAsync(bare))).Message, StringComparison.Ordinal);
        var entry = await a.AddPeerAsync(bare, isStatic: true, ping: true).WaitAsync(Patience);
        Assert.Equal((b.PeerId, true, bare), (entry.Peer, entry.IsStatic, entry.Addresses[0].Address));

        await b.StopAsync().WaitAsync(Patience);
        using var absent = NodeIdentity.Generate();
        await Assert.ThrowsAsync<HandshakeException>(() => a.AddPeerAsync(bare.WithPeerId(absent.PeerId), ping: true).WaitAsync(Patience));
        Assert.Null(a.Peers.Find(absent.PeerId));
        Assert.Contains("this node itself", (await Assert.ThrowsAsync<StarlingException>(() => a.AddPeerAsync(a.Addresses[0]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_removed_peer_is_gone_after_a_restart_too()
    {
        using var one = NodeIdentity.Generate();
        using var other = NodeIdentity.Generate();
        await using (var a = await StarlingNode.StartAsync(WithBook()))
        {
            await a.AddPeerAsync(one.PeerId, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1"), Multiaddr.Parse("/ip6/::1/tcp/1")], isStatic: true);
            await a.AddPeerAsync(other.PeerId, [Multiaddr.Parse("/dns/localhost/tcp/1")]);
            Assert.Equal(2, a.Peers.Peers.Count);
        }

        await using (var a = await StarlingNode.StartAsync(WithBook()))
        {
            Assert.Equal(2, a.Peers.Find(one.PeerId)?.Addresses.Count);
            Assert.True(a.Peers.Remove(one.PeerId));
            Assert.False(a.Peers.Remove(one.PeerId));
        }

        await using var again = await StarlingNode.StartAsync(WithBook());
        Assert.Equal(other.PeerId, Assert.Single(again.Peers.Peers).Peer);
    }

    [Fact]
    public async Task A_book_that_cannot_be_kept_ends_the_start_with_the_reason()
    {
        var wrong = await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(new StarlingOptions { Peers = { File = _folder.FullName } }));
        Assert.Contains(_folder.FullName, wrong.Message, StringComparison.Ordinal);
        wrong = await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(new StarlingOptions { Peers = { MaxPeers = 0 } }));
        Assert.Contains("Peers:MaxPeers", wrong.Message, StringComparison.Ordinal);
    }

    private StarlingOptions WithBook() => new() { Peers = { File = Book } };
}
