using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>Requests between nodes, <c>/starling/request/1.0.0</c>: handlers registered by name, called on a peer, answered with bytes or a sequence of them.</summary>
/// <remarks>Safe for several threads. Calls of one handler on one peer share one stream: a call costs one round trip, and while the link is
/// busy many calls leave in one write. A streamed reply has a stream of its own, which holds its handler up when the caller is slow.</remarks>
public sealed partial class RequestService : IAsyncDisposable
{
    /// <summary>The protocol id.</summary>
    public const string ProtocolId = "/starling/request/1.0.0";

    internal static readonly string[] Protocols = [ProtocolId];

    private readonly ILinkHost _host;
    private readonly ConcurrentDictionary<string, RequestRegistration> _handlers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<PeerId, int> _servedByPeer = new();
    private readonly BackgroundTasks _tasks;
    private readonly IDisposable _serving;
    private readonly CancellationTokenSource _stopping = new();
    private int _served;

    /// <summary>Serves requests on a host's links from now on.</summary>
    /// <param name="host">Where links come from.</param>
    /// <param name="options">The bounds and times; not changed afterwards.</param>
    /// <param name="budget">Where large payloads are counted.</param>
    /// <param name="clock">The clock of every timeout.</param>
    /// <param name="metrics">Stays the caller's to dispose.</param>
    /// <param name="logger">Null logs nowhere.</param>
    /// <exception cref="ArgumentException">An option is wrong; the message says which.</exception>
    public RequestService(ILinkHost host, RequestServiceOptions options, ResourceBudget budget, TimeProvider clock, RequestsMetrics metrics, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(metrics);
        OptionProblems.ThrowIfAny(options);
        (_host, Options, Budget, Clock, Metrics) = (host, options, budget, clock, metrics);
        Limits = options.Limits();
        Log = new RequestsLog(logger ?? NullLogger.Instance);
        _tasks = new BackgroundTasks(error => Log.StreamEnded(host.LocalPeer, error.ToString()));
        _calls = new CallPool(clock, MaxPooledCalls);
        _sweep = clock.CreateTimer(_ => Sweep(), null, options.IdleTimeout / 2, options.IdleTimeout / 2);
        _serving = host.Handle(ProtocolId, ServeAsync, options.MaxServedStreamsPerPeer);
    }

    /// <summary>The names that are served.</summary>
    public IReadOnlyCollection<string> Handlers => [.. _handlers.Keys];

    /// <summary>Requests that are being served now.</summary>
    public int Serving => Volatile.Read(ref _served);

    internal RequestServiceOptions Options { get; }

    internal RequestLimits Limits { get; }

    internal ResourceBudget Budget { get; }

    internal TimeProvider Clock { get; }

    internal RequestsMetrics Metrics { get; }

    internal RequestsLog Log { get; }

    /// <summary>Answers requests of a name from now on. Disposing the result stops that, and cancels the ones being served.</summary>
    /// <param name="name">The name that callers use; case counts.</param>
    /// <param name="handler">Called for each request, concurrently.</param>
    /// <exception cref="ArgumentException">The name is empty, too long or holds a control character.</exception>
    /// <exception cref="InvalidOperationException">The name is taken, or there are too many handlers.</exception>
    public IDisposable Handle(string name, RequestHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Register(new RequestRegistration(Check(name), handler, null, Remove));
    }

    /// <summary>Answers requests of a name with a sequence of items from now on.</summary>
    /// <inheritdoc cref="Handle(string, RequestHandler)"/>
    public IDisposable HandleStream(string name, StreamingRequestHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Register(new RequestRegistration(Check(name), null, handler, Remove));
    }

    /// <summary>Serves nothing more, lets what is being served end within <see cref="RequestServiceOptions.DrainTimeout"/>, then cancels it and all own calls.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested) return;
        await _stopping.CancelAsync();
        await _sweep.DisposeAsync();
        foreach (var peer in _peers.Values) peer.End();
        foreach (var handler in _handlers.Values) handler.Dispose();
        _serving.Dispose();
        await _tasks.WhenEmpty();
    }

    internal RequestRegistration? Find(string name) => _handlers.GetValueOrDefault(name);

    internal void Run(Func<Task> work) => _tasks.Run(work);

    /// <summary>Takes a place for a call that is to be served.</summary>
    internal bool TryEnter(PeerId peer, int bytes)
    {
        if (Interlocked.Increment(ref _served) > Options.MaxServed)
        {
            Interlocked.Decrement(ref _served);
            return false;
        }

        if (_servedByPeer.AddOrUpdate(peer, 1, static (_, count) => count + 1) <= Options.MaxServedPerPeer
            && (bytes <= FrameReceiver.Unbudgeted || Budget.TryAcquire(ResourceKind.QueueBytes, bytes))) return true;
        Leave(peer, 0);
        return false;
    }

    internal void Leave(PeerId peer, int bytes)
    {
        Interlocked.Decrement(ref _served);
        if (bytes > FrameReceiver.Unbudgeted) Budget.Release(ResourceKind.QueueBytes, bytes);
        if (_servedByPeer.AddOrUpdate(peer, 0, static (_, count) => count - 1) == 0) _servedByPeer.TryRemove(KeyValuePair.Create(peer, 0));
    }

    private async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        Metrics.Streams(Direction.Inbound, 1);
        try
        {
            await new ServedStream(this, stream).RunAsync(cancellationToken);
        }
        finally
        {
            Metrics.Streams(Direction.Inbound, -1);
        }
    }

    private RequestRegistration Register(RequestRegistration handler)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        if (_handlers.Count >= Options.MaxHandlers) throw new InvalidOperationException($"{Options.MaxHandlers} handlers are registered, the most that is allowed (Requests:MaxHandlers).");
        if (!_handlers.TryAdd(handler.Name, handler)) throw new InvalidOperationException($"'{handler.Name}' has a handler already; dispose its registration first.");
        return handler;
    }

    private void Remove(RequestRegistration handler) => _handlers.TryRemove(KeyValuePair.Create(handler.Name, handler));

    private string Check(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (Encoding.UTF8.GetByteCount(name) > Options.MaxNameBytes) throw new ArgumentException($"The name of a handler has {Encoding.UTF8.GetByteCount(name)} bytes; at most {Options.MaxNameBytes} are allowed (Requests:MaxNameBytes).", nameof(name));
        if (name.Any(char.IsControl)) throw new ArgumentException("The name of a handler holds a control character; remove it.", nameof(name));
        return name;
    }
}
