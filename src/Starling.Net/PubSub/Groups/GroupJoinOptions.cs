using Starling.Protocols.Groups;

namespace Starling.Net.PubSub.Groups;

/// <summary>How a node takes part in a queue group.</summary>
public sealed class GroupJoinOptions : GroupOptions
{
    /// <summary>Peers whose word counts in the group. Default null: everybody who can publish to its control topic, which on a signed topic is every peer.</summary>
    /// <remarks>A member can acknowledge what it never handled. Where strangers may link to the members, list the members here.</remarks>
    public IReadOnlySet<PeerId>? Members { get; set; }

    /// <summary>The queue in front of the group. Default: the publisher's neighbours wait while <see cref="GroupOptions.MaxPending"/> is reached (<see cref="Overflow.Block"/>).</summary>
    public SubscriptionOptions Subscription { get; set; } = new() { WhenFull = Overflow.Block };

    /// <summary>Is told of a message that was handed out as often as it may be, by the member that had it last, or that nobody was left for. Default null: it is only logged and counted.</summary>
    /// <remarks>Called on a thread of the pool; an exception is logged.</remarks>
    public Action<GroupMessage>? OnGivenUp { get; set; }

    internal GroupJoinOptions Clone()
    {
        var copy = (GroupJoinOptions)MemberwiseClone();
        copy.Members = Members?.ToHashSet();
        return copy;
    }
}
