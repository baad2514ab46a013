using System.Runtime.CompilerServices;
using Starling.Net.Links;

namespace Starling;

/// <summary>A Starling node: it finds peers, keeps secure links to them, opens streams and follows topics. Safe for several threads.</summary>
/// <example><code>
/// await using var node = await StarlingNode.StartAsync();
/// node.Handle("/hello/1.0.0", async (stream, cancelled) => await stream.WriteAsync("hello"u8.ToArray(), cancelled));
/// </code></example>
public sealed partial class StarlingNode : IAsyncDisposable, IDisposable
{
    private readonly StarlingOptions _options;
    private readonly NodeEnvironment _environment;
    private readonly NodeParts _parts;
    private readonly Lock _gate = new();
    private readonly NodeEventHub _events = new();
    private long _droppedEvents;
    private TelemetryExport? _telemetry;
    private Task? _start;
    private Task? _stop;

    /// <summary>Makes a node that neither listens nor looks for peers yet.</summary>
    /// <exception cref="StarlingException">An option is wrong, or the identity file cannot be used; the message says what to do.</exception>
    internal StarlingNode(StarlingOptions options, NodeEnvironment environment)
    {
        environment.Application?.Configure(options);
        if (OptionsCheck.Errors(options) is { Count: > 0 } errors) throw new StarlingException(string.Join(Environment.NewLine, errors));
        (_options, _environment) = (options, environment);
        _parts = new NodeParts(options, environment, _events);
        Attach(environment.Application);
    }

    /// <summary>This node's id.</summary>
    public PeerId PeerId => _parts.Identity.PeerId;

    /// <summary>The addresses at which links are accepted now, each with this node's peer id: what another node needs to connect.</summary>
    public IReadOnlyList<Multiaddr> Addresses => [.. _parts.Swarm.ListenAddresses.Select(Named)];

    /// <summary>The links that are ready now, one per peer.</summary>
    public IReadOnlyList<PeerLink> Links => [.. _parts.Swarm.Links.Cast<PeerLink>()];

    /// <summary>What protocols are built on: links, handlers, observers.</summary>
    public ILinkHost Host => _parts.Swarm;

    /// <summary>What is used of the node's limits.</summary>
    public ResourceBudget Budget => _parts.Budget;

    /// <summary>Events that were dropped because a reader of <see cref="EventsAsync"/> was slow.</summary>
    public long DroppedEvents => Interlocked.Read(ref _droppedEvents);

    /// <summary>Starts a node; it accepts links, and looks for peers if told to, when this returns.</summary>
    /// <param name="options">Null takes the defaults: a fresh identity, loopback only, no discovery.</param>
    /// <param name="cancellationToken">Ends the start; what was started is stopped again.</param>
    /// <exception cref="StarlingException">An option is wrong, or an address or file cannot be used; the message says what to do.</exception>
    public static Task<StarlingNode> StartAsync(StarlingOptions? options = null, CancellationToken cancellationToken = default) =>
        StartAsync(options ?? new StarlingOptions(), new NodeEnvironment(), cancellationToken);

    /// <summary>Starts a node within an environment: loggers, meters, clock, randomness, transports.</summary>
    /// <inheritdoc cref="StartAsync(StarlingOptions, CancellationToken)"/>
    public static async Task<StarlingNode> StartAsync(StarlingOptions options, NodeEnvironment environment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(environment);
        var node = new StarlingNode(options, environment);
        try
        {
            await node.StartAsync(cancellationToken);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Accepts links at one more address; the peers are told.</summary>
    /// <exception cref="StarlingException">The address cannot be bound.</exception>
    public async Task<IReadOnlyList<Multiaddr>> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        var bound = (await _parts.Swarm.ListenAsync(address, cancellationToken)).Select(Named).ToList();
        _parts.OnListening();
        bound.ForEach(one => _events.Raise(new NodeEvent.Listening(one)));
        return bound;
    }

    /// <summary>Connects to an address that a person typed: a multiaddr, <c>host:port</c> or <c>[v6]:port</c>.</summary>
    /// <inheritdoc cref="ConnectAsync(Multiaddr, CancellationToken)"/>
    /// <exception cref="FormatException">It is no address; the message names the bad part.</exception>
    public Task<PeerLink> ConnectAsync(string address, CancellationToken cancellationToken = default) =>
        ConnectAsync(Multiaddr.ParseUserInput(address), cancellationToken);

    /// <summary>Connects to an address, or returns the link that is already there. The link is ready when it returns.</summary>
    /// <remarks>Where the address ends in a peer id, that peer must answer. Where it does not, whoever answers first is trusted, and held to its id until the node stops.</remarks>
    /// <exception cref="HandshakeException">There is no link; <see cref="HandshakeException.Failure"/> says at which stage and the message why.</exception>
    public Task<PeerLink> ConnectAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return ConnectAsync(address.PeerId, [address], cancellationToken);
    }

