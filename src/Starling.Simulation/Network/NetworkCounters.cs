namespace Starling.Simulation;

/// <summary>What the links of a network have carried.</summary>
public sealed class NetworkCounters
{
    /// <summary>Data frames that left their sender, one message each.</summary>
    public long Data { get; private set; }

    /// <summary>Control frames that left their sender: subscriptions, grafts, prunes, lists of ids.</summary>
    public long Control { get; private set; }

    /// <summary>Bytes that left their sender.</summary>
    public long Bytes { get; private set; }

    /// <summary>Data frames for which there was no room in a link's or a slow node's queue.</summary>
    public long Shed { get; internal set; }

    /// <summary>Frames that went to nobody: lost by the loss model, or sent to a node that was down or had closed the link.</summary>
    public long Lost { get; internal set; }

    /// <summary>Links made after the start.</summary>
    public long Dialled { get; internal set; }

    /// <summary>Dials that failed.</summary>
    public long DialsFailed { get; internal set; }

    internal void Count(bool control, int size)
    {
        Bytes += size;
        if (control) Control++;
        else Data++;
    }
}
