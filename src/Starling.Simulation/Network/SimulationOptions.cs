using Starling.Protocols.Links.Policy;
using Starling.Protocols.PubSub;

namespace Starling.Simulation;

/// <summary>What a simulated network is like. To be set before the network is made.</summary>
public sealed class SimulationOptions
{
    /// <summary>Nodes. Default 1,000, from 2 to 1,000,000. Each takes about 100 KiB, most of it for its links and the ids that its router remembers.</summary>
    public int Nodes { get; set; } = 1000;

    /// <summary>All chance comes from this number. Default 1.</summary>
    public ulong Seed { get; set; } = 1;

    /// <summary>Links that a node has at least, to random others. Default 12, as many neighbours as a node looks for by default.</summary>
    public int Links { get; set; } = 12;

    /// <summary>Has the link-policy core of each node make and keep its links, to nodes among those that it knows. Default null: links are random, and
    /// kept by a simple rule. About 20 KiB more for each node.</summary>
    public LinkPolicyOptions? LinkPolicy { get; set; }

    /// <summary>Random others that each link-policy core is told of at the start. Default 64.</summary>
    public int Known { get; set; } = 64;

    /// <summary>How long frames travel. Default: 50 ms one way on every link, a round trip of 100 ms.</summary>
    public LatencyModel Latency { get; set; } = LatencyModel.Constant(TimeSpan.FromMilliseconds(50));

    /// <summary>Which frames get lost. Default: none.</summary>
    public LossModel Loss { get; set; } = LossModel.None;

    /// <summary>What a link carries. Default null: as much as is sent.</summary>
    public BandwidthModel? Bandwidth { get; set; }

    /// <summary>What a link to or from a slow node carries. Default null: as <see cref="Bandwidth"/>.</summary>
    public BandwidthModel? SlowBandwidth { get; set; }

    /// <summary>The shortest and longest time after which the silence of a neighbour is noticed. Default 4.5 and 7 seconds, those of a node's health monitor by default.</summary>
    public (TimeSpan Shortest, TimeSpan Longest) Detection { get; set; } = (TimeSpan.FromSeconds(4.5), TimeSpan.FromSeconds(7));

    /// <summary>Round trips from the begin of a dial to a ready link: TCP, TLS, the choice of protocols, identify. Default 4.</summary>
    public int DialRoundTrips { get; set; } = 4;

    /// <summary>The time after which a dial that nobody answers fails. Default 15 seconds, that of a node.</summary>
    public TimeSpan DialTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The topic that all nodes follow. Default <c>simulation</c>.</summary>
    public string Topic { get; set; } = "simulation";

    /// <summary>Bytes of a published message on the wire. Default 256.</summary>
    public int MessageBytes { get; set; } = 256;

    /// <summary>Messages that are published in a second, in the whole network. Default 10.</summary>
    public double MessagesPerSecond { get; set; } = 10;

    /// <summary>How long a scenario lets the network find together before anything happens, more than the few heartbeats that this takes. Default 10 seconds.</summary>
    public TimeSpan WarmUp { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a scenario waits for late messages in the end. Default 10 seconds.</summary>
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the partition of that scenario lasts, and then the healing before anything is measured. Default 30 seconds.</summary>
    public TimeSpan CutFor { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the measured part of a scenario lasts. Default 30 seconds.</summary>
    public TimeSpan Duration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The options of every router. Defaults: those of a node.</summary>
    public PubSubOptions Router { get; set; } = new();

    /// <summary>How long a node must have been up for a message to be expected of it. Default 5 seconds.</summary>
    public TimeSpan Settling { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long after a message was published a node must still be up for the message to be expected of it. Default 10 seconds.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Messages that wait at a slow node; further ones are shed and counted. Default 1,000.</summary>
    public int SlowQueue { get; set; } = 1000;

    /// <summary>Frames that a link holds for the time when a partition ends; further ones are lost and counted. Default 4,096.</summary>
    public int MaxHeldFrames { get; set; } = 4096;

    /// <summary>What neighbours hold each other to speak. Default gossipsub 1.2.</summary>
    public PubSubPeerKind PeerKind { get; set; } = PubSubPeerKind.Mesh12;

    internal LinkKeeper NewKeeper(SimulatedNode node) => LinkPolicy is null ? new RandomLinks(node) : new PolicyLinks(node, LinkPolicy);

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Nodes, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Nodes, 1_000_000);
        ArgumentOutOfRangeException.ThrowIfLessThan(Links, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(DialRoundTrips, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MessageBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Detection.Longest, Detection.Shortest);
        ArgumentOutOfRangeException.ThrowIfNegative(Known);
        if (LinkPolicy is not null) OptionProblems.ThrowIfAny(LinkPolicy);
        Router.Validate();
    }
}
