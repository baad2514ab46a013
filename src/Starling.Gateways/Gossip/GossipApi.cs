using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Starling.Gateways.Gossip;

/// <summary>The VoidPhone gossip API in front of a Starling node: clients announce, register and judge over plain TCP; messages spread between nodes as signed spread items. Safe for several threads.</summary>
/// <remarks>At most one for each node. Clients that are slow, malformed or gone trouble nobody else: each has its own bounded queue.</remarks>
/// <example><code>
/// await using var api = await GossipApi.StartAsync(node, new GossipApiOptions { MaxTtl = 8 });
/// </code></example>
public sealed partial class GossipApi : IAsyncDisposable
{
    private const int Backlog = 1024;
    private readonly StarlingNode _node;
    private readonly TimeProvider _clock;
    private readonly GossipMetrics _metrics;
    private readonly GossipEventQueue _events;
    private readonly Lock _gate = new();
    private readonly GossipDesk _desk;
    private readonly ConcurrentDictionary<long, (GossipClient Client, Task Serving)> _clients = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Socket _listener;
    private readonly ITimer _timer;
    private readonly IDisposable _spreading;
    private readonly PeerUpdates? _updates;
    private Task _accepting = Task.CompletedTask;
    private long _lastClient;
    private int _stopping;

    private GossipApi(StarlingNode node, GossipApiOptions options, NodeEnvironment environment, Socket listener)
    {
        (_node, Options, _listener) = (node, options, listener);
        _clock = environment.Clock;
        Log = new GossipLog(environment.Loggers.CreateLogger<GossipApi>());
        _desk = new GossipDesk(options, node.PeerId, environment.Random.Fork("gossip"));
        _metrics = new GossipMetrics(environment.Meters, _desk.Counters, () => _clients.Count);
        _events = new GossipEventQueue(options.EventQueue);
        _timer = _clock.CreateTimer(static api => ((GossipApi)api!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            _spreading = Join();
        }
        catch
        {
            _timer.Dispose();
            _metrics.Dispose();
            throw;
        }

        if (options.PeerUpdates) _updates = new PeerUpdates(node, options, _clock, Counters, Log);
    }

    /// <summary>Where clients connect.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Clients that are connected now.</summary>
    public int Clients => _clients.Count;

    /// <summary>What was counted so far.</summary>
    public GossipCounters Counters => _desk.Counters;

    /// <summary>Events that were dropped because a reader of <see cref="EventsAsync"/> was slow.</summary>
    public long DroppedEvents => _events.Dropped;

    /// <summary>The types that some client is registered for now.</summary>
    public IReadOnlyList<ushort> RegisteredTypes
    {
        get
        {
            lock (_gate) return [.. _desk.Registrations.Types.Order()];
        }
    }

    /// <summary>The valid messages that are kept now, the oldest first.</summary>
    public IReadOnlyList<CachedMessage> CachedMessages
    {
        get
        {
            lock (_gate) return [.. _desk.Cache.Where(message => message.IsValid)];
        }
    }

    internal GossipApiOptions Options { get; }

    internal GossipLog Log { get; }

    /// <summary>Starts an API; it accepts clients when this returns.</summary>
    /// <param name="node">The node whose neighbours it spreads to; stays the caller's, and must outlive the API.</param>
    /// <param name="options">Null takes the defaults. Not to be changed afterwards.</param>
    /// <param name="environment">Loggers, meters, clock and randomness; null takes the defaults.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="StarlingException">The address cannot be listened on, or the node has a gossip API already.</exception>
    public static Task<GossipApi> StartAsync(StarlingNode node, GossipApiOptions? options = null, NodeEnvironment? environment = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(node);
        options ??= new GossipApiOptions();
        OptionProblems.ThrowIfAny(options);
        cancellationToken.ThrowIfCancellationRequested();
        var listener = Listen(options.Listen);
        try
        {
            var api = new GossipApi(node, options, environment ?? new NodeEnvironment(), listener);
            api._accepting = Task.Run(api.AcceptAsync, CancellationToken.None);
            api.Log.Listening(api.Address);
            return Task.FromResult(api);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>How many clients' connections ended for this reason.</summary>
    public long ClosedFor(GossipCloseReason reason) => _metrics.ClosedFor(reason);

    /// <summary>What happens from now on. The sequence ends when the API has stopped.</summary>
    /// <remarks>Each reader has a queue of <see cref="GossipApiOptions.EventQueue"/> events, which begins with the call; a slow one loses the oldest, counted by <see cref="DroppedEvents"/>.</remarks>
    public IAsyncEnumerable<GossipEvent> EventsAsync(CancellationToken cancellationToken = default) => ReadAsync(_events.Add(), cancellationToken);

    /// <summary>Stops: accepts nobody any more, closes every client, takes nothing more from the network. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopping, 1) != 0)
        {
            await _stopped.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            _listener.Dispose();
            await _accepting.ConfigureAwait(false);
            _spreading.Dispose();
            if (_updates is not null) await _updates.DisposeAsync().ConfigureAwait(false);
            foreach (var (client, _) in _clients.Values) client.Close(GossipCloseReason.Stopped);
            await Task.WhenAll(_clients.Values.Select(one => one.Serving)).ConfigureAwait(false);
            await _timer.DisposeAsync().ConfigureAwait(false);
            EndVerdicts();
            _events.End();
            _metrics.Dispose();
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    private async IAsyncEnumerable<GossipEvent> ReadAsync(System.Threading.Channels.Channel<GossipEvent> reader, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var next in reader.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false)) yield return next;
        }
        finally
        {
            _events.Remove(reader);
        }
    }

    private static Socket Listen(IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = false;
            socket.Bind(address);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new StarlingException($"The gossip API cannot listen on {address}: {error.Message}; choose another address (api_address), or end the program that uses it.", error);
        }
    }
}
