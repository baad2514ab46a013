using System.Net;
using Starling.Net.Spread;

namespace Starling.Gateways.Gossip;

/// <summary>Something that happened at a gossip API.</summary>
public abstract record GossipEvent
{
    private GossipEvent()
    {
    }

    /// <summary>A client has connected.</summary>
    /// <param name="Client">Its number, from 1.</param>
    /// <param name="Address">Where it connected from.</param>
    public sealed record ClientConnected(long Client, EndPoint? Address) : GossipEvent;

    /// <summary>A client's connection has ended.</summary>
    /// <param name="Client">Its number.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="LostNotifications">Notifications that still waited for it.</param>
    public sealed record ClientClosed(long Client, GossipCloseReason Reason, int LostNotifications) : GossipEvent;

    /// <summary>A client has registered for a type.</summary>
    /// <param name="Client">Its number.</param>
    /// <param name="DataType">The type.</param>
    public sealed record Registered(long Client, ushort DataType) : GossipEvent;

    /// <summary>A client has announced something.</summary>
    /// <param name="Client">Its number.</param>
    /// <param name="DataType">What it is.</param>
    /// <param name="Bytes">How much.</param>
    /// <param name="Outcome">What became of it here.</param>
    /// <param name="Status">What became of it beyond, or null when it does not spread.</param>
    /// <param name="Neighbours">How many neighbours it was queued to.</param>
    public sealed record Announced(long Client, ushort DataType, int Bytes, GossipAnnounceOutcome Outcome, SpreadPublishStatus? Status, int Neighbours) : GossipEvent;

    /// <summary>The verdict on a message from the network is there.</summary>
    /// <param name="Origin">The node that announced it; proved by its signature.</param>
    /// <param name="DataType">What it is.</param>
    /// <param name="Bytes">How much.</param>
    /// <param name="Outcome">The verdict; <see cref="GossipOutcome.Dropped"/> also where no client is registered for the type.</param>
    public sealed record Judged(PeerId Origin, ushort DataType, int Bytes, GossipOutcome Outcome) : GossipEvent;
}
