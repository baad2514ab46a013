namespace Starling.Simulation;

/// <summary>A network of nodes on virtual time: each runs the router core that a live node runs, over links that behave as the options say.</summary>
/// <remarks>Made, let run and changed by one thread: publish, crash, cut and heal between two calls of <see cref="Run"/>, or from an action that was
/// scheduled. The same options and calls give the same run, event for event. Networks share nothing; several may run side by side.</remarks>
public sealed partial class SimulatedNetwork
{
    private readonly SimulatedNode[] _nodes;
    private readonly DeliveryLog _log;
    private readonly RandomSource _random;
    private readonly CancellationToken _cancelled;
    private readonly Dictionary<PeerId, SimulatedNode> _byId = [];

    /// <summary>Makes the nodes and links them, at time zero. They begin to talk when time passes.</summary>
    /// <param name="options">What it is like; not to be changed any more.</param>
    /// <param name="cancellationToken">Ends <see cref="Run"/> between two events.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message says which.</exception>
    public SimulatedNetwork(SimulationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        Options = options;
        _cancelled = cancellationToken;
        Simulation = new Simulation(options.Seed);
        _random = Simulation.Random.Fork("network");
        _log = new DeliveryLog(options.Nodes);
        BeginPhase("begin", isMeasured: false);
        _nodes = new SimulatedNode[options.Nodes];
        for (var i = 0; i < _nodes.Length; i++) _nodes[i] = new SimulatedNode(this, i);
        foreach (var node in _nodes) node.Start();
        if (options.LinkPolicy is null) LinkAll();
        IsStarted = true;
        foreach (var node in _nodes) node.Keeper.Start();
    }

    /// <summary>The options, which are not to be changed any more.</summary>
    public SimulationOptions Options { get; }

    /// <summary>The clock and the events.</summary>
    public Simulation Simulation { get; }

    /// <summary>Every node, up or down.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>What the links have carried.</summary>
    public NetworkCounters Counters { get; } = new();

    /// <summary>The stretches of the run so far.</summary>
    public IReadOnlyList<SimulationPhase> Phases => _log.Phases;

    /// <summary>Whether the first links are made.</summary>
    internal bool IsStarted { get; }

    /// <summary>Lets virtual time pass.</summary>
    /// <exception cref="OperationCanceledException">The run was cancelled between two events.</exception>
    public void Run(TimeSpan time) => Simulation.Run(time, _cancelled);

    /// <summary>From now on published messages count in a new stretch of the run.</summary>
    /// <param name="name">What it is called in reports.</param>
    /// <param name="isMeasured">Whether its messages count in the figures of the whole run.</param>
    public SimulationPhase BeginPhase(string name, bool isMeasured = true)
    {
        var phase = new SimulationPhase(name, isMeasured, Simulation.Elapsed);
        _log.Begin(phase);
        return phase;
    }

    /// <summary>Publishes a message at a node that is up.</summary>
    /// <exception cref="ArgumentException">The node is down.</exception>
    public void Publish(SimulatedNode origin)
    {
        ArgumentNullException.ThrowIfNull(origin);
        if (!origin.IsUp) throw new ArgumentException($"Node {origin.Index} is down and publishes nothing.", nameof(origin));
        var message = _log.Publish(Simulation.Now);
        foreach (var node in _nodes)
        {
            if (node == origin || !node.IsUp || node.Behaviour is not null || IsCut(origin, node) || Simulation.Now - node.UpSince < SettlingOf(node)) continue;
            message.Expect(node.Index);
            message.Phase.Expected++;
        }

        origin.Gossip.Publish(message.Number);
    }

    /// <summary>Schedules messages from random honest nodes that are up then, at random times within a span.</summary>
    /// <param name="count">How many.</param>
    /// <param name="within">From now on.</param>
    public void PublishWithin(int count, TimeSpan within)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        for (var i = 0; i < count; i++) Simulation.After((i + _random.NextDouble()) / count * within, PublishAnywhere);
    }

    /// <summary>A random node that is up and honest.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public SimulatedNode AnyHonest()
    {
        for (var tries = 0; tries < 100_000; tries++)
        {
            var node = _nodes[_random.Next(_nodes.Length)];
            if (node.IsUp && node.Behaviour is null) return node;
        }

        throw new InvalidOperationException("Hardly any node is up and honest.");
    }

    /// <summary>The node of this name. There is one.</summary>
    internal SimulatedNode Find(PeerId id)
    {
        if (_byId.Count == 0)
        {
            foreach (var node in _nodes) _byId.Add(node.Id, node);
        }

        return _byId[id];
    }

    internal void OnCopy(SimulatedNode node, ulong number)
    {
        if (node.Behaviour is null) _log.CountCopy(number);
    }

    internal void OnDelivered(SimulatedNode node, ulong number)
    {
        Simulation.Trace((long)number);
        if (node.Behaviour is null) _log.Deliver(number, node.Index, Simulation.Now);
    }

    private void PublishAnywhere() => Publish(AnyHonest());

    /// <summary>Those that were there from the begin are settled at once: the network is warmed up before anything is measured.</summary>
    private TimeSpan SettlingOf(SimulatedNode node) => node.UpSince.Ticks == 0 ? TimeSpan.Zero : Options.Settling;
}
