namespace Starling.Simulation;

/// <content>What goes wrong.</content>
public sealed partial class SimulatedNetwork
{
    private bool _isCut;

    /// <summary>A node stops without a word: its neighbours notice only after a time, and dials of it get no answer.</summary>
    public void Crash(SimulatedNode node) => Stop(node, silently: true);

    /// <summary>This share of all nodes, chosen at random, stops without a word and at once.</summary>
    public void Crash(double share)
    {
        foreach (var node in Draw(share)) Crash(node);
    }

    /// <summary>A node stops and says so to its neighbours.</summary>
    public void Leave(SimulatedNode node) => Stop(node, silently: false);

    /// <summary>A node that is down starts anew: with nothing but its name, and with links that it dials.</summary>
    public void Restart(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (!node.IsUp) node.Start();
    }

    /// <summary>Nodes come and go from now on, for a time: each event stops one that is up, at random with or without a word, and starts it again later.</summary>
    /// <param name="perSecond">Nodes that stop in a second.</param>
    /// <param name="time">How long this goes on.</param>
    /// <param name="down">How long a node stays away, before a jitter of half either way.</param>
    public void Churn(double perSecond, TimeSpan time, TimeSpan down)
    {
        for (var i = 0; i < perSecond * time.TotalSeconds; i++)
        {
            Simulation.After(_random.NextDouble() * time, () =>
            {
                var node = AnyHonest();
                Stop(node, silently: _random.Next(2) == 0);
                Simulation.After(_random.Jitter(down), () => Restart(node));
            });
        }
    }

    /// <summary>Cuts the network: no frame passes between nodes of different sides, and nobody is told. Links are given up when the silence is noticed.</summary>
    /// <param name="share">The share of nodes, chosen at random, on side 1; the others are on side 0.</param>
    public void Partition(double share)
    {
        foreach (var node in _nodes) node.Side = 0;
        foreach (var node in Draw(share)) node.Side = 1;
        _isCut = true;
        foreach (var link in _nodes.SelectMany(node => node.Links.Values))
        {
            if (IsCut(link.From, link.To)) link.FallSilent(DrawDetection());
        }
    }

    /// <summary>Ends the partition: links that nobody has given up carry what they held, the others are dialled again by those who miss them.</summary>
    public void Heal()
    {
        if (!_isCut) return;
        _isCut = false;
        foreach (var link in _nodes.SelectMany(node => node.Links.Values))
        {
            if (link.From.Side != link.To.Side && link.To.IsUp) link.Resume();
        }
    }

    /// <summary>This share of all nodes, chosen at random, takes a time for each message and has the bandwidth of slow nodes.</summary>
    public void Slow(double share, TimeSpan processing)
    {
        foreach (var node in Draw(share)) node.Processing = processing;
    }

    /// <summary>This share of all nodes, chosen at random, works against the protocol from now on.</summary>
    /// <param name="share">From 0 to 1.</param>
    /// <param name="behaviour">What each does, made for each.</param>
    public void Corrupt(double share, Func<NodeBehaviour> behaviour)
    {
        ArgumentNullException.ThrowIfNull(behaviour);
        foreach (var node in Draw(share)) node.Behaviour = behaviour();
    }

    /// <summary>Links a node with more random others, as one does that wants to be in everybody's way.</summary>
    public void LinkMore(SimulatedNode node, int links)
    {
        ArgumentNullException.ThrowIfNull(node);
        for (var added = 0; added < links && node.LinkCount < _nodes.Length - 1;)
        {
            var other = _nodes[_random.Next(_nodes.Length)];
            if (other == node || !other.IsUp || node.Links.ContainsKey(other.Id)) continue;
            Link(node, other, DrawLatency(node, other));
            added++;
        }
    }

    internal bool IsCut(SimulatedNode from, SimulatedNode to) => _isCut && from.Side != to.Side;

    private void Stop(SimulatedNode node, bool silently)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (!node.IsUp) return;
        node.Stop(silently);
        _log.Excuse(node.Index, Simulation.Now - Options.Grace);
    }

    private IEnumerable<SimulatedNode> Draw(double share)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var order = _nodes.Where(node => node.IsUp).ToArray();
        _random.Shuffle(order.AsSpan());
        return order.Take((int)Math.Round(share * _nodes.Length));
    }
}
