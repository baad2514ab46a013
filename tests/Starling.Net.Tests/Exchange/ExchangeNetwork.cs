using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Discovery;
using Starling.Net.Exchange;
using Starling.Net.Links;
using Starling.Net.Tests.Links;
using Starling.Net.Tests.Spread;

namespace Starling.Net.Tests.Exchange;

/// <summary>Nodes with peer book and peer exchange over loopback sockets.</summary>
internal sealed class ExchangeNetwork : IAsyncDisposable
{
    private ExchangeNetwork(IReadOnlyList<ExchangeNode> nodes) => Nodes = nodes;

    public IReadOnlyList<ExchangeNode> Nodes { get; }

    public ExchangeNode this[int node] => Nodes[node];

    public static async Task<ExchangeNetwork> StartAsync(int size, PeerExchangeOptions? options = null, params int[] links)
    {
        var nodes = new List<ExchangeNode>();
        for (var i = 0; i < size; i++) nodes.Add(await ExchangeNode.StartAsync(options));
        var network = new ExchangeNetwork(nodes);
        for (var i = 0; i < links.Length; i += 2) await network.LinkAsync(links[i], links[i + 1]);
        return network;
    }

    /// <summary>Links two nodes; when it returns, the book of each holds the other's signed record.</summary>
    public async Task LinkAsync(int left, int right)
    {
        await Nodes[left].Node.ConnectAsync(Nodes[right].Node);
        await Nodes[left].KnowsRecordAsync(Nodes[right].Id);
        await Nodes[right].KnowsRecordAsync(Nodes[left].Id);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) await node.DisposeAsync();
    }
}

internal sealed class ExchangeNode : IAsyncDisposable, IDiscoveryObserver
{
    private readonly PeersMetrics _metrics = new();
    private readonly Channel<DiscoveredPeer> _found = Channel.CreateBounded<DiscoveredPeer>(1000);
    private readonly Channel<DiscoveredPeer> _lost = Channel.CreateBounded<DiscoveredPeer>(1000);

    private ExchangeNode(TestNode node, PeerExchangeOptions? options)
    {
        Node = node;
        Book = new PeerBook(node.Id, new PeerBookOptions { MaxFailures = 1 }, node.Clock, _metrics, NullLogger.Instance);
        Own = node.Swarm.OwnRecord;
        Exchange = new PeerExchange(node.Swarm, Book, Own, options, node.Clock);
        Exchange.Observe(this);
    }

    public TestNode Node { get; }

    public PeerId Id => Node.Id;

    public PeerBook Book { get; }

    public OwnPeerRecord Own { get; }

    public PeerExchange Exchange { get; }

    public static async Task<ExchangeNode> StartAsync(PeerExchangeOptions? options)
    {
        var node = new ExchangeNode(await TestNode.StartAsync(), options);
        await node.Book.StartAsync(node.Node.Swarm);
        return node;
    }

    public Task<DiscoveredPeer> NextFoundAsync() => _found.Reader.ReadAsync().AsTask().Soon();

    public Task<DiscoveredPeer> NextLostAsync() => _lost.Reader.ReadAsync().AsTask().Soon();

    public bool HasFound => _found.Reader.TryPeek(out _);

    public async Task KnowsRecordAsync(PeerId peer)
    {
        var known = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watching = Book.Observe((_, _) => Look());
        Look();
        await known.Task.Soon();

        void Look()
        {
            if (Book.Find(peer) is { SignedRecord.IsEmpty: false }) known.TrySetResult();
        }
    }

    public void OnFound(DiscoveredPeer peer) => _found.Writer.TryWrite(peer);

    public void OnLost(DiscoveredPeer peer) => _lost.Writer.TryWrite(peer);

    public async ValueTask DisposeAsync()
    {
        await Exchange.DisposeAsync().AsTask().Soon();
        await Node.DisposeAsync();
        await Book.DisposeAsync().AsTask().Soon();
        _metrics.Dispose();
    }
}
