using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>Keeps a node's links: listens, dials, accepts, identifies, serves streams. The shell of <see cref="LinksCore"/>.</summary>
/// <remarks>One loop over a bounded queue feeds the core and tells observers, in order. Every member is safe for several threads.</remarks>
public sealed partial class Swarm : ILinkHost, IAsyncDisposable
{
    private readonly SwarmWiring _wiring;
    private readonly SwarmOptions _options;
    private readonly LinksMetrics _metrics;
    private readonly ILogger _logger;
    private readonly ResourceBudget _budget;
    private readonly LinksCore _core;
    private readonly Channel<Action> _events;
    private readonly BackgroundTasks _tasks;
    private readonly BackgroundTasks _handlerTasks;
    private readonly HandlerTable _handlers;
    private readonly PeerPins _pins;
    private readonly ConcurrentDictionary<PeerId, PeerLink> _ready = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _cutting = new();
    private readonly Task _loop;
    private readonly ITimer _timer;
    private readonly Lock _stopGate = new();
    private Task? _stop;

    /// <summary>Creates a swarm that listens nowhere yet; it can dial at once.</summary>
    /// <param name="wiring">What it is built on.</param>
    /// <param name="options">What it says of the node, and its bounds; not changed afterwards.</param>
    /// <param name="metrics">Where it counts.</param>
    /// <param name="logger">Where it reports.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public Swarm(SwarmWiring wiring, SwarmOptions options, LinksMetrics metrics, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(wiring);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (_wiring, _options, _metrics, _logger) = (wiring, options, metrics, logger);
        _budget = wiring.Budget ?? new ResourceBudget();
        OwnRecord = new OwnPeerRecord(wiring.Identity, () => AnnouncedAddresses, wiring.Clock);
        _core = new LinksCore(wiring.Identity.PeerId, options.Links);
        _events = Channel.CreateBounded<Action>(new BoundedChannelOptions(options.EventQueue) { SingleReader = true });
        _tasks = new BackgroundTasks(error => LinksLog.TaskFault(_logger, error));
        _handlerTasks = new BackgroundTasks(error => LinksLog.TaskFault(_logger, error));
        _handlers = new HandlerTable(options.MaxHandlers, OnDescriptionChanged);
        _pins = new PeerPins(options.MaxPinnedAddresses);
        _timer = wiring.Clock.CreateTimer(static swarm => ((Swarm)swarm!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        AddOwnHandlers();
        _loop = Task.Run(LoopAsync);
        _tasks.Run(PushChangesAsync);
    }

    /// <inheritdoc/>
    public PeerId LocalPeer => _wiring.Identity.PeerId;

    /// <inheritdoc/>
    public IReadOnlyList<IPeerLink> Links => [.. _ready.Values];

    internal TimeProvider Clock => _wiring.Clock;

    /// <inheritdoc/>
    public IPeerLink? Find(PeerId peer) => FindLink(peer);

    /// <summary>The ready link to a peer with all that a swarm knows of it, or null.</summary>
    public PeerLink? FindLink(PeerId peer) => _ready.GetValueOrDefault(peer);

    /// <inheritdoc/>
    public IDisposable Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32)
    {
        ArgumentException.ThrowIfNullOrEmpty(protocol);
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxInboundPerPeer, 1);
        if (protocol.Length > IdentifyCodec.MaxTextLength || protocol.Any(char.IsControl))
        {
            throw new ArgumentException($"A protocol id has at most {IdentifyCodec.MaxTextLength} characters and no control character.", nameof(protocol));
        }

        return _handlers.Add(new HandlerTable.Handler(protocol, (_, stream, cancelled) => handler(stream, cancelled), maxInboundPerPeer, BeforeReady: false));
    }

    /// <summary>Measures a round trip to a linked peer with <c>/ipfs/ping/1.0.0</c>; it also counts for the link's estimate.</summary>
    /// <exception cref="ProtocolNotSupportedException">The peer does not serve ping.</exception>
    public async Task<TimeSpan> PingAsync(PeerLink link, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(link);
        await link.Pinging.WaitAsync(cancellationToken);
        try
        {
            // The stream is kept for the next ping; a peer that has closed it meanwhile gets a new one.
            if (link.PingStream is { } kept)
            {
                try
                {
                    return await PingOnAsync(link, kept, cancellationToken);
                }
                catch (Exception error) when (error is StreamResetException or ProtocolViolationException)
                {
                    LinksLog.PingReopened(_logger, link.Peer, error.Message);
                }
            }

            return await PingOnAsync(link, await OpenStreamAsync(link, [PingProtocol.Id], cancellationToken), cancellationToken);
        }
        finally
        {
            link.Pinging.Release();
        }
    }

    /// <summary>Stops: accepts nothing more, cancels handlers, says good-bye on every link, and cuts what is left when the time is over. Idempotent.</summary>
    /// <param name="deadline">Time for all of it. Default 5 seconds.</param>
    /// <returns>Completes at the deadline at the latest, also when a handler ignores its cancellation; that is logged.</returns>
    public Task StopAsync(TimeSpan? deadline = null)
    {
        lock (_stopGate) return _stop ??= StopCoreAsync(deadline ?? TimeSpan.FromSeconds(5));
    }

    /// <summary>Stops with a deadline of 5 seconds.</summary>
    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task<TimeSpan> PingOnAsync(PeerLink link, IStream stream, CancellationToken cancellationToken)
    {
        link.PingStream = null;
        stream.Priority = StreamPriority.Control;
        try
        {
            var time = await PingProtocol.MeasureAsync(stream, _wiring.Random, Clock, cancellationToken);
            link.AddRoundTrip(time);
            link.PingStream = stream;
            return time;
        }
        finally
        {
            if (link.PingStream is null) await stream.DisposeAsync();
        }
    }

    private async Task StopCoreAsync(TimeSpan deadline)
    {
        using var time = new CancellationTokenSource(deadline, Clock);
        await _stopping.CancelAsync();
        await CloseListenersAsync();
        _handlers.Clear();
        await WaitAsync(_handlerTasks.WhenEmpty(), deadline / 2, time.Token);
        await PostAsync(() => _core.Stop(Clock.Now(), _effects));
        await WaitAsync(_tasks.WhenEmpty(), deadline, time.Token);
        await _cutting.CancelAsync();
        await WaitAsync(_tasks.WhenEmpty(), _options.CloseTimeout, CancellationToken.None);
        if (_tasks.Count + _handlerTasks.Count is > 0 and var left) LinksLog.StopIncomplete(_logger, left);
        _events.Writer.TryComplete();
        await _loop;
        await _timer.DisposeAsync();
    }

    /// <summary>Waits, but not for longer than the time; what has not ended by then is counted by the caller.</summary>
    private async Task WaitAsync(Task task, TimeSpan time, CancellationToken cancellationToken) =>
        await task.WaitAsync(time, Clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
