using System.Net;

namespace Starling.Protocols.Links;

/// <summary>A blocklist without clock, file or locks. A match costs one look-up for each prefix length in use, however many entries there are.</summary>
/// <remarks>Not safe for several threads. Times are the wall clock's, because they outlive the process.</remarks>
/// <param name="maxEntries">The most entries.</param>
public sealed class BlocklistCore(int maxEntries)
{
    private readonly Dictionary<BlockSubject, BlockEntry> _entries = [];
    private readonly PriorityQueue<BlockEntry, DateTimeOffset> _expiries = new();
    private readonly PrefixLengths _v4 = new();
    private readonly PrefixLengths _v6 = new();

    /// <summary>The entries, those included whose time is over but that <see cref="Expire"/> has not removed.</summary>
    public int Count => _entries.Count;

    /// <summary>When the next entry expires, or null.</summary>
    public DateTimeOffset? NextExpiry
    {
        get
        {
            while (_expiries.TryPeek(out var entry, out var at))
            {
                if (IsPresent(entry)) return at;
                _expiries.Dequeue();
            }

            return null;
        }
    }

    /// <summary>What waits in the queue of expiries, replaced entries included.</summary>
    internal int PendingExpiries => _expiries.Count;

    /// <summary>Every entry.</summary>
    public IReadOnlyList<BlockEntry> Snapshot() => [.. _entries.Values];

    /// <summary>The entry of exactly this subject, or null.</summary>
    public BlockEntry? Find(BlockSubject subject) => _entries.GetValueOrDefault(subject);

    /// <summary>Adds an entry, in place of one of the same subject.</summary>
    /// <returns>False when the list is full.</returns>
    public bool TryAdd(BlockEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (!_entries.ContainsKey(entry.Subject))
        {
            if (_entries.Count >= maxEntries) return false;
            if (entry.Subject.Addresses is { } added) Lengths(added).Add(added.Length);
        }

        _entries[entry.Subject] = entry;
        if (entry.Expires is not { } expires) return true;

        // Replaced entries stay in the queue until their time comes; it must not grow with replacing alone.
        if (_expiries.Count > (2 * _entries.Count) + 16)
        {
            _expiries.Clear();
            _expiries.EnqueueRange(_entries.Values.Where(one => one.Expires is not null).Select(one => (one, one.Expires!.Value)));
        }
        else
        {
            _expiries.Enqueue(entry, expires);
        }

        return true;
    }

    /// <summary>Removes the entry of exactly this subject.</summary>
    /// <returns>The entry, or null when there was none.</returns>
    public BlockEntry? Remove(BlockSubject subject)
    {
        if (!_entries.Remove(subject, out var entry)) return null;
        if (subject.Addresses is { } removed) Lengths(removed).Remove(removed.Length);
        return entry;
    }

    /// <summary>Removes what has expired.</summary>
    public void Expire(DateTimeOffset now, ICollection<BlockEntry> expired)
    {
        ArgumentNullException.ThrowIfNull(expired);
        while (NextExpiry <= now)
        {
            var entry = _expiries.Dequeue();
            Remove(entry.Subject);
            expired.Add(entry);
        }
    }

    /// <summary>An entry that blocks this peer or this address and still holds, or null.</summary>
    public BlockEntry? Match(PeerId? peer, IPAddress? address, DateTimeOffset now)
    {
        if (peer is not null && Holding(BlockSubject.Of(peer), now) is { } byPeer) return byPeer;
        if (address is null) return null;
        var whole = IpPrefix.Of(address);
        foreach (var length in Lengths(whole).InUse)
        {
            if (Holding(BlockSubject.Of(whole.Shorten(length)), now) is { } byAddress) return byAddress;
        }

        return null;
    }

    private BlockEntry? Holding(BlockSubject subject, DateTimeOffset now) =>
        _entries.TryGetValue(subject, out var entry) && !entry.HasExpired(now) ? entry : null;

    private bool IsPresent(BlockEntry entry) => ReferenceEquals(_entries.GetValueOrDefault(entry.Subject), entry);

    private PrefixLengths Lengths(IpPrefix prefix) => prefix.IsIPv4 ? _v4 : _v6;

    /// <summary>Which prefix lengths have entries.</summary>
    private sealed class PrefixLengths
    {
        private readonly int[] _counts = new int[129];

        public List<int> InUse { get; } = [];

        public void Add(int length)
        {
            if (_counts[length]++ == 0) InUse.Add(length);
        }

        public void Remove(int length)
        {
            if (--_counts[length] == 0) InUse.Remove(length);
        }
    }
}
