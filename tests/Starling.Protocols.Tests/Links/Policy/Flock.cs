using Starling.Protocols.Links.Policy;
using Starling.Protocols.Tests.Discovery;

namespace Starling.Protocols.Tests.Links.Policy;

/// <summary>Many link policies on virtual time, wired by a network that loses links and nodes. It checks what must hold at every step.</summary>
internal sealed class Flock
{
    private readonly PriorityQueue<Action, (Instant At, long Order)> _events = new();
    private readonly Dictionary<PeerId, FlockNode> _byId;
    private long _order;

    public Flock(int count, ulong seed, LinkPolicyOptions options, int known, int budget)
    {
        (Random, Options, Limit) = (RandomSource.Seeded(seed), options, budget);
        Nodes = [.. Enumerable.Range(0, count).Select(i => new FlockNode(this, i))];
        _byId = Nodes.ToDictionary(node => node.Id);
        foreach (var node in Nodes)
        {
            while (node.Known.Count < Math.Min(known, count - 1))
            {
                var other = Nodes[Random.Next(count)];
                if (other != node) node.Known.Add(other);
            }
        }

        // Everybody starts within a second.
        foreach (var node in Nodes) After(TimeSpan.FromSeconds(Random.NextDouble()), node.Start);
    }

    public RandomSource Random { get; }

    public LinkPolicyOptions Options { get; }

    /// <summary>Links that one node may hold.</summary>
    public int Limit { get; }

    public Instant Now { get; private set; } = new(TimeSpan.FromDays(1).Ticks);

    public IReadOnlyList<FlockNode> Nodes { get; }

    public int Dials { get; set; }

    public int Prunes { get; set; }

    public int GaveUp { get; set; }

    public TimeSpan Latency => TimeSpan.FromMilliseconds(5 + (Random.NextDouble() * 45));

    public FlockNode Of(PeerId id) => _byId[id];

    public void After(TimeSpan span, Action what) => _events.Enqueue(what, (Now + span, _order++));

    public void At(Instant when, Action what) => _events.Enqueue(what, (when, _order++));

    public void Run(TimeSpan span)
    {
        var end = Now + span;
        while (_events.TryPeek(out var next, out var due) && due.At <= end)
        {
            _events.Dequeue();
            Now = due.At;
            next();
        }

        Now = end;
    }

    /// <summary>Makes the one link between two nodes, where both have room.</summary>
    public bool TryLink(FlockNode dialler, FlockNode target, LinkKind kind)
    {
        if (!dialler.IsUp || !target.IsUp) return false;
        if (dialler.Links.ContainsKey(target)) return true;
        if (dialler.Links.Count >= Limit || target.Links.Count >= Limit) return false;
        dialler.Up(target, kind, Direction.Outbound);
        target.Up(dialler, kind, Direction.Inbound);
        return true;
    }

    /// <summary>Ends the link between two nodes, if it is still the same one.</summary>
    public void Unlink(FlockNode one, FlockNode other, CloseInfo first, CloseInfo second)
    {
        if (!one.Links.ContainsKey(other)) return;
        one.Down(other, first);
        other.Down(one, second);
    }

    /// <summary>The nodes that are up and reachable from the first of them.</summary>
    public int Reachable()
    {
        var first = Nodes.First(one => one.IsUp);
        var seen = new HashSet<FlockNode> { first };
        var next = new Queue<FlockNode>([first]);
        while (next.TryDequeue(out var node))
        {
            foreach (var other in node.Links.Keys.Where(seen.Add)) next.Enqueue(other);
        }

        return seen.Count;
    }
}

/// <summary>One node of a <see cref="Flock"/>.</summary>
internal sealed class FlockNode(Flock flock, int number)
{
    private readonly Queue<Instant> _begun = new();
    private LinkPolicyCore? _core;
    private int _open;
    private int _timer;

    public PeerId Id { get; } = Peers.Id(number);

    public HashSet<FlockNode> Known { get; } = [];

    public Dictionary<FlockNode, LinkKind> Links { get; } = [];

    public HashSet<FlockNode> Protected { get; } = [];

    public bool IsUp => _core is not null;

    public int Neighbours => Links.Values.Count(kind => kind == LinkKind.Direct);

    private Multiaddr Address { get; } = Multiaddr.Parse($"/ip4/10.{number >> 16}.{(number >> 8) & 255}.{number & 255}/tcp/4001");

