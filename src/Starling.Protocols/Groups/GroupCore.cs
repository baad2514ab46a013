namespace Starling.Protocols.Groups;

/// <summary>One member of a group of competing consumers: decides who of the group handles which message, notices who does not, and remembers what was handled.</summary>
/// <remarks>Every member is offered every message. The member that a message's key prefers among the live ones (rendezvous hashing) handles it at once; the others
/// keep it until they hear that it was handled. Whoever dies, leaves, fails or stays silent about a message is replaced by the next one. So a message that
/// reached one member that lives is handled at least once; more than once when members do not hear each other. One thread at a time; no clock, no I/O.</remarks>
/// <typeparam name="T">What is handled; the core does not look at it.</typeparam>
public sealed partial class GroupCore<T>
{
    private static readonly TimeSpan ScanInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan NoteDelay = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan HandoverTime = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan ConfirmTime = TimeSpan.FromSeconds(1);
    private readonly PeerId _local;
    private readonly ulong _localHash;
    private readonly ulong _instance;
    private readonly GroupOptions _options;
    private readonly Dictionary<GroupKey, Entry> _pending = [];
    private readonly Queue<Entry> _ready = new();
    private readonly DoneKeys _done;
    private readonly List<GroupNote> _notes = [];
    private GroupMemberState _state = GroupMemberState.Joining;
    private Instant _activeAt;
    private Instant _deliverAt = Instant.Never;
    private Instant _nextBeat;
    private Instant _nextScan;
    private Instant _flushAt = Instant.Never;
    private long _bytes;
    private readonly HashSet<Entry> _unconfirmed = [];
    private int _readyCount;
    private bool _isDelivering;

    /// <summary>Joins a group.</summary>
    /// <param name="local">This node.</param>
    /// <param name="instance">A random number.</param>
    /// <param name="options">Not to be changed afterwards.</param>
    /// <param name="now">The present time.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public GroupCore(PeerId local, ulong instance, GroupOptions options, Instant now)
    {
        ArgumentNullException.ThrowIfNull(local);
        OptionProblems.ThrowIfAny(options);
        (_local, _instance, _options) = (local, instance, options);
        _localHash = GroupKey.HashOf(local);
        _done = new DoneKeys(options.MaxDone, Counters);
        _activeAt = now + options.SettleTime;
        _nextBeat = now;
        _nextScan = now + ScanInterval;
    }

    /// <summary>What was counted so far.</summary>
    public GroupCounters Counters { get; } = new();

    /// <summary>What this member is doing.</summary>
    public GroupMemberState State => _state;

    /// <summary>Messages of the whole group that are kept here.</summary>
    public int Pending => _pending.Count;

    /// <summary>Messages handed out here and not acknowledged.</summary>
    public int InFlight { get; private set; }

    /// <summary>Messages that this member gave away and whose new owner has not said to have them.</summary>
    public int Unconfirmed => _unconfirmed.Count;

    /// <summary>When <see cref="Tick"/> is due.</summary>
    public Instant NextTick
    {
        get
        {
            if (_state == GroupMemberState.Left) return Instant.Never;
            var next = Earliest(Earliest(_flushAt, _nextBeat), _deliverAt);
            if (_pending.Count > 0) next = Earliest(next, _nextScan);
            return _state == GroupMemberState.Joining ? Earliest(next, _activeAt) : next;
        }
    }

    /// <summary>Whether there is room for a message of this size.</summary>
    public bool Fits(long size) => _pending.Count == 0 || (_pending.Count < _options.MaxPending && _bytes + size <= _options.MaxPendingBytes);

    /// <summary>A message of the topic came.</summary>
    public GroupOffer Offer(GroupKey key, long size, T item, Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (_done.Contains(key) || _pending.ContainsKey(key))
        {
            Counters.Count(GroupCount.Duplicates);
            return GroupOffer.Known;
        }

        if (!Fits(size))
        {
            Counters.Count(GroupCount.Full);
            return GroupOffer.Full;
        }

        var entry = new Entry(key, size, item) { ReceivedAt = now };
        _pending.Add(key, entry);
        _bytes += size;
        Assign(entry, now, effects);
        Pump(now, effects);
        return GroupOffer.Taken;
    }

    /// <summary>A message that was handed out has been handled; also when its time was over already. False when somebody had handled it.</summary>
    public bool Acknowledge(GroupKey key, Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (!_pending.TryGetValue(key, out var entry)) return false;
        Counters.Count(GroupCount.Acknowledged);
        Finish(entry, now, effects, takeBack: false);
        Note(new GroupNote(GroupNoteKind.Done, key), now);
        Pump(now, effects);
        Flush(now, effects, early: false);
        return true;
    }

