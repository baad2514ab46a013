using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Starling.Protocols.Spread;

/// <content>What is remembered: items seen, items rejected, waits for verdicts. Each bounded by count and time.</content>
public sealed partial class SpreadCore
{
    private readonly Dictionary<SpreadKey, SpreadEntry> _seen = [];
    private readonly PriorityQueue<SpreadEntry, (Instant Until, long Number)> _seenOrder = new();
    private readonly RejectedMemory<SpreadKey> _rejected;
    private readonly RejectedMemory<UInt128> _rejectedContents;
    private readonly SortedSet<SpreadEntry> _waiting = new(Comparer<SpreadEntry>.Create(static (one, other) => (one.Deadline, one.Number).CompareTo((other.Deadline, other.Number))));
    private long _numbers;

    /// <summary>Remembers an item for its kind's whole lifetime, however old it is: no copy that is still offered anywhere lives longer.</summary>
    private SpreadEntry Remember(SpreadItem item, PeerId from, int ttl, Instant now)
    {
        var rules = _kinds.GetValueOrDefault(item.Kind);
        var born = now - item.Age;
        var entry = new SpreadEntry(item.Key, item.Kind, FingerprintOf(item), from, ttl, born, now + Lifetime(rules))
        {
            Number = _numbers++,
            OfferedUntil = born + Lifetime(rules),
            Content = rules is { RejectContent: true } ? ContentOf(item) : null,
        };
        _seen.Add(entry.Key, entry);
        _seenOrder.Enqueue(entry, (entry.Until, entry.Number));
        if (_seenOrder.Count > _options.MaxSeen)
        {
            // A rejected one has left the window already and makes room without loss.
            if (Forget(_seenOrder.Dequeue())) Counters.CountSeenEvicted();
        }

        return entry;
    }

    private void Expire(Instant now)
    {
        while (_seenOrder.TryPeek(out var oldest, out _) && oldest.Until <= now) Forget(_seenOrder.Dequeue());
        _rejected.Expire(now);
        _rejectedContents.Expire(now);
    }

    /// <summary>Forgets an item. One that still awaits its verdict is then judged in vain.</summary>
    private bool Forget(SpreadEntry entry)
    {
        if (!_seen.TryGetValue(entry.Key, out var present) || !ReferenceEquals(present, entry)) return false;
        _seen.Remove(entry.Key);
        Unkeep(entry);
        if (entry.State == SpreadState.Pending)
        {
            EndWait(entry);
            Counters.CountIgnored();
        }

        return true;
    }

    /// <summary>Remembers an item as rejected.</summary>
    private void Remember(SpreadEntry entry, Instant now)
    {
        _seen.Remove(entry.Key);
        _rejected.Add(entry.Key, entry.Fingerprint, now + _options.RejectedTime);
        if (entry.Content is { } content) _rejectedContents.Add(content, 0, now + _options.RejectedTime);
    }

    /// <summary>Whether an item was rejected and is still remembered for it.</summary>
    public bool IsRejected(SpreadItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return IsRejected(item, _kinds.GetValueOrDefault(item.Kind));
    }

    private bool IsRejected(SpreadItem item, SpreadRules? rules) =>
        (_rejected.TryGet(item.Key, out var fingerprint) && fingerprint == FingerprintOf(item))
        || (rules is { RejectContent: true } && _rejectedContents.Count > 0 && _rejectedContents.TryGet(ContentOf(item), out _));

    /// <summary>Of everything that no hop changes.</summary>
    private static UInt128 FingerprintOf(SpreadItem item) => Hash(item, item.Signature.Span);

    /// <summary>Of kind and payload alone.</summary>
    private static UInt128 ContentOf(SpreadItem item) => Hash(item, []);

    private static UInt128 Hash(SpreadItem item, ReadOnlySpan<byte> signature)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(head, item.Kind);
        BinaryPrimitives.WriteInt32BigEndian(head[4..], item.Payload.Length);
        BinaryPrimitives.WriteInt32BigEndian(head[8..], signature.Length);
        hash.AppendData(head);
        hash.AppendData(item.Payload.Span);
        hash.AppendData(signature);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return BinaryPrimitives.ReadUInt128BigEndian(digest);
    }
}
