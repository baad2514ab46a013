using System.Net;
using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

/// <summary>Many mDNS cores on one simulated link and on virtual time: every packet reaches everyone, its sender too.</summary>
internal sealed class MulticastLink(ulong seed = 1)
{
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(1);
    private readonly RandomSource _random = RandomSource.Seeded(seed);
    private readonly PriorityQueue<Action, (Instant, long)> _events = new();
    private long _order;

    public Instant Now { get; private set; } = new(0);

    public List<Node> Nodes { get; } = [];

    /// <summary>Every packet sent: when, by whom, what.</summary>
    public List<(Instant At, Node By, DnsMessage Message)> Packets { get; } = [];

    public IEnumerable<(Instant At, Node By, DnsMessage Message)> Queries => Packets.Where(one => !one.Message.IsResponse);

    public IEnumerable<(Instant At, Node By, DnsMessage Message)> Answers => Packets.Where(one => one.Message.IsResponse);

    public Node Add(MdnsOptions? options = null, string face = "127.0.0.1", params string[] addresses)
    {
        var node = new Node(this, Peers.Id(Nodes.Count), options ?? new MdnsOptions(), face, _random.Fork($"node {Nodes.Count}"));
        Nodes.Add(node);
        node.Listen(addresses.Length > 0 ? addresses : [$"/ip4/127.0.0.1/tcp/{4000 + Nodes.Count}"]);
        return node;
    }

    public void Run(TimeSpan span)
    {
        var end = Now + span;
        while (_events.TryPeek(out var next, out var due) && due.Item1 <= end)
        {
            _events.Dequeue();
            Now = due.Item1;
            next();
        }

        Now = end;
    }

    public void At(Instant when, Action what) => _events.Enqueue(what, (when, _order++));

    /// <summary>Sends raw bytes to everyone, as a stranger would.</summary>
    public void Inject(byte[] packet)
    {
        foreach (var node in Nodes) At(Now + Latency, () => node.Receive(packet));
    }

    internal void Multicast(Node by, byte[] packet)
    {
        Assert.Equal(DnsError.None, DnsMessage.TryRead(packet, out var message));
        Packets.Add((Now, by, message!));
        Inject(packet);
    }

    internal sealed class Node
    {
        private readonly MulticastLink _link;
        private readonly List<DiscoveryEffect> _effects = [];
        private Instant _timer = Instant.Never;

        public Node(MulticastLink link, PeerId id, MdnsOptions options, string face, RandomSource random)
        {
            _link = link;
            Id = id;
            Core = new MdnsCore(id, options, [new MulticastInterface(IPAddress.Parse(face))], random);
        }

        public PeerId Id { get; }

        public MdnsCore Core { get; }

        public Dictionary<PeerId, IReadOnlyList<Multiaddr>> Found { get; } = [];

        public List<(PeerId Peer, Instant At)> FoundEvents { get; } = [];

        /// <summary>How often known peers were heard of again.</summary>
        public int Heard { get; private set; }

        public List<PeerId> LostEvents { get; } = [];

        public List<DiscoveryRefusal> Refused { get; } = [];

        public void Listen(params string[] addresses) =>
            Do(() => Core.SetAddresses([.. addresses.Select(Multiaddr.Parse)], _link.Now, _effects));

        public Node Start()
        {
            Do(() => Core.Start(_link.Now, _effects));
            return this;
        }

        public void Stop() => Do(() => Core.Stop(_effects));

        public void Receive(byte[] packet) => Do(() => Core.Receive(0, packet, _link.Now, _effects));

        private void Do(Action step)
        {
            step();
            foreach (var effect in _effects.ToArray())
            {
                switch (effect)
                {
                    case DiscoveryEffect.Send send: _link.Multicast(this, send.Packet); break;
                    case DiscoveryEffect.Refused refused: Refused.Add(refused.Reason); break;
                    case DiscoveryEffect.Found found:
                        Found[found.Peer!] = found.Addresses;
                        FoundEvents.Add((found.Peer!, _link.Now));
                        break;
                    case DiscoveryEffect.Heard: Heard++; break;
                    case DiscoveryEffect.Lost lost:
                        Found.Remove(lost.Peer!);
                        LostEvents.Add(lost.Peer!);
                        break;
                    case DiscoveryEffect.SetTimer timer:
                        _timer = timer.At;
                        if (timer.At != Instant.Never) _link.At(timer.At > _link.Now ? timer.At : _link.Now, () => Tick(timer.At));
                        break;
                    default: throw new InvalidOperationException(effect.ToString());
                }
            }

            _effects.Clear();
        }

        private void Tick(Instant due)
        {
            if (_timer == due) Do(() => Core.Tick(_link.Now, _effects));
        }
    }
}

/// <summary>Peer ids for tests, the same in every run.</summary>
internal static class Peers
{
    public static PeerId Id(int number)
    {
        var multihash = new byte[34];
        (multihash[0], multihash[1]) = (0x12, 32);
        BitConverter.TryWriteBytes(multihash.AsSpan(2), number);
        return PeerId.FromBytes(multihash);
    }
}
