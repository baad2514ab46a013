namespace Starling.Simulation;

/// <summary>Something that events happen to: a node, a link, or a user's action.</summary>
public abstract class EventTarget
{
    private protected EventTarget()
    {
    }

    /// <summary>Tells targets apart in the trace; the same in every run.</summary>
    internal abstract long TraceId { get; }

    /// <summary>The event happens now.</summary>
    internal abstract void Handle(int kind, object? payload);
}

/// <summary>An event that waits for its time. A struct in a pool: scheduling allocates nothing.</summary>
internal struct SimulatedEvent
{
    public long Time;
    public long Order;
    public EventTarget? Target;
    public object? Payload;
    public int Kind;

    /// <summary>The next event of the same slot of the wheel, or of the free list; -1 ends it.</summary>
    public int Next;
}
