namespace Starling.Protocols.Groups;

/// <content>Messages that are not handled yet.</content>
public sealed partial class GroupCore<T>
{
    private enum Place
    {
        /// <summary>Another member is to handle it; or nobody yet.</summary>
        Elsewhere,

        /// <summary>It waits here for a handler.</summary>
        Ready,

        /// <summary>A handler here has it.</summary>
        HandedOut,

        /// <summary>It failed here and waits for its next attempt.</summary>
        Delayed,
    }

    /// <summary>Finds somebody for a message that nobody has.</summary>
    private void Assign(Entry entry, Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (_state == GroupMemberState.Draining && entry.Key.WeightOf(_localHash) > (Best(entry, withLocal: false, onlyThere: true) is { } best ? entry.Key.WeightOf(GroupKey.HashOf(best)) : 0))
        {
            // Who has not heard yet that this member leaves waits for it.
            PassOn(entry, now);
            return;
        }

        var owner = Preferred(entry, withLocal: true);
        if (owner is not null && owner.Equals(_local) && _options.MaxAttempts > 0 && entry.Attempt > _options.MaxAttempts)
        {
            GiveUp(entry, now, effects);
            return;
        }

        Hand(entry, owner, now);
    }

    private void AssignOrphans(Instant now, ICollection<GroupEffect<T>> effects)
    {
        foreach (var entry in _pending.Values.Where(entry => entry.Owner is null).ToList()) Assign(entry, now, effects);
    }

    /// <summary>A message is this member's from now on.</summary>
    private void Hand(Entry entry, PeerId? owner, Instant now)
    {
        if (entry.Place == Place.Ready) _readyCount--;
        _unconfirmed.Remove(entry);
        entry.Owner = owner;
        entry.Place = Place.Elsewhere;
        entry.WasAsked = false;
        entry.Deadline = now + _options.TakeoverAfter;
        entry.IsMine = owner is not null && owner.Equals(_local);
        if (!entry.IsMine) return;
        entry.Place = Place.Ready;
        entry.Since = now;
        _readyCount++;
        if (entry.IsQueued) return;
        entry.IsQueued = true;
        _ready.Enqueue(entry);
    }

    /// <summary>Who was to handle a message is gone or silent, perhaps in the middle of it.</summary>
    private void Replace(Entry entry, Instant now, ICollection<GroupEffect<T>> effects)
    {
        entry.AddTried(entry.Owner!);
        entry.Attempt++;
        entry.IsRedelivered = true;
        Assign(entry, now, effects);
        if (!entry.IsMine) return;
        Counters.Count(GroupCount.TakenOver);
        Note(new GroupNote(GroupNoteKind.Held, entry.Key, entry.Attempt), now);
    }

    /// <summary>A delivery here came to nothing.</summary>
    private void Fail(Entry entry, Instant again, Instant now, ICollection<GroupEffect<T>> effects)
    {
        InFlight--;
        entry.Attempt++;
        entry.IsRedelivered = true;
        entry.AddTried(_local);
        if (_options.MaxAttempts > 0 && entry.Attempt > _options.MaxAttempts)
        {
            GiveUp(entry, now, effects);
            return;
        }

        entry.Place = Place.Delayed;
        entry.Deadline = again;
        if (again <= now) Retry(entry, now);
    }

    private void Retry(Entry entry, Instant now)
    {
        var next = Preferred(entry, withLocal: true);
        if (next is not null && !next.Equals(_local)) Give(entry, next, now);
        else Hand(entry, next, now);
    }

    /// <summary>Gives a message to another member because this one stops; to nobody when there is none.</summary>
    private void PassOn(Entry entry, Instant now)
    {
        if (entry.Place == Place.HandedOut) InFlight--;
        if (Preferred(entry, withLocal: false) is { } other)
        {
            Give(entry, other, now);
            return;
        }

        Hand(entry, null, now);
        _unconfirmed.Add(entry);
    }

    private void Give(Entry entry, PeerId other, Instant now)
    {
        entry.WasGiven = true;
        entry.Since = now;
        Note(new GroupNote(GroupNoteKind.Given, entry.Key, entry.Attempt, other), now);
        Hand(entry, other, now);
        _unconfirmed.Add(entry);
    }

