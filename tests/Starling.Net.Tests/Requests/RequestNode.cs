using Starling.Net.Links;
using Starling.Net.Requests;
using Starling.Net.Tests.Links;

namespace Starling.Net.Tests.Requests;

/// <summary>A swarm over loopback sockets that serves and makes requests.</summary>
internal sealed class RequestNode : IAsyncDisposable
{
    private RequestNode(TestNode node, RequestServiceOptions options, ResourceBudget? budget, TimeProvider? clock)
    {
        Node = node;
        Budget = budget ?? new ResourceBudget();
        Requests = new RequestService(node.Swarm, options, Budget, clock ?? node.Clock, Counts.Metrics);
    }

    public TestNode Node { get; }

    public RequestService Requests { get; }

    public RequestCounts Counts { get; } = new();

    public ResourceBudget Budget { get; }

    public PeerId Id => Node.Id;

    public static async Task<RequestNode> StartAsync(Action<RequestServiceOptions>? configure = null, ResourceBudget? budget = null, TimeProvider? clock = null)
    {
        var options = new RequestServiceOptions();
        configure?.Invoke(options);
        return new RequestNode(await TestNode.StartAsync(), options, budget, clock);
    }

    public IPeerLink LinkTo(RequestNode other) => Node.Swarm.Find(other.Id)!;

    public async ValueTask DisposeAsync()
    {
        await Requests.DisposeAsync().AsTask().WaitAsync(RequestPair.Patience);
        await Node.DisposeAsync();
        Counts.Dispose();
    }
}
