using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

/// <summary>Two link cores joined by a model of the network in which every message takes a random time.</summary>
internal sealed class LinksPair
{
    private readonly RandomSource _random;
    private readonly PriorityQueue<Action, (long Due, long Order)> _events = new();
    private readonly Dictionary<long, Wire> _wires = [];
    private long _order;
    private long _lastWire;

    public LinksPair(RandomSource random, LinksOptions? options = null)
    {
        _random = random;
        Small = new End(this, TestPeers.Get(1), options);
        Large = new End(this, TestPeers.Get(2), options);
        if (Small.Id.CompareTo(Large.Id) > 0) (Small, Large) = (Large, Small);
    }

    public End Small { get; }

    public End Large { get; }

    public Instant Now { get; private set; }

    /// <summary>Chance of a hundred that a fresh link is lost before it is upgraded at the far end.</summary>
    public int LossPercent { get; set; }

    public void Later(int maxDelay, Action what) => _events.Enqueue(what, (Now.Ticks + 1 + _random.Next(maxDelay), _order++));

    public void Run()
    {
        for (var steps = 0; steps < 100_000; steps++)
        {
            var deadline = Small.Core.NextDeadline < Large.Core.NextDeadline ? Small.Core.NextDeadline : Large.Core.NextDeadline;
            if (_events.TryPeek(out _, out var next) && next.Due <= deadline.Ticks)
            {
                Now = new Instant(next.Due);
                _events.Dequeue()();
            }
            else if (deadline != Instant.Never)
            {
                Now = deadline;
                Small.Call((core, effects) => core.Tick(Now, effects));
                Large.Call((core, effects) => core.Tick(Now, effects));
            }
            else
            {
                return;
            }
        }

        Assert.Fail("The two ends never come to rest.");
    }

    private End Other(End end) => end == Small ? Large : Small;

    private void Dial(End dialler, DialId dial)
    {
        var wire = new Wire(++_lastWire);
        _wires.Add(wire.Id, wire);
        var lost = _random.Next(100) < LossPercent;
        Later(1000, () =>
        {
            wire.UpAt.Add(dialler);
            dialler.Call((core, effects) => core.LinkUp(new LinkId(wire.Id), Other(dialler).Id, dial, Now, effects));
            var other = Other(dialler);
            Later(1000, () =>
            {
                if (wire.Down is not null) return;
                if (lost)
                {
                    Cut(wire, new CloseInfo(CloseReason.TransportError));
                    return;
                }

                wire.UpAt.Add(other);
                other.Call((core, effects) => core.LinkUp(new LinkId(wire.Id), dialler.Id, null, Now, effects));
            });
        });
    }

    /// <summary>An adopted link asks the far end to identify itself, which answers once it has adopted the link too.</summary>
    private void Adopt(End end, LinkId id)
    {
        var wire = _wires[id.Value];
        wire.Adopted.Add(end);
        if (wire.Adopted.Count < 2) return;
        foreach (var each in new[] { Small, Large })
        {
            Later(1000, () =>
            {
                if (wire.Down is null) each.Call((core, effects) => core.LinkIdentified(id, Now, effects));
            });
        }
    }

    private void Cut(Wire wire, CloseInfo why)
    {
        if (wire.Down is not null) return;
        wire.Down = why;
        foreach (var end in wire.UpAt) Later(1000, () => end.Call((core, effects) => core.LinkDown(new LinkId(wire.Id), why, Now, effects)));
    }

    internal sealed class End(LinksPair pair, PeerId id, LinksOptions? options)
    {
        private long _lastDial;

        public PeerId Id { get; } = id;

        public LinksCore Core { get; } = new(id, options);

        public List<LinkEffect> Trace { get; } = [];

        public LinkId? Current { get; private set; }

        public Dictionary<DialId, LinkEffect> Dials { get; } = [];

        public DialId Connect()
        {
            var dial = new DialId(++_lastDial);
            Call((core, effects) => core.DialStarted(dial, pair.Other(this).Id, effects));
            return dial;
        }

        public void Call(Action<LinksCore, ICollection<LinkEffect>> what)
        {
            var effects = new List<LinkEffect>();
            what(Core, effects);
            Trace.AddRange(effects);
            foreach (var effect in effects) CarryOut(effect);
        }

        private void CarryOut(LinkEffect effect)
        {
            switch (effect)
            {
                case LinkEffect.BeginDial begin:
                    pair.Dial(this, begin.Dial);
                    break;
                case LinkEffect.CompleteDial complete:
                    Dials.Add(complete.Dial, complete);
                    break;
                case LinkEffect.FailDial fail:
                    Dials.Add(fail.Dial, fail);
                    break;
                case LinkEffect.Adopt adopt:
                    pair.Adopt(this, adopt.Link);
                    break;
                case LinkEffect.Connected connected:
                    Assert.Null(Current);
                    Current = connected.Link;
                    break;
                case LinkEffect.Disconnected disconnected:
                    Assert.Equal(Current, disconnected.Link);
                    Current = null;
                    break;
                case LinkEffect.Close close:
                    pair.Cut(pair._wires[close.Link.Value], close.Why);
                    break;
                case LinkEffect.Probe probe:
                    pair.Later(1000, () => Call((core, effects) => core.ProbeEnded(probe.Link, pair._wires[probe.Link.Value].Down is null, pair.Now, effects)));
                    break;
            }
        }
    }

    private sealed class Wire(long id)
    {
        public long Id { get; } = id;

        public HashSet<End> UpAt { get; } = [];

        public HashSet<End> Adopted { get; } = [];

        public CloseInfo? Down { get; set; }
    }
}
