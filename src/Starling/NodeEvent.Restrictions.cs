using Starling.Protocols.Links;

namespace Starling;

/// <content>The blocklist.</content>
public abstract partial record NodeEvent
{
    /// <summary>A peer, an address or a range was blocked.</summary>
    /// <param name="Entry">The entry.</param>
    public sealed record Blocked(BlockEntry Entry) : NodeEvent;

    /// <summary>A peer, an address or a range is blocked no longer.</summary>
    /// <param name="Entry">The entry.</param>
    /// <param name="HasExpired">Whether its time was over; else somebody took it off the list.</param>
    public sealed record Unblocked(BlockEntry Entry, bool HasExpired) : NodeEvent;
}
