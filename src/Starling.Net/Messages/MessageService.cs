using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>Typed messages between linked nodes: registered types with actions, handlers, sends that say what became of them. Safe for several threads.</summary>
/// <remarks>Small messages of one node arrive at another in the order in which they were sent, each at most once. Large ones go beside them, compressed
/// where it pays, and are acknowledged. Nothing is kept for peers that are not linked.</remarks>
public sealed partial class MessageService : IDrainable, IAsyncDisposable
{
    private readonly MessageContext _context;
    private readonly PriorityGate _largeGate;
    private readonly ConcurrentDictionary<PeerId, Peer> _peers = new();
    private readonly ConcurrentDictionary<Action<MessageEvent>, byte> _observers = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IDisposable[] _registrations;
    private readonly Lock _stopGate = new();
    private Task? _stopped;

    /// <summary>Starts: serves the protocol, follows the host's links.</summary>
    /// <param name="host">Where links and streams come from; stays the caller's and must outlive this.</param>
    /// <param name="options">The bounds; null takes the defaults.</param>
    /// <param name="budget">Counts queued bytes (<see cref="ResourceKind.QueueBytes"/>); null makes one of its own.</param>
    /// <param name="clock">The clock; null takes the system's.</param>
    /// <param name="random">Draws ids and lots; null takes the system's.</param>
    /// <param name="logger">Null logs nothing.</param>
    /// <param name="meters">Makes the meter; null makes one outside any factory.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MessageService(
        ILinkHost host,
        MessageOptions? options = null,
        ResourceBudget? budget = null,
        TimeProvider? clock = null,
        RandomSource? random = null,
        ILogger<MessageService>? logger = null,
        IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        options ??= new MessageOptions();
        OptionProblems.ThrowIfAny(options);
        var log = new MessageLog(logger ?? NullLogger<MessageService>.Instance);
        _seen = new SeenMessages(options.SeenTime, options.MaxSeen);
        _context = new MessageContext(
            host,
            options,
            budget ?? new ResourceBudget(),
            clock ?? TimeProvider.System,
            (random ?? RandomSource.System).Fork("messages"),
            log,
            new MessageMetrics(meters, () => Evicted),
            new BackgroundTasks(log.TaskFault),
            _stop.Token);
        _largeGate = new PriorityGate(options.MaxLargeSends);
        Forwarder = new Forwarder(_context, (envelope, peers) => SendEnvelopeAsync(envelope, peers, Plain, CancellationToken.None), Drop);
        Propagator = new Propagator(_context, (message, to, cancelled) => SendAsync(message, to, null, cancelled));
        Discoverer = new Discoverer(_context, message => SendAsync(message));
        _hello = new MessageReply.Hello(PayloadCompression.Spoken, options.MaxMessageBytes).Encode();
        _registrations = [host.Observe(new LinkEnds(this)), host.Handle(MessageCodec.Protocol, ServeAsync, options.MaxStreamsPerPeer)];
    }

    /// <summary>Hands received messages on, if switched on.</summary>
    public Forwarder Forwarder { get; }

    /// <summary>Sends this node's state to neighbours, round after round.</summary>
    public Propagator Propagator { get; }

    /// <summary>Tells neighbours about this node every now and then.</summary>
    public Discoverer Discoverer { get; }

    /// <summary>Tells of everything about messages that would go unnoticed otherwise, from now on. Disposing ends it.</summary>
    /// <param name="observer">Called from many threads at once; must return at once and not throw.</param>
    public IDisposable Observe(Action<MessageEvent> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        _observers.TryAdd(observer, 0);
        return new Registration(() => _observers.TryRemove(observer, out _));
    }

    /// <summary>Completes when every small message sent so far was taken by its link, or has failed.</summary>
    public Task FlushAsync(CancellationToken cancellationToken = default) =>
        Task.WhenAll(_peers.Values.Select(peer => peer.Outbox.FlushAsync())).WaitAsync(cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Waits until what was sent is taken by the links; messages of peers are still handled.</remarks>
    public Task DrainAsync(CancellationToken cancellationToken) => FlushAsync(cancellationToken);

    /// <summary>Stops: what waits is written, then handlers are cancelled and streams end; for each there is half of <see cref="MessageOptions.StopTimeout"/>. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Task stopped;
        lock (_stopGate) stopped = _stopped ??= StopAsync();
        await stopped.ConfigureAwait(false);
    }

    private async Task StopAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await FlushAsync().WaitAsync(_context.Options.StopTimeout / 2, _context.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var registration in _registrations) registration.Dispose();
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var peer in _peers.Keys) Forget(peer, new CloseInfo(CloseReason.NodeStopping));
        await _context.Tasks.WhenEmpty().WaitAsync(_context.Options.StopTimeout / 2, _context.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_context.Tasks.Count is > 0 and var left) _context.Log.StopIncomplete(left);
        _context.Metrics.Dispose();
    }

    private void Tell(MessageEvent happened)
    {
        foreach (var (observer, _) in _observers)
        {
            try
            {
                observer(happened);
            }
            catch (Exception error)
            {
                _context.Log.TaskFault(error);
            }
        }
    }

    /// <summary>What is kept for a linked peer, or null when it is not linked.</summary>
    private Peer? PeerOf(PeerId id)
    {
        if (_peers.TryGetValue(id, out var known)) return known;
        if (_context.Host.Find(id) is null) return null;
        var peer = _peers.GetOrAdd(id, NewPeer);

        // The link may have ended, and its end been told, in between.
        if (_context.Host.Find(id) is null || _stop.IsCancellationRequested) Forget(id, new CloseInfo(CloseReason.LocalClose));
        return peer;
    }

    private Peer NewPeer(PeerId id) => new(new PeerOutbox(id, _context), new PeerInbox(_context, HandleAsync, DropInbound));

    private void Forget(PeerId id, CloseInfo why)
    {
        if (_peers.TryRemove(id, out var peer)) peer.Outbox.Close(why);
    }

    private sealed record Peer(PeerOutbox Outbox, PeerInbox Inbox);

    private sealed class LinkEnds(MessageService service) : ILinkObserver
    {
        public void OnConnected(IPeerLink link)
        {
        }

        public void OnIdentified(IPeerLink link)
        {
        }

        public void OnDisconnected(IPeerLink link, CloseInfo why) => service.Forget(link.Peer, why);
    }

    private sealed class Registration(Action dispose) : IDisposable
    {
        private Action? _dispose = dispose;

        public void Dispose() => Interlocked.Exchange(ref _dispose, null)?.Invoke();
    }
}