    /// <summary>A message that was handed out is to be handled by another member, or again. False when it is no longer this handler's.</summary>
    /// <param name="key">The message.</param>
    /// <param name="attempt">Which delivery of it.</param>
    /// <param name="delay">How long to wait first; null takes <see cref="GroupOptions.RetryDelay"/>.</param>
    /// <param name="now">The present time.</param>
    /// <param name="effects">Takes the effects.</param>
    public bool Refuse(GroupKey key, int attempt, TimeSpan? delay, Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (HandedOut(key, attempt) is not { } entry) return false;
        Counters.Count(GroupCount.Refused);
        Fail(entry, now + (delay ?? _options.RetryDelay), now, effects);
        Pump(now, effects);
        return true;
    }

    /// <summary>A message that was handed out was not looked at and may go to any member, uncounted. False when it is no longer this handler's.</summary>
    public bool Return(GroupKey key, int attempt, Instant now)
    {
        if (HandedOut(key, attempt) is not { } entry) return false;
        InFlight--;
        Hand(entry, _local, now);
        return true;
    }

    /// <summary>A message that was handed out takes longer: its time begins anew. False when it is no longer this handler's.</summary>
    public bool Extend(GroupKey key, int attempt, Instant now)
    {
        if (HandedOut(key, attempt) is not { } entry) return false;
        entry.Deadline = now + _options.AckTimeout;
        return true;
    }

    /// <summary>Takes no more messages and gives those that wait to others. What is handed out may still be acknowledged.</summary>
    public void Drain(Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (_state >= GroupMemberState.Draining) return;
        _state = GroupMemberState.Draining;
        foreach (var entry in Mine())
        {
            if (entry.Place != Place.HandedOut) PassOn(entry, now);
        }

        // Those who were not there yet when it came may not have it: whoever has it speaks up.
        foreach (var entry in _pending.Values.Where(entry => entry.Owner is null || (_members.TryGetValue(entry.Owner, out var owner) && !WasThere(owner, entry))))
        {
            _unconfirmed.Add(entry);
            Note(new GroupNote(GroupNoteKind.Wanted, entry.Key), now);
        }

        Beat(now, effects);
    }

    /// <summary>Gives what is still handed out to others as well: handlers had their time to end. Comes between <see cref="Drain"/> and <see cref="Leave"/>.</summary>
    public void Release(Instant now, ICollection<GroupEffect<T>> effects)
    {
        Drain(now, effects);
        if (_state == GroupMemberState.Left) return;
        foreach (var entry in Mine().Where(entry => entry.Place == Place.HandedOut))
        {
            TakeBack(entry, effects);
            entry.Attempt++;
            entry.IsRedelivered = true;
            PassOn(entry, now);
        }

        Flush(now, effects, early: true);
    }

    /// <summary>Leaves. What no other member has said to have by now is abandoned.</summary>
    public void Leave(Instant now, ICollection<GroupEffect<T>> effects)
    {
        Release(now, effects);
        if (_state == GroupMemberState.Left) return;
        foreach (var entry in _unconfirmed)
        {
            Counters.Count(GroupCount.Abandoned);
            effects.Add(new GroupEffect<T>(GroupEffectKind.Abandoned, entry.Key, entry.Item, entry.Attempt));
        }

        _state = GroupMemberState.Left;
        Beat(now, effects);
        _flushAt = Instant.Never;
    }

    /// <summary>Does what is due.</summary>
    public void Tick(Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (_state == GroupMemberState.Left) return;
        if (_state == GroupMemberState.Joining && now >= _activeAt) Activate(now, effects);
        if (now >= _deliverAt) EndHandover(now, effects);
        if (now >= _nextScan)
        {
            _nextScan = now + ScanInterval;
            _done.Expire(now);
            ForgetSilentMembers(now, effects);
            TakeBackUnconfirmed(now);
            Scan(now, effects);
        }

        Pump(now, effects);
        if (now >= _nextBeat) Beat(now, effects);
        Flush(now, effects, early: now >= _flushAt);
    }

    private void Activate(Instant now, ICollection<GroupEffect<T>> effects)
    {
        _state = GroupMemberState.Active;
        _deliverAt = now + HandoverTime;
        AssignOrphans(now, effects);
        Beat(now, effects);
    }

    /// <summary>Every member has heard by now that this one is active. Messages that fell to it before it had heard of others go to whom they belong.</summary>
    private void EndHandover(Instant now, ICollection<GroupEffect<T>> effects)
    {
        _deliverAt = Instant.Never;
        _isDelivering = true;
        foreach (var entry in Mine())
        {
            if (entry.Place == Place.Ready && entry.Attempt == 1 && Preferred(entry, withLocal: true) is { } other && !other.Equals(_local)) Give(entry, other, now);
        }
    }

    private static Instant Earliest(Instant one, Instant other) => one < other ? one : other;
}
