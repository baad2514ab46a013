using Starling.Protocols.Groups;

namespace Starling.Net.PubSub.Groups;

/// <summary>This node's part in a queue group: the messages that fall to it, as an async sequence. Each is to be acknowledged. Safe for several threads.</summary>
/// <remarks>All members follow the topic and agree over a control topic, <see cref="ControlTopic"/>, on who handles which message; the publisher need not know of them.
/// Disposing leaves the group: handlers get <see cref="GroupOptions.LeaveTimeout"/> to end, then everything goes to the other members.</remarks>
public sealed partial class GroupMember : IAsyncEnumerable<GroupMessage>, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly LinkedList<GroupMessage> _unread = [];
    private readonly Dictionary<GroupKey, GroupMessage> _handed = [];
    private readonly GroupCore<TopicMessage> _core;
    private readonly GroupJoinOptions _options;
    private readonly GroupWiring _wiring;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _filled;
    private TaskCompletionSource? _room;
    private TaskCompletionSource? _idle;
    private TaskCompletionSource? _confirmed;
    private bool _ended;
    private int _leaving;

    internal GroupMember(Topic topic, string group, GroupJoinOptions options, GroupWiring wiring)
    {
        (Topic, Group, _options, _wiring) = (topic, group, options, wiring);
        ControlTopic = GroupNames.Control(topic, group);
        _core = new GroupCore<TopicMessage>(wiring.Local, wiring.Random.NextUInt64(), options, wiring.Clock.Now());
        _timer = wiring.Clock.CreateTimer(static state => ((GroupMember)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The topic or pattern.</summary>
    public Topic Topic { get; }

    /// <summary>The group's name.</summary>
    public string Group { get; }

    /// <summary>Where the members talk to each other.</summary>
    public Topic ControlTopic { get; }

    /// <summary>Whether this member takes messages: once it has listened for others for <see cref="GroupOptions.SettleTime"/>.</summary>
    public bool IsActive
    {
        get
        {
            lock (_gate) return _core.State == GroupMemberState.Active;
        }
    }

    /// <summary>The other members that are known.</summary>
    public IReadOnlyList<PeerId> Members
    {
        get
        {
            lock (_gate) return _core.Members;
        }
    }

    /// <summary>Messages of the whole group that are kept here until they are handled.</summary>
    public int Pending
    {
        get
        {
            lock (_gate) return _core.Pending;
        }
    }

    /// <summary>What was counted so far.</summary>
    public GroupCounters Counters => _core.Counters;

    /// <summary>Messages that never got into the group here: dropped because it was full for too long, or lost on the way and not recovered.</summary>
    public long Missed => _messages is { } messages ? messages.Dropped + messages.Lost : 0;

    /// <summary>Takes the next message that falls to this member; null when the group was left. Its time to be acknowledged begins now.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; no message is lost by it.</exception>
    public async ValueTask<GroupMessage?> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task filled;
            lock (_gate)
            {
                if (_unread.First is { } first)
                {
                    _unread.RemoveFirst();
                    first.Value.Place = null;
                    _core.Extend(first.Value.Key, first.Value.Attempt, _wiring.Clock.Now());
                    return first.Value;
                }

                if (_ended) return null;
                filled = (_filled ??= NewSignal()).Task;
            }

            await filled.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<GroupMessage> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken).ConfigureAwait(false) is { } message) yield return message;
    }

    /// <summary>Leaves the group. Returns once the others have been told, at the latest shortly after <see cref="GroupOptions.LeaveTimeout"/>. Idempotent.</summary>
    public async ValueTask DisposeAsync() => await LeaveAsync(null).ConfigureAwait(false);

    /// <summary>Leaves, and lets handlers end for no longer than this.</summary>
    internal async Task LeaveAsync(TimeSpan? most)
    {
        if (Interlocked.Exchange(ref _leaving, 1) != 0)
        {
            await _left.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await EndAsync(most < _options.LeaveTimeout ? most.Value : _options.LeaveTimeout).ConfigureAwait(false);
        }
        finally
        {
            _wiring.Left(this);
            _left.TrySetResult();
        }
    }

    internal bool Acknowledge(GroupMessage message) => Turn((core, effects) => core.Acknowledge(message.Key, _wiring.Clock.Now(), effects), message);

    internal bool Refuse(GroupMessage message, TimeSpan? delay) => Turn((core, effects) => core.Refuse(message.Key, message.Attempt, delay, _wiring.Clock.Now(), effects), message);

    internal bool Extend(GroupMessage message)
    {
        lock (_gate) return _core.Extend(message.Key, message.Attempt, _wiring.Clock.Now());
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
