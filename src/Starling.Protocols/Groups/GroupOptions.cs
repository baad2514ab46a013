namespace Starling.Protocols.Groups;

/// <summary>How one member of a group works. The members of a group should use the same times.</summary>
public class GroupOptions : ICheckedOptions
{
    /// <summary>Messages handed out at once and not yet acknowledged. Default 16, at least 1. Handlers run at the same time up to this many; 1 for one after the other.</summary>
    public int MaxInFlight { get; set; } = 16;

    /// <summary>How long a message may be handled before it is taken away and handed to another member. Default 30 seconds, more than zero.</summary>
    public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Pause before a message whose handler failed is handed out again. Default 1 second, not negative.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a message is handed out in the whole group before it is given up, which is told and counted. Default 10; 0 never gives up.</summary>
    /// <remarks>A member that died with a message counts as well, so that a message that kills whoever handles it does not kill the group.</remarks>
    public int MaxAttempts { get; set; } = 10;

    /// <summary>How often a member says that it is there. Default 1 second, at least 50 ms. Costs one small message each time.</summary>
    public TimeSpan BeatInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Silence after which a member is taken for dead and its messages are handed to others. Default 4 seconds, at least two <see cref="BeatInterval"/>.</summary>
    public TimeSpan MemberTimeout { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>How long a message may be without an acknowledgement or a sign that somebody has it before another member takes it. Default 5 seconds, at least three <see cref="BeatInterval"/>.</summary>
    public TimeSpan TakeoverAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a new member listens for others before it takes messages. Default 1.5 seconds, at least one <see cref="BeatInterval"/>. What comes meanwhile is kept.</summary>
    public TimeSpan SettleTime { get; set; } = TimeSpan.FromSeconds(1.5);

    /// <summary>How long a message waits for a busy member before an idle one gets it. Default 1 second, more than zero.</summary>
    public TimeSpan ShareAfter { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a member that leaves lets handlers end. Default 5 seconds, not negative. Then their messages are handed to others.</summary>
    public TimeSpan LeaveTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Messages of the whole group, not yet acknowledged, that this member keeps. Default 16,384, at least 1. While there are as many no more are read.</summary>
    public int MaxPending { get; set; } = 16_384;

    /// <summary>Bytes of those. Default 64 MiB, at least 1. A single larger message is taken when nothing else is there.</summary>
    public long MaxPendingBytes { get; set; } = 64 << 20;

    /// <summary>Acknowledged messages that are remembered, so that late copies are not handled again. Default 65,536, at least 1, of about 120 bytes each; for 10 minutes.</summary>
    public int MaxDone { get; set; } = 65_536;

    /// <summary>Members of the group that are known. Default 256, at least 1. More are ignored and counted.</summary>
    public int MaxMembers { get; set; } = 256;

    /// <inheritdoc/>
    public virtual void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Least(MaxInFlight, 1, nameof(MaxInFlight));
        problems.Positive(AckTimeout, nameof(AckTimeout));
        problems.NotNegative(RetryDelay, nameof(RetryDelay));
        problems.Least(MaxAttempts, 0, nameof(MaxAttempts));
        problems.Positive(BeatInterval, nameof(BeatInterval));
        if (BeatInterval < TimeSpan.FromMilliseconds(50)) problems.Add(nameof(BeatInterval), BeatInterval, "is too short", "use at least 50 ms");
        AtLeast(problems, MemberTimeout, 2 * BeatInterval, nameof(MemberTimeout), "two");
        AtLeast(problems, TakeoverAfter, 3 * BeatInterval, nameof(TakeoverAfter), "three");
        AtLeast(problems, SettleTime, BeatInterval, nameof(SettleTime), "one");
        problems.Positive(ShareAfter, nameof(ShareAfter));
        problems.NotNegative(LeaveTimeout, nameof(LeaveTimeout));
        problems.Least(MaxPending, 1, nameof(MaxPending));
        problems.Least(MaxPendingBytes, 1, nameof(MaxPendingBytes));
        problems.Least(MaxDone, 1, nameof(MaxDone));
        problems.Least(MaxMembers, 1, nameof(MaxMembers));
    }

    private static void AtLeast(OptionProblems problems, TimeSpan value, TimeSpan least, string name, string beats)
    {
        problems.Positive(value, name);
        if (value < least) problems.Add(name, value, $"is shorter than {beats} {nameof(BeatInterval)}, so that live members would be missed", $"use at least {least}");
    }
}
