namespace Starling.Protocols.Links;

/// <summary>One living peer of a <see cref="PeerBookCore"/>.</summary>
internal sealed class BookedPeer(PeerId id, AddressSource source, DateTimeOffset heard)
{
    private static readonly Comparison<PeerAddress> BestFirst = static (left, right) =>
        (right.Succeeded ?? DateTimeOffset.MinValue, right.Source, right.Heard).CompareTo((left.Succeeded ?? DateTimeOffset.MinValue, left.Source, left.Heard));

    private readonly List<PeerAddress> _addresses = [];
    private AddressSource _source = source;
    private DateTimeOffset _heard = heard;

    public PeerId Id { get; } = id;

    public IReadOnlyList<PeerAddress> Addresses => _addresses;

    public bool IsStatic { get; set; }

    public bool IsLinked { get; set; }

    public bool IsNeighbour { get; set; }

    public DateTimeOffset? Seen { get; set; }

    public int Failures { get; set; }

    public ulong Sequence { get; set; }

    public ReadOnlyMemory<byte> Record { get; set; }

    /// <summary>Whether it never gives way to another.</summary>
    public bool MustStay => IsStatic || IsLinked || IsNeighbour;

    /// <summary>When it was last seen or heard of.</summary>
    public DateTimeOffset LastNews => Seen > _heard ? Seen.Value : _heard;

    /// <summary>What it is worth when there is no room for all: seen before unseen, then the trust in who told, then the latest news.</summary>
    public (bool, AddressSource, DateTimeOffset) Value => (Seen is not null, _source, LastNews);

    public static BookedPeer Restore(PeerEntry entry, DateTimeOffset now)
    {
        var heard = entry.Addresses.Select(address => address.Heard).DefaultIfEmpty(entry.LastSeen ?? now).Max();
        var source = entry.Addresses.Select(address => address.Source).DefaultIfEmpty(AddressSource.Hearsay).Max();
        var peer = new BookedPeer(entry.Peer, source, Past(heard, now))
        {
            IsStatic = entry.IsStatic,
            IsNeighbour = entry.IsNeighbour,
            Seen = entry.LastSeen is { } seen ? Past(seen, now) : null,
            Failures = entry.Failures,
            Sequence = entry.RecordSequence,
            Record = entry.SignedRecord,
        };
        peer._addresses.AddRange(entry.Addresses.Select(address => address with
        {
            Heard = Past(address.Heard, now),
            Succeeded = address.Succeeded is { } succeeded ? Past(succeeded, now) : null,
        }));
        return peer;
    }

    /// <summary>A clock that was set back must not make anything young for ever.</summary>
    public static DateTimeOffset Past(DateTimeOffset at, DateTimeOffset now) => at < now ? at : now;

    /// <summary>An address was told of.</summary>
    /// <returns>Whether that says anything new.</returns>
    public bool Tell(Multiaddr address, AddressSource source, DateTimeOffset now, TimeSpan refreshAfter)
    {
        if (source > _source) _source = source;
        if (now > _heard) _heard = now;
        var at = _addresses.FindIndex(known => known.Address == address);
        if (at < 0)
        {
            _addresses.Add(new PeerAddress(address, source, now, null));
            return true;
        }

        var known = _addresses[at];
        if (source <= known.Source && now - known.Heard < refreshAfter) return false;
        _addresses[at] = known with { Source = source > known.Source ? source : known.Source, Heard = now };
        return true;
    }

    /// <summary>A newer record: what only the earlier one told is forgotten.</summary>
    public void Replace(IReadOnlyList<Multiaddr> addresses, AddressSource source, DateTimeOffset now)
    {
        _addresses.RemoveAll(known => known.Source == AddressSource.SignedRecord && known.Succeeded is null && !addresses.Contains(known.Address));
        foreach (var address in addresses) Tell(address, source, now, TimeSpan.Zero);
    }

    /// <summary>A link was made there.</summary>
    public void Reach(Multiaddr address, DateTimeOffset now)
    {
        Tell(address, AddressSource.Identify, now, TimeSpan.Zero);
        var at = _addresses.FindIndex(known => known.Address == address);
        _addresses[at] = _addresses[at] with { Succeeded = now };
    }

    /// <summary>It answered first where nobody was named.</summary>
    public void Pin(Multiaddr address, DateTimeOffset now)
    {
        Reach(address, now);
        var at = _addresses.FindIndex(known => known.Address == address);
        _addresses[at] = _addresses[at] with { IsPinned = true, Source = AddressSource.User };
    }

    /// <summary>The peer is there, and what it says of itself holds.</summary>
    public void See(DateTimeOffset now)
    {
        Seen = now;
        for (var at = 0; at < _addresses.Count; at++)
        {
            if (_addresses[at].Source == AddressSource.Identify) _addresses[at] = _addresses[at] with { Heard = now };
        }
    }

    /// <summary>Drops the least valuable addresses beyond a number; what the user gave goes last.</summary>
    public void Trim(int most)
    {
        _addresses.Sort(BestFirst);
        while (_addresses.Count > most)
        {
            var worst = _addresses.FindLastIndex(address => address.Source != AddressSource.User);
            _addresses.RemoveAt(worst < 0 ? _addresses.Count - 1 : worst);
        }
    }

    /// <summary>Drops the addresses that are too old.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Forget(DateTimeOffset now, PeerBookLimits limits) => _addresses.RemoveAll(address =>
    {
        var isProved = address.Succeeded is not null || (Seen is not null && address.Source >= AddressSource.Identify);
        var last = address.Succeeded > address.Heard ? address.Succeeded.Value : address.Heard;
        return now - last >= (isProved ? limits.ForgetSeenAfter : limits.ForgetUnseenAfter);
    }) > 0;

    public PeerEntry ToEntry() => new(Id, [.. _addresses], IsStatic, Seen, Failures, IsDead: false)
    {
        IsLinked = IsLinked,
        IsNeighbour = IsNeighbour,
        RecordSequence = Sequence,
        SignedRecord = Record,
    };
}
