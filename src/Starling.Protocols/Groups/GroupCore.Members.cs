namespace Starling.Protocols.Groups;

/// <content>Who is in the group, and what members say.</content>
public sealed partial class GroupCore<T>
{
    private const int ShareUpTo = 16;
    private static readonly TimeSpan GreetDelay = TimeSpan.FromMilliseconds(30);
    private readonly Dictionary<PeerId, Member> _members = [];

    /// <summary>The other members that are known.</summary>
    public IReadOnlyList<PeerId> Members => [.. _members.Keys];

    /// <summary>A member said something.</summary>
    /// <param name="from">Who, as the topic has it.</param>
    /// <param name="bytes">What.</param>
    /// <param name="now">The present time.</param>
    /// <param name="effects">Takes the effects.</param>
    public void Receive(PeerId from, ReadOnlySpan<byte> bytes, Instant now, ICollection<GroupEffect<T>> effects)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (_state == GroupMemberState.Left || from.Equals(_local)) return;
        if (GroupCodec.Decode(bytes) is not { } frame)
        {
            Counters.Count(GroupCount.BadFrames);
            return;
        }

        Receive(from, frame, now, effects);
    }

    /// <summary>A member said something.</summary>
    public void Receive(PeerId from, GroupFrame frame, Instant now, ICollection<GroupEffect<T>> effects)
    {
        ArgumentNullException.ThrowIfNull(frame);
        if (!Greet(from, frame, now, effects)) return;
        foreach (var note in frame.Notes) Take(from, frame.State, note, now, effects);
        if (frame.State == GroupMemberState.Left) Forget(from, now, effects);
        Pump(now, effects);
        Flush(now, effects, early: false);
    }

    /// <summary>Counts what was said by somebody who may not be a member.</summary>
    public void CountStranger() => Counters.Count(GroupCount.Strangers);

    private bool Greet(PeerId from, GroupFrame frame, Instant now, ICollection<GroupEffect<T>> effects)
    {
        var known = _members.TryGetValue(from, out var member);
        if (known && member!.Instance != frame.Instance)
        {
            // It was started anew and knows nothing of what it had.
            Forget(from, now, effects);
            known = false;
        }

        if (!known)
        {
            if (frame.State == GroupMemberState.Left) return true;
            if (_members.Count >= _options.MaxMembers)
            {
                Counters.Count(GroupCount.TooManyMembers);
                return false;
            }

            _members.Add(from, member = new Member(from, GroupKey.HashOf(from), frame.Instance, now));
            effects.Add(new GroupEffect<T>(GroupEffectKind.MemberJoined, Peer: from));
            _nextBeat = Earliest(_nextBeat, now + GreetDelay);
        }

        var turnsActive = member!.State != GroupMemberState.Active && frame.State == GroupMemberState.Active;
        (member.State, member.Waiting, member.HeardAt) = (frame.State, frame.Waiting, now);
        if (turnsActive) AssignOrphans(now, effects);
        return true;
    }

    private void Take(PeerId from, GroupMemberState frameState, in GroupNote note, Instant now, ICollection<GroupEffect<T>> effects)
    {
        var isDone = _done.Contains(note.Key);
        if (note.Kind is GroupNoteKind.Done or GroupNoteKind.GivenUp)
        {
            if (isDone) return;
            if (_pending.TryGetValue(note.Key, out var handled)) Finish(handled, now, effects, takeBack: true);
            else _done.Add(note.Key, now);
            return;
        }

        if (isDone)
        {
            // Whoever says this has missed that the message was handled.
            Note(new GroupNote(GroupNoteKind.Done, note.Key), now);
            return;
        }

        if (!_pending.TryGetValue(note.Key, out var entry)) return;
        switch (note.Kind)
        {
            case GroupNoteKind.Held when frameState == GroupMemberState.Joining:
                // It has the message and does not own it yet.
                _unconfirmed.Remove(entry);
                break;
            case GroupNoteKind.Held:
                TakeHeld(from, entry, note.Attempt, now);
                break;
            case GroupNoteKind.Given:
                TakeGiven(from, entry, note, now);
                break;
            case GroupNoteKind.Wanted when entry.IsMine || (frameState == GroupMemberState.Draining && entry.Owner is null):
                Note(new GroupNote(GroupNoteKind.Held, entry.Key, entry.Attempt), now);
                break;
        }
    }

    private void TakeHeld(PeerId from, Entry entry, int attempt, Instant now)
    {
        _unconfirmed.Remove(entry);
        if (entry.IsMine && (entry.Place == Place.HandedOut || !IsBefore(from, entry, attempt))) return;
        entry.Attempt = Math.Max(entry.Attempt, attempt);
        Hand(entry, from, now);
    }

    private void TakeGiven(PeerId from, Entry entry, in GroupNote note, Instant now)
    {
        if (entry.IsMine && entry.Place == Place.HandedOut)
        {
            Note(new GroupNote(GroupNoteKind.Held, entry.Key, entry.Attempt), now);
            return;
        }

        entry.Attempt = Math.Max(entry.Attempt, note.Attempt);
        entry.IsRedelivered |= note.Attempt > 1;
        entry.WasGiven = true;
        // A first attempt was given away before it was made: who gave it may still have it when it fails elsewhere.
        if (note.Attempt > 1) entry.AddTried(from);
        Hand(entry, note.To!, now);
        if (!entry.IsMine) return;
        if (_state == GroupMemberState.Draining) PassOn(entry, now);
        else Note(new GroupNote(GroupNoteKind.Held, entry.Key, entry.Attempt), now);
    }

    /// <summary>Whether another one who says that it holds a message goes before this member.</summary>
    private bool IsBefore(PeerId other, Entry entry, int attempt)
    {
        if (attempt != entry.Attempt) return attempt > entry.Attempt;
        return entry.Key.WeightOf(GroupKey.HashOf(other)) > entry.Key.WeightOf(_localHash);
    }

    private void ForgetSilentMembers(Instant now, ICollection<GroupEffect<T>> effects)
    {
        foreach (var member in _members.Values.Where(member => now - member.HeardAt >= _options.MemberTimeout).ToList()) Forget(member.Peer, now, effects);
    }

    private void Forget(PeerId peer, Instant now, ICollection<GroupEffect<T>> effects)
    {
        if (!_members.Remove(peer)) return;
        effects.Add(new GroupEffect<T>(GroupEffectKind.MemberLeft, Peer: peer));
        foreach (var entry in _pending.Values.Where(entry => peer.Equals(entry.Owner)).ToList()) Replace(entry, now, effects);
    }

    /// <summary>The live member that a message prefers: among those that were there when it came and have not had it, among all that have not had it, or among all. Null when there is none.</summary>
    private PeerId? Preferred(Entry entry, bool withLocal)
    {
        var best = Best(entry, withLocal, onlyThere: true) ?? Best(entry, withLocal, onlyThere: false);
        if (best is not null || entry.Tried.Count == 0) return best;
        entry.ClearTried();
        return Best(entry, withLocal, onlyThere: true) ?? Best(entry, withLocal, onlyThere: false);
    }

    private PeerId? Best(Entry entry, bool withLocal, bool onlyThere)
    {
        (PeerId? Peer, ulong Weight) best = default;
        if (withLocal && _state == GroupMemberState.Active && !entry.Tried.Contains(_local)) best = (_local, entry.Key.WeightOf(_localHash));
        foreach (var member in _members.Values)
        {
            // A message does not come back to who published it.
            if (member.State != GroupMemberState.Active || member.Peer.Equals(entry.Key.Origin) || entry.Tried.Contains(member.Peer)) continue;
            if (onlyThere && !WasThere(member, entry)) continue;
            var weight = entry.Key.WeightOf(member.Hash);
            if (best.Peer is null || weight > best.Weight) best = (member.Peer, weight);
        }

        return best.Peer;
    }

    /// <summary>An active member with clearly less to do that has not had the message.</summary>
    private Member? Idle(Entry entry) => _members.Values
        .Where(member => member.State == GroupMemberState.Active && member.Waiting < Math.Min(ShareUpTo, _readyCount / 2) && !member.Peer.Equals(entry.Key.Origin) && WasThere(member, entry) && !entry.Tried.Contains(member.Peer))
        .MinBy(member => member.Waiting);

    /// <summary>Whether a member was known when a message came, or hardly later, so that it has probably got it as well.</summary>
    private static bool WasThere(Member member, Entry entry) => member.JoinedAt <= entry.ReceivedAt + HandoverTime;

    private sealed class Member(PeerId peer, ulong hash, ulong instance, Instant joinedAt)
    {
        public PeerId Peer { get; } = peer;

        public ulong Hash { get; } = hash;

        public ulong Instance { get; } = instance;

        public GroupMemberState State { get; set; }

        public int Waiting { get; set; }

        public Instant JoinedAt { get; } = joinedAt;

        public Instant HeardAt { get; set; }
    }
}
