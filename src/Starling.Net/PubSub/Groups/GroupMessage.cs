using Starling.Protocols.Groups;

namespace Starling.Net.PubSub.Groups;

/// <summary>One message of a topic, handed to this member of a group. It is to be acknowledged, else another member gets it. Safe for several threads.</summary>
public sealed class GroupMessage
{
    private readonly GroupMember _member;
    private CancellationTokenSource? _lost;
    private int _isLost;

    internal GroupMessage(GroupMember member, GroupKey key, in TopicMessage message, int attempt, bool isRedelivered)
    {
        (_member, Key, Message, Attempt, IsRedelivered) = (member, key, message, attempt, isRedelivered);
    }

    /// <summary>The message as every subscriber of the topic gets it.</summary>
    public TopicMessage Message { get; }

    /// <summary>The payload; the receiver's to keep.</summary>
    public ReadOnlyMemory<byte> Data => Message.Data;

    /// <summary>The topic's name; in a group on a pattern, that of the topic which the message was published to.</summary>
    public string Topic => Message.Topic;

    /// <summary>The node that published it.</summary>
    public PeerId Origin => Message.Origin;

    /// <summary>How often it was handed out in the group, this time included.</summary>
    public int Attempt { get; }

    /// <summary>Whether it may have been handed out before: to another member, or to this one.</summary>
    public bool IsRedelivered { get; }

    /// <summary>Fires when the message is no longer this handler's: its time is over, another member has handled it, or this one leaves. What it still does may be done twice.</summary>
    public CancellationToken Lost
    {
        get
        {
            if (Volatile.Read(ref _lost) is null) Interlocked.CompareExchange(ref _lost, new CancellationTokenSource(), null);
            if (Volatile.Read(ref _isLost) != 0) _lost!.Cancel();
            return _lost!.Token;
        }
    }

    internal GroupKey Key { get; }

    /// <summary>Its place in the queue of messages that nobody has read yet.</summary>
    internal LinkedListNode<GroupMessage>? Place { get; set; }

    /// <summary>Says that the message was handled: no member gets it any more. At once; the others are told within milliseconds.</summary>
    /// <returns>False when the group knew that already. Too late counts, too, when nobody else was quicker.</returns>
    public bool Acknowledge() => _member.Acknowledge(this);

    /// <summary>Says that this member cannot handle the message: another one gets it, or this one again when there is no other.</summary>
    /// <param name="delay">How long to wait first; null takes <see cref="GroupOptions.RetryDelay"/>.</param>
    /// <returns>False when it was no longer this handler's.</returns>
    public bool Refuse(TimeSpan? delay = null)
    {
        if (delay is { } pause) ArgumentOutOfRangeException.ThrowIfLessThan(pause, TimeSpan.Zero, nameof(delay));
        return _member.Refuse(this, delay);
    }

    /// <summary>Says that the work takes longer: <see cref="GroupOptions.AckTimeout"/> begins anew.</summary>
    /// <returns>False when it was no longer this handler's.</returns>
    public bool Extend() => _member.Extend(this);

    /// <summary>Fires <see cref="Lost"/>. What handlers have registered with it runs elsewhere: it may take long, or throw.</summary>
    internal void Lose()
    {
        Volatile.Write(ref _isLost, 1);
        if (Volatile.Read(ref _lost) is { } lost) _ = _member.CancelAsync(lost);
    }
}