    /// <summary>Connects to a peer at any of several addresses, or returns the link that is already there.</summary>
    /// <inheritdoc cref="ConnectAsync(Multiaddr, CancellationToken)"/>
    public async Task<PeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default) =>
        await ConnectAndKeepAsync(peer, addresses, cancellationToken);

    /// <summary>Closes the link to a peer, keeps it no longer, and waits until it is gone; the other side learns that it was closed on purpose. Does nothing when there is none.</summary>
    public Task DisconnectAsync(PeerId peer, CancellationToken cancellationToken = default)
    {
        Release(peer);
        return _parts.Swarm.DisconnectAsync(peer, null, cancellationToken);
    }

    /// <summary>Opens a stream to a linked peer with the first of the protocols that it speaks. Dispose the stream.</summary>
    /// <exception cref="StarlingException">There is no link to the peer; connect first.</exception>
    /// <exception cref="ProtocolNotSupportedException">The peer speaks none of them.</exception>
    public ValueTask<IStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, CancellationToken cancellationToken = default) =>
        LinkTo(peer).OpenStreamAsync(protocols, cancellationToken);

    /// <summary>Opens a stream of one protocol to a linked peer. Dispose the stream.</summary>
    /// <inheritdoc cref="OpenStreamAsync(PeerId, IReadOnlyList{string}, CancellationToken)"/>
    public ValueTask<IStream> OpenStreamAsync(PeerId peer, string protocol, CancellationToken cancellationToken = default) =>
        OpenStreamAsync(peer, [protocol], cancellationToken);

    /// <summary>Serves a protocol from now on; linked peers are told. Disposing the result stops serving.</summary>
    /// <param name="protocol">The protocol id, such as <c>/chat/1.0.0</c>.</param>
    /// <param name="handler">Called for each inbound stream; see <see cref="StreamHandler"/>.</param>
    /// <param name="maxInboundPerPeer">Streams of this protocol at once from one peer; one more is reset and counted. Default 32.</param>
    /// <exception cref="InvalidOperationException">The protocol has a handler already.</exception>
    public IDisposable Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32) => _parts.Swarm.Handle(protocol, handler, maxInboundPerPeer);

    /// <summary>Measures a round trip to a linked peer.</summary>
    /// <exception cref="StarlingException">There is no link to the peer; connect first.</exception>
    public Task<TimeSpan> PingAsync(PeerId peer, CancellationToken cancellationToken = default) => _parts.Swarm.PingAsync(LinkTo(peer), cancellationToken);

    /// <summary>Adds an observer; it is first told of every link that is ready already. Disposing removes it.</summary>
    public IDisposable Observe(ILinkObserver observer) => _parts.Swarm.Observe(observer);

    /// <summary>What happens to the node, beginning with what already holds: its listening addresses and its ready links.</summary>
    /// <remarks>Each reader has a queue of <see cref="StarlingOptions.EventQueue"/> events; a slow one loses the oldest, counted by
    /// <see cref="DroppedEvents"/>. The sequence ends when the node has stopped.</remarks>
    public async IAsyncEnumerable<NodeEvent> EventsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var reader = new NodeEventQueue(_options.EventQueue, () => Interlocked.Increment(ref _droppedEvents));
        _events.Add(reader, () => Addresses.Select(address => new NodeEvent.Listening(address)));

        try
        {
            using var observing = _parts.Swarm.Observe(reader);
            await foreach (var next in reader.Reader.ReadAllAsync(cancellationToken)) yield return next;
        }
        finally
        {
            _events.Remove(reader);
        }
    }

    /// <summary>Stops: leaves topics and discovery, accepts nothing more, says good-bye on every link, cuts what is left at the deadline. Idempotent.</summary>
    /// <param name="deadline">Time for all of it; null takes <see cref="StarlingOptions.StopTimeout"/>.</param>
    public Task StopAsync(TimeSpan? deadline = null)
    {
        lock (_gate) return _stop ??= StopCoreAsync(deadline ?? _options.StopTimeout);
    }

    /// <summary>Stops within <see cref="StarlingOptions.StopTimeout"/> and frees everything.</summary>
    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Stops, blocking the thread; for containers that know no other way. Prefer <see cref="DisposeAsync"/>.</summary>
    void IDisposable.Dispose() => Task.Run(() => StopAsync()).GetAwaiter().GetResult();

    /// <summary>Listens and looks for peers. Once per node.</summary>
    internal Task StartAsync(CancellationToken cancellationToken)
    {
        lock (_gate) return _start ??= StartCoreAsync(cancellationToken);
    }

    private async Task StartCoreAsync(CancellationToken cancellationToken)
    {
        _state = NodeState.Starting;
        _telemetry = TelemetryExport.Start(_options.Telemetry, PeerId);
        await _parts.StartPeersAsync(cancellationToken);
        var addresses = _options.Listen.Count == 0 ? ["/ip4/127.0.0.1/tcp/0"] : _options.Listen;
        foreach (var address in addresses) await ListenAsync(Multiaddr.ParseUserInput(address), cancellationToken);
        await StartAdminAsync(cancellationToken);
        await _parts.StartDiscoveryAsync(cancellationToken);
        lock (_gate) _state = _state == NodeState.Starting ? NodeState.Running : _state;
    }

    private async Task StopCoreAsync(TimeSpan deadline)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var start = _environment.Clock.GetTimestamp();

        // A start that is under way ends first: nothing may come up behind the stop.
        Task starting;
        lock (_gate) starting = _start ?? Task.CompletedTask;
        await starting.WaitAsync(deadline / 4, _environment.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_admin is not null) await _admin.DisposeAsync();
        await DrainForAsync(deadline / 2);
        _state = NodeState.Stopping;
        var left = deadline - _environment.Clock.GetElapsedTime(start);
        await _parts.StopAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        if (_telemetry is not null) await _telemetry.DisposeAsync();
        _state = NodeState.Stopped;
        _events.Complete();
    }

    /// <summary>The address with this node's id, where it can hold one.</summary>
    private Multiaddr Named(Multiaddr address) => address.Components is [.., { Protocol: "unix" }] ? address : address.WithPeerId(PeerId);

    private PeerLink LinkTo(PeerId peer) => _parts.Swarm.FindLink(peer)
        ?? throw new StarlingException($"There is no link to {peer}; connect to it first.");
}
