using Starling.Protocols.Spread;

namespace Starling.Protocols.Tests.Spread;

/// <summary>Cores linked as a graph, on virtual time; whatever they send arrives through the codec, on links that keep their order, otherwise in an order drawn from a seed.</summary>
internal sealed class SpreadGraph
{
    public const uint News = 2000;

    private readonly RandomSource _random;
    private readonly List<(SpreadNode From, SpreadNode To, Queue<byte[]> Wire)> _wires = [];
    private readonly List<SpreadEffect> _effects = [];

    public SpreadGraph(int size, ulong seed = 1, SpreadOptions? options = null, SpreadRules? rules = null)
    {
        Options = options ?? new SpreadOptions { Degree = 0 };
        _random = RandomSource.Seeded(seed);
        Nodes = [.. Enumerable.Range(0, size).Select(number => new SpreadNode(number, new SpreadCore(IdOf(number), Options, _random.Fork($"{number}"))))];
        foreach (var node in Nodes) node.Core.SetKind(News, rules ?? new SpreadRules(Deliver: true));
    }

    public SpreadOptions Options { get; }

    public IReadOnlyList<SpreadNode> Nodes { get; }

    public Instant Now { get; set; } = new(TimeSpan.TicksPerDay);

    /// <summary>Items put on wires so far.</summary>
    public int Copies { get; private set; }

    /// <summary>A graph in which each node has about so many neighbours, not necessarily in one piece.</summary>
    public static SpreadGraph Random(int size, int degree, ulong seed, SpreadOptions? options = null)
    {
        var graph = new SpreadGraph(size, seed, options);
        for (var i = 0; i < size * degree / 2; i++)
        {
            var (left, right) = (graph._random.Next(size), graph._random.Next(size));
            if (left != right && !graph.Neighbours(left).Contains(right)) graph.Link(left, right);
        }

        return graph;
    }

    public static PeerId IdOf(int number)
    {
        var multihash = new byte[34];
        multihash[0] = 0x12;
        multihash[1] = 32;
        BitConverter.TryWriteBytes(multihash.AsSpan(2), number);
        return PeerId.FromBytes(multihash);
    }

    public IEnumerable<int> Neighbours(int node) => _wires.Where(wire => wire.From == Nodes[node]).Select(wire => wire.To.Number);

    /// <summary>Hops from a node to every node that it reaches.</summary>
    public Dictionary<int, int> Distances(int from)
    {
        var distances = new Dictionary<int, int> { [from] = 0 };
        var line = new Queue<int>([from]);
        while (line.TryDequeue(out var next))
        {
            foreach (var neighbour in Neighbours(next))
            {
                if (distances.TryAdd(neighbour, distances[next] + 1)) line.Enqueue(neighbour);
            }
        }

        return distances;
    }

    public void Link(int left, int right, bool direct = true)
    {
        foreach (var (from, to) in new[] { (Nodes[left], Nodes[right]), (Nodes[right], Nodes[left]) })
        {
            if (!_wires.Any(wire => wire.From == from && wire.To == to)) _wires.Add((from, to, new Queue<byte[]>()));
            from.Core.AddPeer(to.Id, direct, Now, _effects);
            CarryOut(from);
        }
    }

    public void Unlink(int left, int right)
    {
        foreach (var (from, to) in new[] { (Nodes[left], Nodes[right]), (Nodes[right], Nodes[left]) })
        {
            _wires.RemoveAll(wire => wire.From == from && wire.To == to);
            from.Core.RemovePeer(to.Id);
        }
    }

    public SpreadItem Publish(int node, int ttl = 0, byte[]? payload = null, uint kind = News)
    {
        var item = new SpreadItem(SpreadId.New(_random), Nodes[node].Id, kind, ttl, payload ?? [1, 2, 3]);
        Assert.True(Nodes[node].Core.Publish(item, Now, _effects));
        CarryOut(Nodes[node]);
        return item;
    }

    public bool Reply(int node, SpreadItem to, byte[] payload)
    {
        var passed = Nodes[node].Core.Reply(new SpreadReply(to.Key, to.Kind, payload), Now, _effects);
        CarryOut(Nodes[node]);
        return passed;
    }

    /// <summary>Something that a hostile neighbour sends.</summary>
    public void Inject(int from, int to, Action<SpreadFrame> fill)
    {
        var frame = new SpreadFrame();
        fill(frame);
        Receive(Nodes[from], Nodes[to], Encode(frame));
    }