    /// <summary>Whoever was given a message says at once to have it. Who does not has never got it, so it is this member's again.</summary>
    private void TakeBackUnconfirmed(Instant now)
    {
        if (_state != GroupMemberState.Active || _unconfirmed.Count == 0) return;
        foreach (var entry in _unconfirmed.Where(entry => now - entry.Since >= ConfirmTime).ToList())
        {
            entry.AddTried(entry.Owner!);
            Hand(entry, _local, now);
            Note(new GroupNote(GroupNoteKind.Held, entry.Key, entry.Attempt), now);
        }
    }

    private void GiveUp(Entry entry, Instant now, ICollection<GroupEffect<T>> effects)
    {
        Counters.Count(GroupCount.GivenUp);
        effects.Add(new GroupEffect<T>(GroupEffectKind.GivenUp, entry.Key, entry.Item, entry.Attempt - 1));
        if (entry.Place == Place.HandedOut) entry.Place = Place.Delayed;
        Finish(entry, now, effects, takeBack: false);
        Note(new GroupNote(GroupNoteKind.GivenUp, entry.Key), now);
    }

    /// <summary>A message has been handled, here or elsewhere.</summary>
    private void Finish(Entry entry, Instant now, ICollection<GroupEffect<T>> effects, bool takeBack)
    {
        if (entry.Place == Place.HandedOut)
        {
            InFlight--;
            if (takeBack) TakeBack(entry, effects);
        }

        if (entry.Place == Place.Ready) _readyCount--;
        entry.Place = Place.Elsewhere;
        _pending.Remove(entry.Key);
        _unconfirmed.Remove(entry);
        _bytes -= entry.Size;
        _done.Add(entry.Key, now);
    }

    private static void TakeBack(Entry entry, ICollection<GroupEffect<T>> effects) =>
        effects.Add(new GroupEffect<T>(GroupEffectKind.TakeBack, entry.Key, entry.Item, entry.Attempt));

    private Entry? HandedOut(GroupKey key, int attempt) =>
        _pending.TryGetValue(key, out var entry) && entry.Place == Place.HandedOut && entry.Attempt == attempt ? entry : null;

    private List<Entry> Mine() => [.. _pending.Values.Where(entry => entry.IsMine)];

    /// <summary>Hands messages out while handlers are free.</summary>
    private void Pump(Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (!_isDelivering || _state != GroupMemberState.Active) return;
        while (InFlight < _options.MaxInFlight && _ready.TryDequeue(out var entry))
        {
            entry.IsQueued = false;
            if (entry.Place != Place.Ready) continue;
            _readyCount--;
            entry.Place = Place.HandedOut;
            entry.Deadline = now + _options.AckTimeout;
            InFlight++;
            Counters.Count(GroupCount.Delivered);
            if (entry.IsRedelivered) Counters.Count(GroupCount.Redelivered);
            effects.Add(new GroupEffect<T>(GroupEffectKind.Deliver, entry.Key, entry.Item, entry.Attempt, entry.IsRedelivered));
        }
    }

    /// <summary>Looks through all messages for what is over.</summary>
    private void Scan(Instant now, ICollection<GroupEffect<T>> effects)
    {
        foreach (var entry in _pending.Values.Where(entry => IsDue(entry, now)).ToList())
        {
            switch (entry.Place)
            {
                case Place.HandedOut:
                    Counters.Count(GroupCount.TimedOut);
                    TakeBack(entry, effects);
                    Fail(entry, now, now, effects);
                    break;
                case Place.Delayed:
                    Retry(entry, now);
                    break;
                case Place.Ready:
                    Share(entry, now);
                    break;
                default:
                    Doubt(entry, now, effects);
                    break;
            }
        }
    }

    private bool IsDue(Entry entry, Instant now) => entry.Place switch
    {
        Place.Ready => !entry.WasGiven && now - entry.Since >= _options.ShareAfter,
        Place.Elsewhere => entry.Owner is null || entry.Deadline <= now,
        _ => entry.Deadline <= now,
    };

