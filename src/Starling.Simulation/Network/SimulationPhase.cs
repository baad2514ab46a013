namespace Starling.Simulation;

/// <summary>A stretch of a run, and what became of the messages that were published in it.</summary>
public sealed class SimulationPhase
{
    internal SimulationPhase(string name, bool isMeasured, TimeSpan begin) => (Name, IsMeasured, Begin) = (name, isMeasured, begin);

    /// <summary>What it is called in reports.</summary>
    public string Name { get; }

    /// <summary>Whether its messages count in the figures of the whole run.</summary>
    public bool IsMeasured { get; }

    /// <summary>When it began.</summary>
    public TimeSpan Begin { get; }

    /// <summary>Messages published.</summary>
    public int Messages { get; internal set; }

    /// <summary>Pairs of a message and a node that was to get it: honest, subscribed, up for the settling time before and for the grace time after, and on the origin's side of a partition.</summary>
    public long Expected { get; internal set; }

    /// <summary>Those among them that came about.</summary>
    public long Delivered { get; internal set; }

    /// <summary>Copies that arrived at honest nodes, the first ones included.</summary>
    public long Copies { get; internal set; }

    /// <summary>First copies that arrived at honest nodes, expected or not.</summary>
    public long FirstCopies { get; internal set; }

    /// <summary>Deliveries of a message that the node had delivered before. There must be none.</summary>
    public long Repeated { get; internal set; }

    /// <summary>From publishing to delivery, of each delivery that was expected.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>The share of what was expected that was delivered; 1 when nothing was.</summary>
    public double Delivery => Expected == 0 ? 1 : (double)Delivered / Expected;

    /// <summary>How often a node that got a message got it.</summary>
    public double CopiesPerMessage => FirstCopies == 0 ? 0 : (double)Copies / FirstCopies;

    internal void Add(SimulationPhase other)
    {
        Messages += other.Messages;
        Expected += other.Expected;
        Delivered += other.Delivered;
        Copies += other.Copies;
        FirstCopies += other.FirstCopies;
        Repeated += other.Repeated;
        Latency.Add(other.Latency);
    }
}
