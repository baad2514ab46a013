namespace Starling.Simulation;

/// <content>Links: the first ones, and those that are dialled later.</content>
public sealed partial class SimulatedNetwork
{
    /// <summary>The time after which a silence that begins now is noticed.</summary>
    internal TimeSpan DrawDetection() => Options.Detection.Shortest + ((Options.Detection.Longest - Options.Detection.Shortest) * _random.NextDouble());

    internal BandwidthModel? BandwidthOf(SimulatedLink link) =>
        Options.SlowBandwidth is { } slow && (IsSlow(link.From) || IsSlow(link.To)) ? slow : Options.Bandwidth;

    /// <summary>Begins a dial; its end goes to the keeper.</summary>
    internal void Dial(LinkKeeper keeper, SimulatedNode from, SimulatedNode to, object? tag)
    {
        var dial = new Dial(keeper, to, DrawLatency(from, to), tag);
        var roundTrip = dial.Latency * 2;
        if (Answers(from, to))
        {
            from.DialEnds(dial, roundTrip * Options.DialRoundTrips);
            return;
        }

        dial.IsHopeless = true;
        from.DialEnds(dial, to is { IsUp: false, Refuses: true } && !IsCut(from, to) ? roundTrip : Options.DialTimeout.Ticks);
    }

    internal void EndDial(SimulatedNode from, Dial dial)
    {
        if (from.Links.TryGetValue(dial.To.Id, out var known) && known.Back.IsOpen)
        {
            dial.Keeper.OnDialed(dial, linked: true);
            return;
        }

        var linked = !dial.IsHopeless && Answers(from, dial.To);
        if (linked)
        {
            Counters.Dialled++;
            Link(from, dial.To, dial.Latency);
        }
        else
        {
            Counters.DialsFailed++;
        }

        dial.Keeper.OnDialed(dial, linked);
    }

    private bool Answers(SimulatedNode from, SimulatedNode to) => to.IsUp && !IsCut(from, to);

    private bool IsSlow(SimulatedNode node) => node.Processing > TimeSpan.Zero;

    private long DrawLatency(SimulatedNode from, SimulatedNode to) => Math.Max(1, Options.Latency.OneWay(from.Index, to.Index, _random).Ticks);

    private static void Link(SimulatedNode from, SimulatedNode to, long latency)
    {
        var link = SimulatedLink.Open(from, to, latency);
        from.Add(link);
        to.Add(link.Back);
    }

    /// <summary>Links every node with random others until it has as many links as it is to have.</summary>
    private void LinkAll()
    {
        var wanted = Math.Min(Options.Links, _nodes.Length - 1);
        var order = _nodes.ToArray();
        _random.Shuffle(order.AsSpan());
        foreach (var node in order)
        {
            while (node.LinkCount < wanted)
            {
                var other = _nodes[_random.Next(_nodes.Length)];
                if (other != node && !node.Links.ContainsKey(other.Id)) Link(node, other, DrawLatency(node, other));
            }
        }
    }
}
