namespace Starling;

/// <summary>How long a link is meant to last.</summary>
public enum LinkKind
{
    /// <summary>Made for a purpose, such as asking to join: closed when it was unused for a while, not made again, first to be pruned.</summary>
    Transient,

    /// <summary>A link to a neighbour: kept, and made again when it is lost.</summary>
    Direct,
}

/// <summary>How much a link matters to this node: whom to send to first, and whom to prune last.</summary>
public enum LinkPriority
{
    /// <summary>Pruned first, served last.</summary>
    Low,

    /// <summary>The default.</summary>
    Medium,

    /// <summary>Pruned last, served first.</summary>
    High,
}
