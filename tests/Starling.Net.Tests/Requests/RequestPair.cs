using Starling.Net.Requests;

namespace Starling.Net.Tests.Requests;

/// <summary>Two linked nodes, one of which asks and the other serves.</summary>
internal sealed class RequestPair(RequestNode caller, RequestNode server) : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public RequestNode Caller { get; } = caller;

    public RequestNode Server { get; } = server;

    public static async Task<RequestPair> StartAsync(Action<RequestServiceOptions>? caller = null, Action<RequestServiceOptions>? server = null, ResourceBudget? serverBudget = null, TimeProvider? clock = null)
    {
        var asks = await RequestNode.StartAsync(caller, clock: clock);
        var serves = await RequestNode.StartAsync(server, serverBudget, clock);
        await asks.Node.ConnectAsync(serves.Node);
        return new RequestPair(asks, serves);
    }

    /// <summary>Streams that the caller has open to the server.</summary>
    public int Streams => Caller.LinkTo(Server).Connection.StreamCount;

    public Task<ReadOnlyMemory<byte>> CallAsync(string name, ReadOnlyMemory<byte> payload = default, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Caller.Requests.RequestAsync(Server.Id, name, payload, timeout, cancellationToken).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken);

    public IAsyncEnumerable<ReadOnlyMemory<byte>> StreamAsync(string name, ReadOnlyMemory<byte> payload = default, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Caller.Requests.StreamAsync(Server.Id, name, payload, timeout, cancellationToken);

    /// <summary>Registers a handler that says when it began and when its token fired, and ends only then.</summary>
    public WaitingHandler HandleWaiting(string name)
    {
        var waiting = new WaitingHandler();
        Server.Requests.Handle(name, waiting.ServeAsync);
        return waiting;
    }

    public async ValueTask DisposeAsync()
    {
        await Caller.DisposeAsync();
        await Server.DisposeAsync();
    }
}

/// <summary>A handler that waits for its token.</summary>
internal sealed class WaitingHandler
{
    private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Began => _began.Task.WaitAsync(RequestPair.Patience);

    public Task Cancelled => _cancelled.Task.WaitAsync(RequestPair.Patience);

    public async ValueTask<ReadOnlyMemory<byte>> ServeAsync(RequestContext request, CancellationToken cancellationToken)
    {
        _began.TrySetResult();
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }
        finally
        {
            _cancelled.TrySetResult();
        }

        return default;
    }
}
