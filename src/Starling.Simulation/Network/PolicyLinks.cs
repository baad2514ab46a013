using Starling.Protocols.Links.Policy;

namespace Starling.Simulation;

/// <summary>The shell of a node's link-policy core: dials and closes what it says, tells it what became of that.</summary>
/// <remarks>Discovery is the simplest that there is: each node is told of some random others when it starts, and of some more each time that it looks.</remarks>
internal sealed class PolicyLinks : LinkKeeper
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(10);

    private readonly LinkPolicyCore _core;
    private readonly List<LinkPolicyEffect> _effects = [];
    private Instant _timer = Instant.Never;
    private Instant _nextLook;
    private Instant _set = Instant.Never;
    private bool _carrying;

    public PolicyLinks(SimulatedNode node, LinkPolicyOptions options)
        : base(node) => _core = new LinkPolicyCore(node.Id, options, node.Random.Fork("links"));

    private Instant Now => Network.Simulation.Now;

    public override void Start()
    {
        Find(Network.Options.Known);
        _nextLook = Now + Node.Random.Jitter(Look);
        Carry();
    }

    public override void OnUp(SimulatedLink link)
    {
        _core.OnLinkUp(link.To.Id, LinkKind.Direct, link.IsOutbound ? Direction.Outbound : Direction.Inbound, link.To.Addresses, Now, _effects);
        Carry();
    }

    public override void OnDown(SimulatedLink link, CloseInfo why)
    {
        _core.OnLinkDown(link.To.Id, why, Now, _effects);
        Carry();
    }

    public override void OnDialed(Dial dial, bool linked)
    {
        _core.OnDialed((LinkPolicyEffect.Dial)dial.Tag!, linked ? DialOutcome.Linked : DialOutcome.Failed, linked ? dial.To.Id : null, Now, _effects);
        Carry();
    }

    public override void Tick()
    {
        if (Now >= _set) _set = Instant.Never;
        if (Now >= _nextLook)
        {
            _nextLook = Now + Node.Random.Jitter(Look);
            if (_core.NeighbourCount < _core.WantedNeighbours) Find(Network.Options.Known / 8);
        }

        if (Now >= _timer)
        {
            _timer = Instant.Never;
            _core.Tick(Now, _effects);
        }

        Carry();
    }

    private void Find(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var found = Network.Nodes[Node.Random.Next(Network.Nodes.Count)];
            if (found != Node) _core.OnFound("known", found.Id, found.Addresses, isMutual: false, isPersistent: false, Now, _effects);
        }
    }

    private void Carry()
    {
        // Closing a link calls the core again; what it adds is carried out by the loop that runs.
        if (_carrying) return;
        _carrying = true;
        for (var i = 0; i < _effects.Count; i++)
        {
            switch (_effects[i])
            {
                case LinkPolicyEffect.Dial dial:
                    Network.Dial(this, Node, Network.Find(dial.Peer!), dial);
                    break;
                case LinkPolicyEffect.Close close:
                    Node.Close(close.Peer, close.Why);
                    break;
                case LinkPolicyEffect.SetTimer timer:
                    _timer = timer.At;
                    break;
                case LinkPolicyEffect.AskUse ask:
                    _core.OnUsed(ask.Peer, Now, Now, _effects);
                    break;
            }
        }

        _effects.Clear();
        _carrying = false;
        var due = _timer < _nextLook ? _timer : _nextLook;
        if (due >= _set) return;
        _set = due;
        Node.SetKeeperTimer(due - Now);
    }
}
