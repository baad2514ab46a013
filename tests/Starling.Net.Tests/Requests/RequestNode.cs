using Starling.Net.Links;
using Starling.Net.Requests;
using Starling.Net.Tests.Links;

namespace Starling.Net.Tests.Requests;

/// <summary>A swarm over loopback sockets that serves and makes requests.</summary>
internal sealed class RequestNode : IAsyncDisposable
{
    private RequestNode(TestNode node, RequestServiceOptions options, ResourceBudget? budget)
    {
        Node = node;
        Budget = budget ?? new ResourceBudget();
        Requests = new RequestService(node.Swarm, options, Budget, node.Clock, Metrics);
    }

    public TestNode Node { get; }

    public RequestService Requests { get; }

    public RequestsMetrics Metrics { get; } = new();

    public ResourceBudget Budget { get; }

    public PeerId Id => Node.Id;

    public static async Task<RequestNode> StartAsync(Action<RequestServiceOptions>? configure = null, ResourceBudget? budget = null)
    {
        var options = new RequestServiceOptions();
        configure?.Invoke(options);
        return new RequestNode(await TestNode.StartAsync(), options, budget);
    }

    public static async Task<(RequestNode Caller, RequestNode Server)> PairAsync(Action<RequestServiceOptions>? caller = null, Action<RequestServiceOptions>? server = null)
    {
        var asks = await StartAsync(caller);
        var serves = await StartAsync(server);
        await asks.Node.ConnectAsync(serves.Node);
        return (asks, serves);
    }

    public IPeerLink LinkTo(RequestNode other) => Node.Swarm.Find(other.Id)!;

    public async ValueTask DisposeAsync()
    {
        await Requests.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        await Node.DisposeAsync();
        Metrics.Dispose();
    }
}
