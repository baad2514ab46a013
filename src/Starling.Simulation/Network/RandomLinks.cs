namespace Starling.Simulation;

/// <summary>Keeps a number of links to random nodes: lost ones are dialled again for a while, missing ones are made to anybody who is known.</summary>
/// <remarks>What a node with the default link policy does, without its book-keeping. Who is known is everybody who ever was in the network, dead or alive.</remarks>
internal sealed class RandomLinks(SimulatedNode node) : LinkKeeper(node)
{
    /// <summary>As <c>LinkPolicyOptions</c>: dials at once, dials of one lost neighbour, and the first and longest pause between those.</summary>
    private const int MaxDials = 8;
    private const int MaxAttempts = 8;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    private readonly List<Lost> _lost = [];
    private readonly HashSet<int> _dialing = [];
    private Instant _timer = Instant.Never;

    public override void Start() => Advance();

    public override void OnUp(SimulatedLink link) => _lost.RemoveAll(lost => lost.Node == link.To.Index);

    public override void OnDown(SimulatedLink link, CloseInfo why)
    {
        if (why.Reason is CloseReason.KeepAliveTimeout or CloseReason.TransportError) _lost.Add(new Lost(link.To.Index) { Next = Network.Simulation.Now + Pause(1) });
        Advance();
    }

    public override void OnDialed(Dial dial, bool linked)
    {
        _dialing.Remove(dial.To.Index);
        if (!linked && _lost.Find(lost => lost.Node == dial.To.Index) is { } lost)
        {
            lost.Next = Network.Simulation.Now + Pause(++lost.Attempts);
            if (lost.Attempts >= MaxAttempts) _lost.Remove(lost);
        }

        Advance();
    }

    public override void Tick()
    {
        _timer = Instant.Never;
        Advance();
    }

    private void Advance()
    {
        if (!Network.IsStarted) return;
        var now = Network.Simulation.Now;
        var missing = Network.Options.Links - Node.LinkCount;

        // Those who look for neighbours find each other: half of what is missing is dialled, the other half dials.
        for (var wanted = (missing + 1) / 2; wanted > _dialing.Count && _dialing.Count < MaxDials;)
        {
            var found = Network.Nodes[Node.Random.Next(Network.Nodes.Count)];
            if (found != Node && !Node.Links.ContainsKey(found.Id)) Dial(found);
            else if (Node.LinkCount + _dialing.Count >= Network.Nodes.Count - 1) break;
        }

        var next = Instant.Never;
        foreach (var lost in _lost)
        {
            if (_dialing.Contains(lost.Node)) continue;
            if (lost.Next <= now && _dialing.Count < MaxDials) Dial(Network.Nodes[lost.Node]);
            else if (lost.Next < next) next = lost.Next > now ? lost.Next : now + FirstPause;
        }

        if (next >= _timer) return;
        _timer = next;
        Node.SetKeeperTimer(next - now);
    }

    private void Dial(SimulatedNode to)
    {
        if (_dialing.Add(to.Index)) Network.Dial(this, Node, to, null);
    }

    private TimeSpan Pause(int attempt)
    {
        var pause = FirstPause * Math.Pow(2, attempt - 1);
        return Node.Random.Jitter(pause < LongestPause ? pause : LongestPause);
    }

    private sealed class Lost(int node)
    {
        public int Node { get; } = node;

        public Instant Next { get; set; }

        public int Attempts { get; set; } = 1;
    }
}
