using System.Net;
using System.Text;
using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

/// <summary>Many SSDP cores on one simulated link and on virtual time: what is sent to the group reaches everyone, its sender too, the rest who it is for.</summary>
internal sealed class SsdpLink(ulong seed = 1)
{
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(1);
    private readonly RandomSource _random = RandomSource.Seeded(seed);
    private readonly PriorityQueue<Action, (Instant, long)> _events = new();
    private long _order;

    public static IPEndPoint Group { get; } = new(IPAddress.Parse("239.255.255.250"), 1900);

    public Instant Now { get; private set; } = new(0);

    public List<Node> Nodes { get; } = [];

    /// <summary>Every packet sent: when, by whom, what, and to whom, where null is the group.</summary>
    public List<(Instant At, Node By, SsdpMessage Message, IPEndPoint? To)> Packets { get; } = [];

    public int Count(SsdpKind kind) => Packets.Count(one => one.Message.Kind == kind);

    public Node Add(SsdpOptions? options = null, string face = "127.0.0.1", bool listenOnly = false, params string[] addresses)
    {
        var node = new Node(this, Nodes.Count, options ?? new SsdpOptions(), face, listenOnly, _random.Fork($"node {Nodes.Count}"));
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

    public void Run(double seconds) => Run(TimeSpan.FromSeconds(seconds));

    /// <summary>Sends text to everyone, as a stranger would.</summary>
    public void Inject(string packet, string from = "127.0.0.1:9") => Deliver(Encoding.ASCII.GetBytes(packet), IPEndPoint.Parse(from), null);

    private void At(Instant when, Action what) => _events.Enqueue(what, (when, _order++));

    private void Deliver(byte[] packet, IPEndPoint from, IPEndPoint? to)
    {
        foreach (var node in Nodes.Where(one => to is null || one.Endpoint.Equals(to))) At(Now + Latency, () => node.Receive(from, packet));
    }

    internal sealed class Node
    {
        private readonly SsdpLink _link;
        private readonly List<DiscoveryEffect> _effects = [];
        private Instant _timer = Instant.Never;

        public Node(SsdpLink link, int number, SsdpOptions options, string face, bool listenOnly, RandomSource random)
        {
            _link = link;
            Id = Peers.Id(number);
            Endpoint = new IPEndPoint(IPAddress.Parse(face), 50_000 + number);
            Core = new SsdpCore(Id, options, Group, [new MulticastInterface(IPAddress.Parse(face), face.StartsWith("127.", StringComparison.Ordinal) ? 8 : 24)], random, listenOnly);
        }

        public PeerId Id { get; }

        public IPEndPoint Endpoint { get; }

        public SsdpCore Core { get; }

        /// <summary>Who is known now, by id or, without one, by address.</summary>
        public Dictionary<object, IReadOnlyList<Multiaddr>> Found { get; } = [];

        public int FoundEvents { get; private set; }

        public int Heard { get; private set; }

        public List<object> LostEvents { get; } = [];

        public List<DiscoveryRefusal> Refused { get; } = [];

        public Node Start()
        {
            Do(now => Core.Start(now, _effects));
            return this;
        }

        public void Listen(params string[] addresses) => Do(now => Core.SetAddresses([.. addresses.Select(Multiaddr.Parse)], now, _effects));

        public void Stop() => Do(_ => Core.Stop(_effects));

        public void Search() => Do(now => Core.Search(now, _effects));

        public void Beacon(bool isOn, double seconds = 20) => Do(now => Core.SetBeacon(isOn, TimeSpan.FromSeconds(seconds), now, _effects));

        public void Receive(IPEndPoint from, byte[] packet) => Do(now => Core.Receive(0, from, packet, now, _effects));

        private void Do(Action<Instant> step)
        {
            step(_link.Now);
            foreach (var effect in _effects.ToArray()) CarryOut(effect);
            _effects.Clear();
        }

        private void CarryOut(DiscoveryEffect effect)
        {
            switch (effect)
            {
                case DiscoveryEffect.Send send:
                    Assert.Null(SsdpMessage.Read(send.Packet, out var message));
                    _link.Packets.Add((_link.Now, this, message!, send.To));
                    _link.Deliver(send.Packet, Endpoint, send.To);
                    break;
                case DiscoveryEffect.Found found:
                    FoundEvents++;
                    Found[found.Peer is { } id ? id : found.Addresses[0]] = found.Addresses;
                    break;
                case DiscoveryEffect.Heard: Heard++; break;
                case DiscoveryEffect.Lost lost:
                    object key = lost.Peer is { } gone ? gone : lost.Addresses[0];
                    Assert.True(Found.Remove(key));
                    LostEvents.Add(key);
                    break;
                case DiscoveryEffect.Refused refused: Refused.Add(refused.Reason); break;
                case DiscoveryEffect.SetTimer timer:
                    _timer = timer.At;
                    if (timer.At != Instant.Never) _link.At(timer.At > _link.Now ? timer.At : _link.Now, () => Tick(timer.At));
                    break;
                default: throw new InvalidOperationException(effect.ToString());
            }
        }

        private void Tick(Instant due)
        {
            if (_timer == due) Do(now => Core.Tick(now, _effects));
        }
    }
}
