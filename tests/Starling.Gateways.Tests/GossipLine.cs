using Starling.Gateways.Gossip;
using Starling.Net.Links;

namespace Starling.Gateways.Tests;

/// <summary>Real nodes in a line, each with a gossip API, linked with their neighbours only.</summary>
internal sealed class GossipLine : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly List<StarlingNode> _nodes = [];
    private readonly List<GossipApi> _apis = [];

    public IReadOnlyList<StarlingNode> Nodes => _nodes;

    public GossipApi this[int place] => _apis[place];

    public static async Task<GossipLine> StartAsync(int length, Action<GossipApiOptions>? change = null)
    {
        var line = new GossipLine();
        for (var i = 0; i < length; i++) await line.AddAsync(change);
        for (var i = 1; i < length; i++) await line.LinkAsync(i - 1, i);
        return line;
    }

    public async Task AddAsync(Action<GossipApiOptions>? change = null)
    {
        var options = new GossipApiOptions { Listen = new(System.Net.IPAddress.Loopback, 0), PeerUpdates = false };
        change?.Invoke(options);
        var node = await StarlingNode.StartAsync(new StarlingOptions { PeerExchange = { Enabled = false } });
        _nodes.Add(node);
        _apis.Add(await GossipApi.StartAsync(node, options));
    }

    /// <summary>Links two nodes; both know each other as neighbours when this returns.</summary>
    public async Task LinkAsync(int one, int other)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watching = _nodes[one].Observe(new Watcher(_nodes[other].PeerId, seen));
        await _nodes[other].ConnectAsync(_nodes[one].Addresses[0]).WaitAsync(Patience);
        await seen.Task.WaitAsync(Patience);
    }

    /// <summary>Ends a node with its API, as if it had been killed.</summary>
    public async Task KillAsync(int place)
    {
        await _nodes[place].StopAsync(TimeSpan.Zero);
        await _apis[place].DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var api in _apis) await api.DisposeAsync();
        foreach (var node in _nodes) await node.DisposeAsync();
    }

    private sealed class Watcher(PeerId wanted, TaskCompletionSource seen) : ILinkObserver
    {
        public void OnConnected(IPeerLink link)
        {
            if (link.Peer.Equals(wanted)) seen.TrySetResult();
        }

        public void OnIdentified(IPeerLink link)
        {
        }

        public void OnDisconnected(IPeerLink link, CloseInfo why)
        {
        }
    }
}
