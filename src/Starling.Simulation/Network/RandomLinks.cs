namespace Starling.Simulation;

/// <summary>Keeps a number of links to random nodes: lost ones are dialled again for a while, missing ones are made to anybody who is known.</summary>
/// <remarks>What a node with the default link policy does, without its book-keeping. Who is known is everybody who ever was in the network, dead or alive.</remarks>
internal sealed class RandomLinks(SimulatedNode node) : LinkKeeper(node)
{
    /// <summary>As <c>LinkPolicyOptions</c>: dials at once, dials of one lost neighbour, the first and longest pause between those, and how long the dial of another is waited for.</summary>
    private const int MaxDials = 16;
    private const int MaxAttempts = 8;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly List<Lost> _lost = [];
    private readonly Dictionary<SimulatedNode, Instant> _dialing = [];
    private readonly HashSet<SimulatedNode> _again = [];
    private Instant _timer = Instant.Never;

    public override void Start() => Advance();

    public override void OnUp(SimulatedLink link) => _lost.RemoveAll(lost => lost.Node == link.To);

    public override void OnDown(SimulatedLink link, CloseInfo why)
    {
        if (why.Reason is CloseReason.KeepAliveTimeout or CloseReason.TransportError) _lost.Add(new Lost(link.To) { Next = Network.Simulation.Now + Pause(1) });
        Advance();
    }

    public override void OnDialed(Dial dial, bool linked)
    {
        _dialing.Remove(dial.To);
        if (_again.Remove(dial.To) && !linked && _lost.Find(lost => lost.Node == dial.To) is { } lost)
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

        // Those who look for neighbours find each other: half of what is missing is dialled, the other half dials. Who has lost nearly all leaves nothing to the others.
        var isDeserted = Node.LinkCount * 4 < Network.Options.Links && _lost.Count > 0;
        var wanted = isDeserted ? missing : (missing + 1) / 2;
        var promising = _dialing.Values.Count(begun => now - begun < (isDeserted ? FirstPause : Patience));
        for (var tries = 0; tries < 64 && _dialing.Count + _again.Count < MaxDials && promising < wanted; tries++)
        {
            var found = Network.Nodes[Node.Random.Next(Network.Nodes.Count)];
            if (found != Node && !Node.Links.ContainsKey(found.Id) && !_again.Contains(found) && _dialing.TryAdd(found, now))
            {
                promising++;
                Network.Dial(this, Node, found, null);
            }
        }

        var next = Instant.Never;
        foreach (var lost in _lost)
        {
            if (_again.Contains(lost.Node)) continue;
            if (lost.Next <= now && _again.Count < MaxDials / (isDeserted ? 4 : 2) && _again.Add(lost.Node)) Network.Dial(this, Node, lost.Node, null);
            else next = Sooner(next, lost.Next > now ? lost.Next : now + FirstPause);
        }

        if (next >= _timer) return;
        _timer = next;
        Node.SetKeeperTimer(next - now);
    }

    private static Instant Sooner(Instant left, Instant right) => left < right ? left : right;

    private TimeSpan Pause(int attempt)
    {
        var pause = FirstPause * Math.Pow(2, attempt - 1);
        return Node.Random.Jitter(pause < LongestPause ? pause : LongestPause);
    }

    private sealed class Lost(SimulatedNode node)
    {
        public SimulatedNode Node { get; } = node;

        public Instant Next { get; set; }

        public int Attempts { get; set; } = 1;
    }
}
