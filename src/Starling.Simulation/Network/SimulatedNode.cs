using Starling.Protocols.PubSub;

namespace Starling.Simulation;

/// <summary>A node: a router core, its links, and what keeps them. Changed by its network only.</summary>
public sealed class SimulatedNode : EventTarget
{
    private const int RouterTimer = 1;
    private const int KeeperTimer = 2;
    private const int DialEnded = 3;

    private readonly Dictionary<PeerId, SimulatedLink> _links = [];
    private long _busyUntil;

    internal SimulatedNode(SimulatedNetwork network, int index)
    {
        (Network, Index) = (network, index);
        Random = network.Simulation.Random.Fork(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"node/{index}"));
        Id = NewId(Random);
    }

    /// <summary>Its number: from 0 to one less than there are nodes.</summary>
    public int Index { get; }

    /// <summary>Its name on the wire.</summary>
    public PeerId Id { get; }

    /// <summary>Whether it runs.</summary>
    public bool IsUp { get; private set; }

    /// <summary>When it last began to run.</summary>
    public Instant UpSince { get; private set; }

    /// <summary>What it does against the protocol; null on an honest node.</summary>
    public NodeBehaviour? Behaviour { get; internal set; }

    /// <summary>Its side of a partition.</summary>
    public int Side { get; internal set; }

    /// <summary>The time that each message takes it to process; zero on a node that is not slow.</summary>
    public TimeSpan Processing { get; internal set; }

    /// <summary>Links that it holds to be there, dead ones included that it has not noticed.</summary>
    public int LinkCount => _links.Count;

    /// <summary>The nodes that it holds to be linked with.</summary>
    public IEnumerable<SimulatedNode> Neighbours => _links.Values.Select(link => link.To);

    /// <summary>The router; a new one after each start.</summary>
    public PubSubCore Router => Gossip.Core;

    /// <summary>The network that it is part of.</summary>
    public SimulatedNetwork Network { get; }

    internal RandomSource Random { get; }

    /// <summary>Where it can be dialled, for those who keep addresses.</summary>
    internal IReadOnlyList<Multiaddr> Addresses => field ??= [Multiaddr.Memory((ulong)Index + 1)];

    internal GossipRouter Gossip { get; private set; } = null!;

    internal LinkKeeper Keeper { get; private set; } = null!;

    internal IReadOnlyDictionary<PeerId, SimulatedLink> Links => _links;

    /// <summary>Whether a dial of it fails at once, since its machine is there and it is not, or only after a time.</summary>
    internal bool Refuses { get; private set; }

    internal override long TraceId => Index;

    /// <summary>Sends control to a neighbour as if the router had said so. Does nothing when there is no link.</summary>
    public void Send(in PubSubEffect effect) => Gossip.Carry(in effect);

    internal void Start()
    {
        IsUp = true;
        UpSince = Network.Simulation.Now;
        _busyUntil = 0;
        Gossip = new GossipRouter(this);
        Keeper = Network.Options.NewKeeper(this);
        Gossip.Start();
        if (Network.IsStarted) Keeper.Start();
    }

    /// <summary>Stops it; with a good-bye to its neighbours, or without a word.</summary>
    internal void Stop(bool silently)
    {
        IsUp = false;
        Refuses = !silently;
        foreach (var link in _links.Values)
        {
            if (silently) link.Back.FallSilent(Network.DrawDetection());
            else link.Send(FrameKind.Closed, SimulatedLink.Stopping, 40);
            link.IsOpen = false;
        }

        _links.Clear();
    }

    /// <summary>A link to another node is ready.</summary>
    internal void Add(SimulatedLink link)
    {
        // A link made anew replaces one whose end was not noticed.
        if (_links.TryGetValue(link.To.Id, out var old)) Lose(old, SimulatedLink.Gone);
        _links.Add(link.To.Id, link);
        Gossip.AddPeer(link);
        Keeper.OnUp(link);
    }

    /// <summary>A link has ended, as far as this node knows.</summary>
    internal void Lose(SimulatedLink link, CloseInfo why)
    {
        if (!link.IsOpen) return;
        link.IsOpen = false;
        _links.Remove(link.To.Id);
        Gossip.RemovePeer(link.To.Id);
        Keeper.OnDown(link, why);
    }

    /// <summary>Closes a link with a word to the other end.</summary>
    internal void Close(PeerId peer, CloseInfo why)
    {
        if (!_links.TryGetValue(peer, out var link)) return;
        link.Send(FrameKind.Closed, new CloseInfo(CloseReason.RemoteClose, RemoteReason: why.Reason), 40);
        Lose(link, why);
    }

    internal void Receive(SimulatedLink link, FrameKind kind, object? payload) => Gossip.Receive(link.From, kind, payload);

    /// <summary>Whether a frame must wait until those before it are processed, and how long; -1 when there is no room.</summary>
    internal bool WaitOfNext(bool control, out long wait)
    {
        wait = 0;
        if (Processing == TimeSpan.Zero) return false;
        var now = Network.Simulation.Now.Ticks;
        var begin = Math.Max(now, _busyUntil);
        if (!control && (begin - now) / Processing.Ticks >= Network.Options.SlowQueue)
        {
            wait = -1;
            return true;
        }

        _busyUntil = control ? begin : begin + Processing.Ticks;
        wait = _busyUntil - now;
        return wait > 0;
    }

    internal void SetRouterTimer(long ticks) => Network.Simulation.Add(ticks, this, RouterTimer, Gossip);

    internal void SetKeeperTimer(TimeSpan after) => Network.Simulation.Add(Math.Max(0, after.Ticks), this, KeeperTimer, Keeper);

    internal void DialEnds(Dial dial, long ticks) => Network.Simulation.Add(ticks, this, DialEnded, dial);

    internal override void Handle(int kind, object? payload)
    {
        if (!IsUp) return;
        switch (kind)
        {
            case RouterTimer when payload == Gossip: Gossip.Tick(); break;
            case KeeperTimer when payload == Keeper: Keeper.Tick(); break;
            case DialEnded when ((Dial)payload!).Keeper == Keeper: Network.EndDial(this, (Dial)payload); break;
        }
    }

    /// <summary>An id that looks like one with an Ed25519 key in it; nobody has the key.</summary>
    private static PeerId NewId(RandomSource random)
    {
        Span<byte> bytes = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20, .. new byte[32]];
        random.Fill(bytes[6..]);
        return PeerId.FromBytes(bytes);
    }
}
