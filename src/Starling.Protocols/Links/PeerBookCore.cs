namespace Starling.Protocols.Links;

/// <summary>What a node remembers of peers, without files, clock or locks: what is said of peers and the time go in, snapshots and the ids of changed peers come out.</summary>
/// <remarks>
/// <para>First-hand knowledge is what this node's user says, what a discovery finds, what a peer says on its own link, and the link itself. A peer
/// whose dials failed <see cref="PeerBookLimits.MaxFailures"/> times in a row is given up: only first-hand knowledge brings it back, or a record that it signed later than
/// the last one known; where none was known, no record does, because nobody can tell its age.</para>
/// <para>Not safe for several threads. Times are the wall clock's, because they outlive the process.</para>
/// </remarks>
/// <param name="self">This node, which is never in its own book.</param>
/// <param name="limits">The bounds; read, never changed.</param>
public sealed partial class PeerBookCore(PeerId self, PeerBookLimits limits)
{
    private readonly Dictionary<PeerId, BookedPeer> _peers = [];
    private readonly OrderedDictionary<PeerId, DeadPeer> _dead = [];

    /// <summary>Peers in the book that were not given up.</summary>
    public int Count => _peers.Count;

    /// <summary>Peers that were given up.</summary>
    public int DeadCount => _dead.Count;

    /// <summary>Every peer, those given up last.</summary>
    public IReadOnlyList<PeerEntry> Snapshot() => [.. _peers.Values.Select(peer => peer.ToEntry()), .. _dead.Values.Select(dead => dead.ToEntry())];

    /// <summary>What is known of a peer, or null.</summary>
    public PeerEntry? Find(PeerId peer) =>
        _peers.TryGetValue(peer, out var booked) ? booked.ToEntry() : _dead.TryGetValue(peer, out var dead) ? dead.ToEntry() : null;

    /// <summary>Somebody says where a peer may be reached.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="addresses">Where; what cannot lead to the peer is left out.</param>
    /// <param name="source">Who says so.</param>
    /// <param name="now">The present.</param>
    /// <param name="changed">Receives the ids of peers that are known differently now.</param>
    public PeerBookOutcome Note(PeerId peer, IEnumerable<Multiaddr> addresses, AddressSource source, DateTimeOffset now, ICollection<PeerId> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        if (peer == self) return PeerBookOutcome.Self;
        var usable = Usable(peer, addresses);
        if (usable.Count == 0) return PeerBookOutcome.Unusable;
        if (_dead.ContainsKey(peer) && source < AddressSource.Discovery) return PeerBookOutcome.Dead;
        if (Open(peer, source, isNeeded: false, now, changed) is not { } booked) return PeerBookOutcome.Full;
        var isNew = false;
        foreach (var address in usable) isNew |= booked.Tell(address, source, now, RefreshAfter);
        booked.Trim(limits.MaxAddressesPerPeer);
        if (isNew) changed.Add(peer);
        return isNew ? PeerBookOutcome.Noted : PeerBookOutcome.Known;
    }

    /// <summary>A record was verified that the peer signed of itself.</summary>
    /// <param name="peer">Who signed.</param>
    /// <param name="sequence">The record's sequence number.</param>
    /// <param name="addresses">Where the peer says that it listens.</param>
    /// <param name="envelope">The signed bytes; kept.</param>
    /// <param name="isFirstHand">Whether the peer itself told it on a link.</param>
    /// <param name="now">The present.</param>
    /// <param name="changed">Receives the ids of peers that are known differently now.</param>
    public PeerBookOutcome NoteRecord(
        PeerId peer, ulong sequence, IEnumerable<Multiaddr> addresses, ReadOnlyMemory<byte> envelope, bool isFirstHand, DateTimeOffset now, ICollection<PeerId> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        if (peer == self) return PeerBookOutcome.Self;
        if (_dead.TryGetValue(peer, out var dead) && !isFirstHand && (dead.Sequence == 0 || sequence <= dead.Sequence)) return PeerBookOutcome.Dead;
        if (_peers.TryGetValue(peer, out var known) && sequence <= known.Sequence) return PeerBookOutcome.OldRecord;
        var source = isFirstHand ? AddressSource.Identify : AddressSource.SignedRecord;
        var usable = Usable(peer, addresses);
        if (usable.Count == 0 && known is null) return PeerBookOutcome.Unusable;
        if (Open(peer, source, isNeeded: false, now, changed) is not { } booked) return PeerBookOutcome.Full;
        booked.Replace(usable, source, now);
        booked.Trim(limits.MaxAddressesPerPeer);
        booked.Sequence = sequence;
        booked.Record = envelope.Length <= limits.MaxRecordBytes ? envelope : default;
        changed.Add(peer);
        return PeerBookOutcome.Noted;
    }

