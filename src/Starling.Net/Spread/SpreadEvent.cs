using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>Something that a user of spread may want to know.</summary>
public abstract record SpreadEvent
{
    private SpreadEvent()
    {
    }

    /// <summary>A neighbour sent something that was refused: an unknown kind, a signature that does not hold, a frame that is none…</summary>
    /// <param name="From">The neighbour; not necessarily the origin.</param>
    /// <param name="Kind">The item's kind, as it claims; 0 where there is none.</param>
    /// <param name="Why">Why.</param>
    /// <param name="Count">How many there were for this reason and from this neighbour since the last such event, this one included. One event a second at most.</param>
    public sealed record Refused(PeerId From, uint Kind, SpreadRefusal Why, long Count) : SpreadEvent;

    /// <summary>A kind's handler was slow and lost the oldest items that waited for it.</summary>
    /// <param name="Kind">The kind.</param>
    /// <param name="Count">How many since the last such event. One event a second at most.</param>
    public sealed record Dropped(SpreadKind Kind, long Count) : SpreadEvent;
}
