namespace Starling.Simulation;

/// <summary>The scenarios that come with the simulator. Each warms up first, and ends with a time in which nothing is published.</summary>
public static class Scenarios
{
    /// <summary>Nothing goes wrong.</summary>
    public static Scenario Steady { get; } = new("steady", "Nothing goes wrong.", network =>
    {
        network.Run(network.Options.WarmUp);
        Measure(network, "steady");
        network.Run(network.Options.Drain);
    });

    /// <summary>Nodes come and go.</summary>
    public static Scenario Churn { get; } = new("churn", "Every second one node of 200 stops, half of them without a word, and comes back after about 30 seconds.", network =>
    {
        network.Run(network.Options.WarmUp);
        network.Churn(network.Nodes.Count / 200.0, network.Options.Duration, down: TimeSpan.FromSeconds(30));
        Measure(network, "churn");
        network.Run(network.Options.Drain);
    });

    /// <summary>The network is cut in halves and healed.</summary>
    public static Scenario Partition { get; } = new("partition", "The network is cut in two halves for 30 seconds, unnoticed at first; 30 seconds after it is healed both halves get every message again.", network =>
    {
        network.Run(network.Options.WarmUp);
        network.Partition(0.5);
        Fill(network, "cut", network.Options.CutFor);
        network.Heal();
        Fill(network, "healing", network.Options.CutFor);
        Measure(network, "healed");
        network.Run(network.Options.Drain);
    });

    /// <summary>Half of the nodes crash.</summary>
    public static Scenario Crash50 { get; } = Crash("crash50", "Half of the nodes crash at once and silently; measured are the messages after 10 heartbeats.", 0.5, heartbeats: 10);

    /// <summary>Four of five nodes crash.</summary>
    public static Scenario Crash80 { get; } = Crash("crash80", "Four of five nodes crash at once and silently; measured are the messages after 30 heartbeats.", 0.8, heartbeats: 30);

    /// <summary>Some nodes are slow.</summary>
    public static Scenario Slow { get; } = new(
        "slow",
        "One node of ten takes 10 ms for each message and has links of 64 kB/s.",
        network =>
        {
            network.Slow(0.1, TimeSpan.FromMilliseconds(10));
            network.Run(network.Options.WarmUp);
            Measure(network, "slow");
            network.Run(network.Options.Drain);
        },
        options => options.SlowBandwidth = new BandwidthModel(64_000, 64 << 10));

    /// <summary>A fifth of the nodes attacks.</summary>
    public static Scenario Sybil { get; } = Against(
        "sybil", "One node of five is an attacker's: with twice the links it grafts itself into every mesh, forwards nothing, and advertises messages that do not exist.", () => new SybilBehaviour(), moreLinks: true);

    /// <summary>A fifth of the nodes forwards nothing.</summary>
    public static Scenario Censor { get; } = Against("censor", "One node of five takes part in everything and hands no message on.", () => new CensorBehaviour(), moreLinks: false);

    /// <summary>The network loses frames.</summary>
    public static Scenario Lossy { get; } = new(
        "lossy",
        "Regions of the world; 2% of frames are lost on the way and come late, with those behind them.",
        network =>
        {
            network.Run(network.Options.WarmUp);
            Measure(network, "lossy");
            network.Run(network.Options.Drain);
        },
        options => (options.Latency, options.Loss) = (LatencyModel.World(), new LossModel(0.02)));

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Scenario> All { get; } = [Steady, Churn, Partition, Crash50, Crash80, Slow, Sybil, Censor, Lossy];

    /// <summary>The scenario of this name, or null.</summary>
    public static Scenario? Find(string name) => All.FirstOrDefault(scenario => scenario.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static Scenario Crash(string name, string description, double share, int heartbeats) => new(name, description, network =>
    {
        network.Run(network.Options.WarmUp);
        network.Crash(share);
        Fill(network, "recovering", network.Options.Router.Gossip.HeartbeatInterval * heartbeats);
        Measure(network, "recovered");
        network.Run(network.Options.Drain);
    });

    private static Scenario Against(string name, string description, Func<NodeBehaviour> behaviour, bool moreLinks) => new(name, description, network =>
    {
        network.Corrupt(0.2, behaviour);
        foreach (var node in network.Nodes)
        {
            if (moreLinks && node.Behaviour is not null) network.LinkMore(node, network.Options.Links);
        }

        network.Run(network.Options.WarmUp);
        Measure(network, name);
        network.Run(network.Options.Drain);
    });

    private static void Measure(SimulatedNetwork network, string phase)
    {
        network.BeginPhase(phase);
        Publish(network, network.Options.Duration);
    }

    /// <summary>Goes on publishing while something settles.</summary>
    private static void Fill(SimulatedNetwork network, string phase, TimeSpan time)
    {
        network.BeginPhase(phase, isMeasured: false);
        Publish(network, time);
    }

    private static void Publish(SimulatedNetwork network, TimeSpan time)
    {
        network.PublishWithin((int)Math.Ceiling(time.TotalSeconds * network.Options.MessagesPerSecond), time);
        network.Run(time);
    }
}
