namespace Starling;

/// <summary>Where a node is in its life.</summary>
public enum NodeState
{
    /// <summary>Made, not started.</summary>
    Created,

    /// <summary>Begins to listen and to look for peers.</summary>
    Starting,

    /// <summary>Accepts links and work.</summary>
    Running,

    /// <summary>Accepts no new links or calls, and finishes what is under way.</summary>
    Draining,

    /// <summary>Ends its links.</summary>
    Stopping,

    /// <summary>Over.</summary>
    Stopped,
}
