using System.Threading.Channels;
using Starling.Net.Discovery;

namespace Starling.Net.Tests.Discovery;

/// <summary>An observer that tests can wait on.</summary>
internal sealed class FoundPeers : IDiscoveryObserver
{
    private readonly Channel<(bool Found, DiscoveredPeer Peer)> _events = Channel.CreateBounded<(bool, DiscoveredPeer)>(10_000);

    public void OnFound(DiscoveredPeer peer) => Assert.True(_events.Writer.TryWrite((true, peer)));

    public void OnLost(DiscoveredPeer peer) => Assert.True(_events.Writer.TryWrite((false, peer)));

    /// <summary>Waits until every one of these peers was reported found.</summary>
    public async Task<IReadOnlyDictionary<PeerId, DiscoveredPeer>> FoundAsync(params PeerId[] expected)
    {
        var found = new Dictionary<PeerId, DiscoveredPeer>();
        while (!expected.All(found.ContainsKey))
        {
            var (isFound, peer) = await _events.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
            if (isFound && peer.Peer is { } id) found[id] = peer;
        }

        return found;
    }

    /// <summary>Waits until this peer is reported lost.</summary>
    public async Task LostAsync(PeerId expected)
    {
        while (true)
        {
            var (isFound, peer) = await _events.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
            if (!isFound && expected.Equals(peer.Peer)) return;
        }
    }

    /// <summary>Every peer reported found and not yet waited for.</summary>
    public IReadOnlyList<PeerId?> Pending()
    {
        var peers = new List<PeerId?>();
        while (_events.Reader.TryRead(out var one))
        {
            if (one.Found) peers.Add(one.Peer.Peer);
        }

        return peers;
    }
}