    /// <summary>A message waits here while others may have nothing to do. It is given away once, so that it does not wander when all are busy.</summary>
    private void Share(Entry entry, Instant now)
    {
        if (Idle(entry) is not { } other) return;
        other.Waiting++;
        Counters.Count(GroupCount.Shared);
        Give(entry, other.Peer, now);
    }

    /// <summary>Nobody has said anything about a message for long: ask, and when that brings nothing replace its owner.</summary>
    private void Doubt(Entry entry, Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (entry.Owner is null)
        {
            Assign(entry, now, effects);
        }
        else if (entry.WasAsked)
        {
            Replace(entry, now, effects);
        }
        else
        {
            entry.WasAsked = true;
            entry.Deadline = now + _options.BeatInterval;
            Note(new GroupNote(GroupNoteKind.Wanted, entry.Key), now);
        }
    }

    private void Note(in GroupNote note, Instant now)
    {
        _notes.Add(note);
        _flushAt = Earliest(_flushAt, now + NoteDelay);
    }

    /// <summary>Says what there is to say about messages: when it is time, or when there is enough for a frame.</summary>
    private void Flush(Instant now, ICollection<GroupEffect<T>> effects, bool early)
    {
        if (_notes.Count == 0 || (!early && now < _flushAt && _notes.Count < GroupCodec.MaxNotes)) return;
        Send(effects);
    }

    /// <summary>Says that this member is there, and which messages it has for longer.</summary>
    private void Beat(Instant now, ICollection<GroupEffect<T>> effects)
    {
        _nextBeat = now + _options.BeatInterval;
        foreach (var entry in _pending.Values)
        {
            if (entry.IsMine && (entry.Attempt > 1 || now - entry.ReceivedAt >= _options.BeatInterval)) _notes.Add(new GroupNote(GroupNoteKind.Held, entry.Key, entry.Attempt));
        }

        Send(effects);
    }

    private void Send(ICollection<GroupEffect<T>> effects)
    {
        IReadOnlyList<GroupNote> notes = [.. _notes.Distinct().OrderBy(note => note.Kind).ThenBy(note => note.Attempt).ThenBy(note => note.To).ThenBy(note => note.Key.Origin).ThenBy(note => note.Key.Stream).ThenBy(note => note.Key.Number)];
        _notes.Clear();
        _flushAt = Instant.Never;
        for (var sent = 0; sent == 0 || sent < notes.Count; sent += GroupCodec.MaxNotes)
        {
            var frame = new GroupFrame(_instance, _state, _readyCount, [.. notes.Skip(sent).Take(GroupCodec.MaxNotes)]);
            effects.Add(new GroupEffect<T>(GroupEffectKind.Send, Frame: GroupCodec.Encode(frame)));
        }
    }

    private sealed class Entry(GroupKey key, long size, T item)
    {
        private List<PeerId>? _tried;

        public GroupKey Key { get; } = key;

        public long Size { get; } = size;

        public T Item { get; } = item;

        public PeerId? Owner { get; set; }

        public bool IsMine { get; set; }

        public Place Place { get; set; }

        public int Attempt { get; set; } = 1;

        public bool IsRedelivered { get; set; }

        /// <summary>Whether a member has given it to another, which happens once without a failure.</summary>
        public bool WasGiven { get; set; }

        /// <summary>Whether the others were asked about it.</summary>
        public bool WasAsked { get; set; }

        /// <summary>Whether it is in the queue of what waits, perhaps from earlier.</summary>
        public bool IsQueued { get; set; }

        /// <summary>Since when it waits here, or is given away.</summary>
        public Instant Since { get; set; }

        public Instant ReceivedAt { get; init; }

        /// <summary>When its handler's time is over, its next attempt begins, or its owner is doubted.</summary>
        public Instant Deadline { get; set; }

        /// <summary>Members that have had it.</summary>
        public IReadOnlyList<PeerId> Tried => _tried ?? (IReadOnlyList<PeerId>)[];

        public void AddTried(PeerId peer)
        {
            if (!Tried.Contains(peer)) (_tried ??= []).Add(peer);
        }

        public void ClearTried() => _tried = null;
    }
}
