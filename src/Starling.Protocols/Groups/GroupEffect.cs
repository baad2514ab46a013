namespace Starling.Protocols.Groups;

/// <summary>What a group asks its shell to do, or tells it.</summary>
public enum GroupEffectKind
{
    /// <summary>Publish <see cref="GroupEffect{T}.Frame"/> to the other members.</summary>
    Send,

    /// <summary>Hand the message to a handler.</summary>
    Deliver,

    /// <summary>The message is no longer the handler's: its time is over, or another member has handled it. Cancel it.</summary>
    TakeBack,

    /// <summary>The message was handed out as often as it may be and nobody acknowledged it.</summary>
    GivenUp,

    /// <summary>This member leaves, and there is nobody to whom it could give the message.</summary>
    Abandoned,

    /// <summary>A member is there: <see cref="GroupEffect{T}.Peer"/>.</summary>
    MemberJoined,

    /// <summary>A member is gone, or was not heard of for too long.</summary>
    MemberLeft,
}

/// <summary>One effect, to be carried out in order.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Key">The message.</param>
/// <param name="Item">The message as it was offered.</param>
/// <param name="Attempt">How often it was handed out in the group, this time included.</param>
/// <param name="IsRedelivered">Whether another delivery may have come before this one.</param>
/// <param name="Frame">What to publish.</param>
/// <param name="Peer">The member.</param>
/// <typeparam name="T">What is handled; the core does not look at it.</typeparam>
public readonly record struct GroupEffect<T>(
    GroupEffectKind Kind, GroupKey Key = default, T? Item = default, int Attempt = 0, bool IsRedelivered = false, ReadOnlyMemory<byte> Frame = default, PeerId? Peer = null);

/// <summary>What became of a message that was offered.</summary>
public enum GroupOffer
{
    /// <summary>It is kept until it was handled.</summary>
    Taken,

    /// <summary>It is here, or was handled, already.</summary>
    Known,

    /// <summary>As many are kept as may be: offer it again once some were handled.</summary>
    Full,
}

/// <summary>What a group has counted. One thread writes; any thread may read.</summary>
public sealed class GroupCounters
{
    private readonly long[] _counts = new long[Enum.GetValues<GroupCount>().Length];

    /// <summary>How often this happened.</summary>
    public long Of(GroupCount what) => Volatile.Read(ref _counts[(int)what]);

    internal void Count(GroupCount what) => Volatile.Write(ref _counts[(int)what], _counts[(int)what] + 1);
}

/// <summary>What a group counts.</summary>
public enum GroupCount
{
    /// <summary>Messages handed out here.</summary>
    Delivered,

    /// <summary>Those among them that may have been handed out before.</summary>
    Redelivered,

    /// <summary>Messages acknowledged here.</summary>
    Acknowledged,

    /// <summary>Messages that were refused here by their handler.</summary>
    Refused,

    /// <summary>Messages that were not acknowledged here in time.</summary>
    TimedOut,

    /// <summary>Messages taken over here because their member was silent about them.</summary>
    TakenOver,

    /// <summary>Messages given to a member with less to do.</summary>
    Shared,

    /// <summary>Messages given up here.</summary>
    GivenUp,

    /// <summary>Messages that nobody was left for when this member left.</summary>
    Abandoned,

    /// <summary>Copies of messages that were known.</summary>
    Duplicates,

    /// <summary>Messages that found no room and wait outside.</summary>
    Full,

    /// <summary>Handled messages forgotten early because as many were remembered as may be.</summary>
    DoneEvicted,

    /// <summary>What was said in the group and is no frame.</summary>
    BadFrames,

    /// <summary>What was said by somebody who may not be a member.</summary>
    Strangers,

    /// <summary>What was said by a member beyond <see cref="GroupOptions.MaxMembers"/>.</summary>
    TooManyMembers,
}
