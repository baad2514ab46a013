namespace Starling;

/// <summary>What a <see cref="ResourceBudget"/> counts.</summary>
public enum ResourceKind
{
    /// <summary>Handshakes under way, both directions.</summary>
    Handshakes,

    /// <summary>Links, from upgraded to closed.</summary>
    Links,

    /// <summary>Streams open over all links.</summary>
    Streams,

    /// <summary>Bytes of receive window granted beyond the initial window, over all links.</summary>
    WindowBytes,

    /// <summary>Bytes waiting in queues: topics, subscribers, outbound.</summary>
    QueueBytes,
}

/// <summary>Whose limit it is; a metric tag.</summary>
public enum ResourceLevel
{
    /// <summary>The node's.</summary>
    Node,

    /// <summary>One peer's.</summary>
    Peer,

    /// <summary>One address's.</summary>
    Address,
}

/// <summary>From which something is taken before it is allocated, and to which it is given back: a node's budget, or a scope of it. Safe for all threads.</summary>
public interface IResourceBudget
{
    /// <summary>Takes an amount, or refuses and counts the refusal.</summary>
    bool TryAcquire(ResourceKind kind, long amount = 1);

    /// <summary>Gives back what was taken.</summary>
    void Release(ResourceKind kind, long amount = 1);
}