    public void Start()
    {
        if (IsUp) return;
        _core = new LinkPolicyCore(Id, flock.Options, flock.Random.Fork($"{number} {flock.Now.Ticks}"));
        (_open, _timer) = (0, _timer + 1);
        foreach (var peer in Protected) _core.Protect(peer.Id, "test");
        foreach (var peer in Known) Do((core, effects) => core.OnFound("known", peer.Id, [peer.Address], true, false, flock.Now, effects));
    }

    /// <summary>Ends as a process does that is killed.</summary>
    public void Kill()
    {
        _core = null;
        foreach (var other in Links.Keys.ToList())
        {
            Links.Remove(other);
            other.Down(this, new CloseInfo(CloseReason.EndOfStream));
        }
    }

    public void Protect(FlockNode other)
    {
        Protected.Add(other);
        _core?.Protect(other.Id, "test");
    }

    public void Up(FlockNode other, LinkKind kind, Direction direction)
    {
        Links.Add(other, kind);
        Do((core, effects) => core.OnLinkUp(other.Id, kind, direction, [other.Address], flock.Now, effects));
    }

    public void Down(FlockNode other, CloseInfo why)
    {
        Links.Remove(other);
        Do((core, effects) => core.OnLinkDown(other.Id, why, flock.Now, effects));
    }

    private void Do(Action<LinkPolicyCore, ICollection<LinkPolicyEffect>> step)
    {
        if (_core is not { } core) return;
        var effects = new List<LinkPolicyEffect>();
        core.Budget = (Links.Count, flock.Limit);
        step(core, effects);
        for (var i = 0; i < effects.Count; i++) CarryOut(core, effects[i], effects);
        Assert.True(Links.Count <= flock.Limit, $"{number} holds {Links.Count} links.");
        Assert.True(core.LinkCount <= Links.Count && core.NeighbourCount <= core.LinkCount, $"{number} counts {core.LinkCount} of {Links.Count} links.");
        Assert.True(core.DialCount == _open && _open <= flock.Options.MaxDials, $"{number} has {_open} dials under way.");
    }

    private void CarryOut(LinkPolicyCore core, LinkPolicyEffect effect, ICollection<LinkPolicyEffect> effects)
    {
        switch (effect)
        {
            case LinkPolicyEffect.Dial dial:
                Begin(core, dial);
                break;
            case LinkPolicyEffect.Close close:
                Close(core, close);
                break;
            case LinkPolicyEffect.AskUse ask:
                core.OnUsed(ask.Peer, core.Find(ask.Peer)!.Since, flock.Now, effects);
                break;
            case LinkPolicyEffect.GaveUp:
                flock.GaveUp++;
                break;
            case LinkPolicyEffect.SetTimer timer:
                var version = ++_timer;
                if (timer.At == Instant.Never) break;
                flock.At(timer.At > flock.Now ? timer.At : flock.Now, () =>
                {
                    if (version == _timer && _core == core) Do((one, more) => one.Tick(flock.Now, more));
                });
                break;
        }
    }

    private void Begin(LinkPolicyCore core, LinkPolicyEffect.Dial dial)
    {
        flock.Dials++;
        _open++;
        var target = flock.Of(dial.Peer!);
        Assert.False(Links.ContainsKey(target), $"{number} dials {target.Id}, to which it is linked.");
        while (_begun.TryPeek(out var begun) && flock.Now - begun >= TimeSpan.FromSeconds(1)) _begun.Dequeue();
        _begun.Enqueue(flock.Now);
        Assert.True(_begun.Count <= flock.Options.MaxDialsPerSecond, $"{number} began {_begun.Count} dials within a second.");
        flock.After(target.IsUp ? flock.Latency : TimeSpan.FromSeconds(3), () =>
        {
            if (_core != core) return;
            var linked = flock.TryLink(this, target, LinkKind.Direct);
            _open--;
            Do((one, effects) => one.OnDialed(dial, linked ? DialOutcome.Linked : DialOutcome.Failed, target.Id, flock.Now, effects));
        });
    }

    private void Close(LinkPolicyCore core, LinkPolicyEffect.Close close)
    {
        flock.Prunes++;
        Assert.Empty(core.Find(close.Peer)!.Protections);
        var target = flock.Of(close.Peer);
        flock.After(flock.Latency, () =>
        {
            if (_core == core) flock.Unlink(this, target, close.Why, new CloseInfo(CloseReason.RemoteClose, RemoteReason: close.Why.Reason));
        });
    }
}
