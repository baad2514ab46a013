namespace Starling.Protocols.Links;

/// <content>Room and age: who is let in, who gives way, what is forgotten and when.</content>
public sealed partial class PeerBookCore
{
    /// <summary>An address that is told again within this time is not noted anew: a beacon must not keep the disk busy.</summary>
    private TimeSpan RefreshAfter => limits.ForgetUnseenAfter / 64;

    /// <summary>Forgets what is too old, and notes that linked peers are still there. To be called every few minutes.</summary>
    public void Tick(DateTimeOffset now, ICollection<PeerId> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        foreach (var peer in _peers.Values.ToArray())
        {
            if (peer.IsLinked) peer.See(now);
            if (peer.IsLinked || peer.IsStatic) continue;
            var isChanged = peer.Forget(now, limits);
            var isForgotten = peer.Addresses.Count == 0 && now - peer.LastNews >= limits.ForgetUnseenAfter;
            if (isForgotten) _peers.Remove(peer.Id);
            if (isChanged || isForgotten) changed.Add(peer.Id);
        }

        while (_dead.Count > 0 && now - _dead.GetAt(0).Value.Died >= limits.ForgetDeadAfter) Exhume(_dead.GetAt(0).Key, changed);
    }

    /// <summary>Takes in what was saved: the present bounds hold, the most valuable first. To be called once, before anything else.</summary>
    /// <returns>How many were left out.</returns>
    public int Restore(IReadOnlyList<PeerEntry> saved, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(saved);
        var living = saved.Where(entry => !entry.IsDead && entry.Peer != self).DistinctBy(entry => entry.Peer).Select(entry => BookedPeer.Restore(entry, now)).ToList();
        foreach (var peer in living.OrderByDescending(peer => peer.MustStay).ThenByDescending(peer => peer.Value).Take(limits.MaxPeers))
        {
            peer.Trim(limits.MaxAddressesPerPeer);
            if (peer.Record.Length > limits.MaxRecordBytes) peer.Record = default;
            _peers.Add(peer.Id, peer);
        }

        foreach (var dead in saved.Where(entry => entry.IsDead && entry.Peer != self && !_peers.ContainsKey(entry.Peer)).DistinctBy(entry => entry.Peer).OrderBy(entry => entry.Died))
        {
            Bury(new DeadPeer(dead.Peer, BookedPeer.Past(dead.Died ?? now, now), dead.LastSeen, dead.Failures, dead.RecordSequence), []);
        }

        Tick(now, []);
        return saved.Count - _peers.Count - _dead.Count;
    }

    /// <summary>The peer's place in the book, made where there is room for it; null where there is none.</summary>
    private BookedPeer? Open(PeerId peer, AddressSource source, bool isNeeded, DateTimeOffset now, ICollection<PeerId> changed)
    {
        if (_peers.TryGetValue(peer, out var booked)) return booked;
        booked = new BookedPeer(peer, source, now);
        if (_peers.Count >= limits.MaxPeers)
        {
            var least = _peers.Values.Where(other => !other.MustStay).MinBy(other => other.Value);
            if (least is null || (!isNeeded && booked.Value.CompareTo(least.Value) < 0)) return null;
            _peers.Remove(least.Id);
            changed.Add(least.Id);
        }

        if (_dead.Remove(peer, out var dead)) (booked.Sequence, booked.Seen) = (dead.Sequence, dead.Seen);
        _peers.Add(peer, booked);
        return booked;
    }

    private void Bury(DeadPeer dead, ICollection<PeerId> changed)
    {
        if (limits.MaxDead == 0) return;
        if (_dead.Count >= limits.MaxDead) Exhume(_dead.GetAt(0).Key, changed);
        _dead[dead.Peer] = dead;
    }

    private void Exhume(PeerId peer, ICollection<PeerId> changed)
    {
        _dead.Remove(peer);
        changed.Add(peer);
    }

    /// <summary>What is left of a peer that was given up.</summary>
    private sealed record DeadPeer(PeerId Peer, DateTimeOffset Died, DateTimeOffset? Seen, int Failures, ulong Sequence)
    {
        public PeerEntry ToEntry() => new(Peer, [], false, Seen, Failures, true) { Died = Died, RecordSequence = Sequence };
    }
}
