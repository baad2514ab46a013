namespace Starling.Simulation;

/// <summary>A dial under way.</summary>
internal sealed class Dial(LinkKeeper keeper, SimulatedNode to, long latency, object? tag)
{
    public LinkKeeper Keeper { get; } = keeper;

    public SimulatedNode To { get; } = to;

    public long Latency { get; } = latency;

    public object? Tag { get; } = tag;

    /// <summary>Known at the start: nobody answers, and that takes its time.</summary>
    public bool IsHopeless { get; set; }
}

/// <summary>Which links a node makes. One for each time that a node runs.</summary>
internal abstract class LinkKeeper(SimulatedNode node)
{
    protected SimulatedNode Node { get; } = node;

    protected SimulatedNetwork Network => Node.Network;

    /// <summary>The node has started.</summary>
    public abstract void Start();

    public abstract void OnUp(SimulatedLink link);

    /// <summary>A link has ended, as this node sees it.</summary>
    public abstract void OnDown(SimulatedLink link, CloseInfo why);

    /// <summary>A dial ended, with a link or without.</summary>
    public abstract void OnDialed(Dial dial, bool linked);

    /// <summary>The timer that was set is due.</summary>
    public abstract void Tick();
}
