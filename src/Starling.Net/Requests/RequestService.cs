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
public sealed partial class RequestService : IDrainable, IAsyncDisposable
{
    /// <summary>The protocol id.</summary>
    public const string ProtocolId = "/starling/request/1.0.0";

    /// <summary>The handler that every node has, which sends its payload back.</summary>
    public const string PingName = BuiltInPrefix + "ping";

    /// <summary>The handler that every node has, which tells what <see cref="Status"/> says.</summary>
    public const string StatusName = BuiltInPrefix + "status";

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromMilliseconds(500);

    private const string BuiltInPrefix = "starling.";

    internal static readonly string[] Protocols = [ProtocolId];

    private readonly ILinkHost _host;
    private readonly ConcurrentDictionary<string, RequestRegistration> _handlers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<PeerId, int> _servedByPeer = new();
    private readonly ConcurrentDictionary<ServedStream, byte> _streams = new();
    private readonly BackgroundTasks _tasks;
    private readonly IDisposable _serving;
    private readonly CancellationTokenSource _stopping = new();
    private int _served;
    private int _disposed;
    private volatile bool _refusing;
    private TaskCompletionSource? _drained;

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
        Register(new RequestRegistration(PingName, RequestBuiltIns.Ping(options.MaxPingBytes), null, Remove));
        Register(new RequestRegistration(StatusName, RequestBuiltIns.Status(peer => Status(peer)), null, Remove));
        _serving = host.Handle(ProtocolId, ServeAsync, options.MaxServedStreamsPerPeer);
    }

    /// <summary>What this node says of itself to a peer that asks for <c>starling.status</c>; null refuses. Default: nothing but that it serves.</summary>
    /// <remarks>Called for each such request, on any thread. What it tells to whom is this node's choice.</remarks>
    public Func<PeerId, NodeStatus?> Status { get; set; } = static _ => new NodeStatus { Serving = true };

    /// <summary>How typed requests are written and read where a call names no serializer of its own. Default <see cref="JsonPayloadSerializer.Default"/>.</summary>
    public IPayloadSerializer Serializer { get; set; } = JsonPayloadSerializer.Default;

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
        return Register(new RequestRegistration(CheckOwn(name), handler, null, Remove));
    }

    /// <summary>Answers requests of a name with a sequence of items from now on.</summary>
    /// <inheritdoc cref="Handle(string, RequestHandler)"/>
    public IDisposable HandleStream(string name, StreamingRequestHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Register(new RequestRegistration(CheckOwn(name), null, handler, Remove));
    }

    /// <inheritdoc/>
    /// <remarks>Calls of peers are refused with the reason; this node's own calls go on.</remarks>
    public Task DrainAsync(CancellationToken cancellationToken)
    {
        _refusing = true;
        return Drained().WaitAsync(cancellationToken);
    }

    /// <summary>Serves nothing more, ends streamed replies, lets other calls being served end within <see cref="RequestServiceOptions.DrainTimeout"/>, then cancels them and all own calls. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _refusing = true;
        await _sweep.DisposeAsync();
        foreach (var handler in _handlers.Values.Where(one => one.Streaming is not null)) handler.Dispose();
        await Drained().WaitAsync(Options.DrainTimeout, Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _stopping.CancelAsync();
        foreach (var handler in _handlers.Values) handler.Dispose();
        await FlushAsync();
        foreach (var peer in _peers.Values) await peer.EndAsync();
        _serving.Dispose();
        await _tasks.WhenEmpty();
        if (Serving > 0) Log.StopIncomplete(Serving);
    }

    /// <summary>Whether calls of peers are refused because the node is stopping.</summary>
    internal bool IsRefusing => _refusing;

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
        var left = Interlocked.Decrement(ref _served);
        if (bytes > FrameReceiver.Unbudgeted) Budget.Release(ResourceKind.QueueBytes, bytes);
        if (_servedByPeer.AddOrUpdate(peer, 0, static (_, count) => count - 1) == 0) _servedByPeer.TryRemove(KeyValuePair.Create(peer, 0));
        if (left == 0) Volatile.Read(ref _drained)?.TrySetResult();
    }

    private Task Drained()
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        drained = Interlocked.CompareExchange(ref _drained, drained, null) ?? drained;
        if (Serving == 0) drained.TrySetResult();
        return drained.Task;
    }

    /// <summary>Lets cancelled handlers end, and their callers learn of it.</summary>
    private async Task FlushAsync()
    {
        using var deadline = new CancellationTokenSource(FlushTimeout, Clock);
        var flushed = Task.WhenAll(_streams.Keys.Select(stream => stream.FlushAsync(deadline.Token)));
        await flushed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        Metrics.Streams(Direction.Inbound, 1);
        var served = new ServedStream(this, stream);
        _streams.TryAdd(served, 0);
        try
        {
            await served.RunAsync(cancellationToken);
        }
        finally
        {
            _streams.TryRemove(served, out _);
            Metrics.Streams(Direction.Inbound, -1);
        }
    }

    /// <summary>Answers requests of a name of the library's own.</summary>
    internal IDisposable HandleBuiltIn(string name, RequestHandler handler) => Register(new RequestRegistration(Check(name), handler, null, Remove));

    private RequestRegistration Register(RequestRegistration handler)
    {
        ObjectDisposedException.ThrowIf(_refusing, this);
        if (_handlers.Count >= Options.MaxHandlers) throw new InvalidOperationException($"{Options.MaxHandlers} handlers are registered, the most that is allowed (Requests:MaxHandlers).");
        if (!_handlers.TryAdd(handler.Name, handler)) throw new InvalidOperationException($"'{handler.Name}' has a handler already; dispose its registration first.");
        return handler;
    }

    private void Remove(RequestRegistration handler) => _handlers.TryRemove(KeyValuePair.Create(handler.Name, handler));

    private string CheckOwn(string name)
    {
        Check(name);
        if (name.StartsWith(BuiltInPrefix, StringComparison.Ordinal)) throw new ArgumentException($"'{name}' begins with {BuiltInPrefix}, which is kept for what every node serves; choose another name.", nameof(name));
        return name;
    }

    internal string Check(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (Encoding.UTF8.GetByteCount(name) > Options.MaxNameBytes) throw new ArgumentException($"The name of a handler has {Encoding.UTF8.GetByteCount(name)} bytes; at most {Options.MaxNameBytes} are allowed (Requests:MaxNameBytes).", nameof(name));
        if (name.Any(char.IsControl)) throw new ArgumentException("The name of a handler holds a control character; remove it.", nameof(name));
        return name;
    }
}
