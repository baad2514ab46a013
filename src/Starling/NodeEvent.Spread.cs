using Starling.Net.Spread;
using Starling.Protocols.Spread;

namespace Starling;

/// <content>Spread.</content>
public abstract partial record NodeEvent
{
    /// <summary>A neighbour sent something by spread that was refused: a kind that nobody here knows, a signature that does not hold, a frame that is none… At most once a second for each neighbour and reason.</summary>
    /// <param name="From">The neighbour; not necessarily the origin.</param>
    /// <param name="Kind">The item's kind, as it claims; 0 where there is none.</param>
    /// <param name="Why">Why.</param>
    /// <param name="Count">How many there were since the last such event, this one included.</param>
    public sealed record SpreadRefused(PeerId From, uint Kind, SpreadRefusal Why, long Count) : NodeEvent;

    /// <summary>The handler of a kind of spread was slow and lost the oldest items that waited for it. At most once a second for each kind.</summary>
    /// <param name="Kind">The kind.</param>
    /// <param name="Count">How many since the last such event.</param>
    public sealed record SpreadDropped(SpreadKind Kind, long Count) : NodeEvent;

    internal static NodeEvent? Of(SpreadEvent happened) => happened switch
    {
        SpreadEvent.Refused refused => new SpreadRefused(refused.From, refused.Kind, refused.Why, refused.Count),
        SpreadEvent.Dropped dropped => new SpreadDropped(dropped.Kind, dropped.Count),
        _ => null,
    };
}