    public void Judge(int node, SpreadKey key, SpreadVerdict verdict)
    {
        Nodes[node].Core.Judge(key, verdict, Now, _effects);
        CarryOut(Nodes[node]);
    }

    public bool Reject(int node, SpreadKey key)
    {
        var found = Nodes[node].Core.Reject(key, Now, _effects);
        CarryOut(Nodes[node]);
        return found;
    }

    public void Tick()
    {
        foreach (var node in Nodes)
        {
            node.Core.Tick(Now, _effects);
            CarryOut(node);
        }
    }

    /// <summary>Delivers until nothing is under way.</summary>
    public void Settle()
    {
        while (true)
        {
            var busy = _wires.Where(wire => wire.Wire.Count > 0).ToArray();
            if (busy.Length == 0) return;
            var (from, to, wire) = busy[_random.Next(busy.Length)];
            Receive(from, to, wire.Dequeue());
        }
    }

    private void Receive(SpreadNode from, SpreadNode to, byte[] bytes)
    {
        var frame = new SpreadFrame();
        Assert.Equal(SpreadRefusal.None, SpreadCodec.Decode(bytes, Options, frame));
        foreach (var item in frame.Items) to.Core.Receive(from.Id, item, Now, _effects);
        foreach (var reply in frame.Replies) to.Core.ReceiveReply(from.Id, reply, Now, _effects);
        to.Core.ReceiveHave(from.Id, frame.Have, Now, _effects);
        to.Core.ReceiveWant(from.Id, frame.Want, Now, _effects);
        CarryOut(to);
        bytes.AsSpan().Clear();
    }

    private void CarryOut(SpreadNode node)
    {
        for (var i = 0; i < _effects.Count; i++)
        {
            var effect = _effects[i];
            var frame = new SpreadFrame();
            switch (effect.Kind)
            {
                case SpreadEffectKind.Deliver:
                    node.Delivered.Add((effect.Item!, effect.Peer));
                    continue;
                case SpreadEffectKind.DeliverReply:
                    node.Replies.Add(effect.Reply!.Payload.ToArray());
                    continue;
                case SpreadEffectKind.Validate:
                    node.Asked.Add(effect.Item!);
                    continue;
                case SpreadEffectKind.StopValidating:
                    node.Stopped.Add(effect.Item!);
                    continue;
                case SpreadEffectKind.Verify:
                    if (SpreadSignature.Verify(effect.Item!) is var why and not SpreadRefusal.None) node.Core.Refuse(why);
                    else node.Core.Accept(effect.Peer, effect.Item!, Now, _effects);
                    continue;
                case SpreadEffectKind.Refused:
                    Assert.NotEqual(SpreadRefusal.None, effect.Why);
                    node.Refusals.Add((effect.Peer, effect.Why));
                    continue;
                case SpreadEffectKind.Send:
                    frame.Items.Add(effect.Item!);
                    Copies++;
                    Assert.InRange(effect.Item!.Ttl, 1, Options.MaxTtl);
                    break;
                case SpreadEffectKind.SendReply:
                    frame.Replies.Add(effect.Reply!);
                    break;
                case SpreadEffectKind.SendHave:
                    foreach (var key in effect.Keys!) frame.Have.Add(key);
                    break;
                default:
                    foreach (var key in effect.Keys!) frame.Want.Add(key);
                    break;
            }

            _wires.Single(wire => wire.From == node && wire.To.Id == effect.Peer).Wire.Enqueue(Encode(frame));
        }

        _effects.Clear();
    }

    private static byte[] Encode(SpreadFrame frame)
    {
        var bytes = new byte[SpreadCodec.SizeOf(frame)];
        Assert.Equal(bytes.Length, SpreadCodec.Write(bytes, frame));
        return bytes;
    }
}

internal sealed record SpreadNode(int Number, SpreadCore Core)
{
    public PeerId Id => Core.LocalPeer;

    public List<(SpreadItem Item, PeerId From)> Delivered { get; } = [];

    public List<byte[]> Replies { get; } = [];

    public List<SpreadItem> Asked { get; } = [];

    public List<SpreadItem> Stopped { get; } = [];

    public List<(PeerId From, SpreadRefusal Why)> Refusals { get; } = [];
}
