using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Starling.Net.Links;
using Starling.Net.Spread;
using Starling.Net.Tests.Links;

namespace Starling.Net.Tests.Spread;

/// <summary>Nodes with spread over loopback sockets, linked as a test asks.</summary>
internal sealed class SpreadNetwork : IAsyncDisposable
{
    public static readonly SpreadKind News = SpreadKind.Named("test/news");

    private SpreadNetwork(IReadOnlyList<SpreadTestNode> nodes) => Nodes = nodes;

    public IReadOnlyList<SpreadTestNode> Nodes { get; }

    public SpreadTestNode this[int node] => Nodes[node];

    /// <summary>Starts nodes and links them: pairs of numbers.</summary>
    public static async Task<SpreadNetwork> StartAsync(int size, SpreadServiceOptions? options = null, SpreadKind? kind = null, params int[] links)
    {
        var nodes = new List<SpreadTestNode>();
        for (var i = 0; i < size; i++) nodes.Add(new SpreadTestNode(await TestNode.StartAsync(), options ?? new SpreadServiceOptions { Degree = 0 }, kind ?? News));
        var network = new SpreadNetwork(nodes);
        for (var i = 0; i < links.Length; i += 2) await network.LinkAsync(links[i], links[i + 1]);
        return network;
    }

    /// <summary>Links two nodes; both know when it returns.</summary>
    public async Task LinkAsync(int left, int right)
    {
        await Nodes[left].Node.ConnectAsync(Nodes[right].Node);
        await Nodes[right].LinkedAsync(Nodes[left].Node.Id).Soon();
    }

    public async ValueTask DisposeAsync()
    {
        await Parallel.ForEachAsync(Nodes, async (node, _) => await node.DisposeAsync());
    }
}

internal sealed class SpreadTestNode : IAsyncDisposable, ILinkObserver
{
    private readonly Channel<SpreadDelivery> _delivered = Channel.CreateBounded<SpreadDelivery>(100_000);
    private readonly Dictionary<PeerId, TaskCompletionSource> _linked = [];

    public SpreadTestNode(TestNode node, SpreadServiceOptions options, SpreadKind kind)
    {
        Node = node;
        Spread = new SpreadService(node.Swarm, node.Identity, options, clock: node.Clock, meters: Meters);
        Registration = Spread.Register(kind, new SpreadHandlers
        {
            OnItem = async (item, cancelled) => await _delivered.Writer.WriteAsync(item, cancelled),
            Validate = null,
        });
        node.Swarm.Observe(this);
    }

    public TestNode Node { get; }

    public IMeterFactory? Meters { get; init; }

    public SpreadService Spread { get; }

    public IDisposable Registration { get; }

    public int Waiting => _delivered.Reader.Count;

    public Task<SpreadDelivery> NextAsync() => _delivered.Reader.ReadAsync().AsTask().Soon();

    public async Task<byte> NextByteAsync() => (await NextAsync()).Payload.Span[0];

    public ValueTask<SpreadPublishResult> SayAsync(byte what, int ttl = 0) => Spread.PublishAsync(SpreadNetwork.News, new[] { what }, ttl);

    public Task LinkedAsync(PeerId peer)
    {
        lock (_linked) return Signal(peer).Task;
    }

    public void OnConnected(IPeerLink link)
    {
        lock (_linked) Signal(link.Peer).TrySetResult();
    }

    public void OnIdentified(IPeerLink link)
    {
    }

    public void OnDisconnected(IPeerLink link, CloseInfo why)
    {
        lock (_linked) _linked.Remove(link.Peer);
    }

    public async ValueTask DisposeAsync()
    {
        await Spread.DisposeAsync().AsTask().Soon();
        await Node.DisposeAsync();
    }

    private TaskCompletionSource Signal(PeerId peer)
    {
        if (!_linked.TryGetValue(peer, out var signal)) _linked.Add(peer, signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        return signal;
    }
}

internal static class SpreadTestExtensions
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static Task Soon(this Task task) => task.WaitAsync(Patience);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Patience);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Patience);
}