    /// <summary>A link was made at this address by dialling it.</summary>
    public void Succeeded(PeerId peer, Multiaddr address, DateTimeOffset now, ICollection<PeerId> changed)
    {
        if (Meet(peer, now, changed) is not { } booked) return;
        foreach (var reached in Usable(peer, [address])) booked.Reach(reached, now);
        booked.Trim(limits.MaxAddressesPerPeer);
    }

    /// <summary>The peer answered first at an address that names nobody.</summary>
    public void Pin(PeerId peer, Multiaddr address, DateTimeOffset now, ICollection<PeerId> changed)
    {
        if (Meet(peer, now, changed) is not { } booked) return;
        foreach (var reached in Usable(peer, [address])) booked.Pin(reached, now);
        booked.Trim(limits.MaxAddressesPerPeer);
    }

    /// <summary>A link to the peer is ready, whoever dialled.</summary>
    public void Linked(PeerId peer, bool isNeighbour, DateTimeOffset now, ICollection<PeerId> changed)
    {
        if (Meet(peer, now, changed) is not { } booked) return;
        booked.IsLinked = true;
        booked.IsNeighbour = isNeighbour;
    }

    /// <summary>The link to the peer has ended.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="wasLost">Whether nobody wanted its end: then the peer stays a neighbour if it was one.</param>
    /// <param name="now">The present.</param>
    /// <param name="changed">Receives the peer's id.</param>
    public void Unlinked(PeerId peer, bool wasLost, DateTimeOffset now, ICollection<PeerId> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        if (!_peers.TryGetValue(peer, out var booked)) return;
        booked.IsLinked = false;
        booked.IsNeighbour &= wasLost;
        booked.See(now);
        changed.Add(peer);
    }

    /// <summary>A dial failed at all of the peer's addresses.</summary>
    /// <returns>Whether the peer is given up with it.</returns>
    public bool Failed(PeerId peer, DateTimeOffset now, ICollection<PeerId> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        if (!_peers.TryGetValue(peer, out var booked) || booked.IsLinked) return false;
        booked.Failures++;
        changed.Add(peer);
        if (booked.Failures < limits.MaxFailures || booked.IsStatic) return false;
        _peers.Remove(peer);
        Bury(new DeadPeer(peer, now, booked.Seen, booked.Failures, booked.Sequence), changed);
        return true;
    }

    /// <summary>Keeps a peer for ever, or lets it age again.</summary>
    /// <returns>Whether it is in the book.</returns>
    public bool SetStatic(PeerId peer, bool isStatic, ICollection<PeerId> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        if (!_peers.TryGetValue(peer, out var booked)) return false;
        if (booked.IsStatic == isStatic) return true;
        booked.IsStatic = isStatic;
        changed.Add(peer);
        return true;
    }

    /// <summary>Forgets a peer, also that it was given up.</summary>
    /// <returns>Whether it was in the book.</returns>
    public bool Remove(PeerId peer, ICollection<PeerId> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        if (!_peers.Remove(peer) && !_dead.Remove(peer)) return false;
        changed.Add(peer);
        return true;
    }

    /// <summary>The peer is at hand: brings it back, forgets its failures, notes that it was seen.</summary>
    private BookedPeer? Meet(PeerId peer, DateTimeOffset now, ICollection<PeerId> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        if (peer == self || Open(peer, AddressSource.Identify, isNeeded: true, now, changed) is not { } booked) return null;
        booked.See(now);
        booked.Failures = 0;
        changed.Add(peer);
        return booked;
    }

    /// <summary>What can be dialled and does not name another peer, each once.</summary>
    private List<Multiaddr> Usable(PeerId peer, IEnumerable<Multiaddr> addresses) =>
        [.. addresses
            .Where(address => address.PeerId is null || address.PeerId == peer)
            .Select(address => address.WithoutPeerId())
            .Where(address => address.Components.Count > 0 && !address.IsUnspecified && address.Port != 0)
            .Distinct()
            .Take(limits.MaxAddressesPerPeer)];
}
