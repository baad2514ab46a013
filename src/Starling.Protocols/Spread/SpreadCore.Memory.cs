namespace Starling.Protocols.Spread;

/// <content>What is remembered: items seen, items rejected, waits for verdicts. Each bounded by count and time.</content>
public sealed partial class SpreadCore
{
    private readonly Dictionary<SpreadKey, SpreadEntry> _seen = [];
    private readonly Queue<SpreadEntry> _seenOrder = new();
    private readonly Dictionary<SpreadKey, Instant> _rejected = [];
    private readonly Queue<(SpreadKey Key, Instant Until)> _rejectedOrder = new();
    private readonly SortedSet<SpreadEntry> _waiting = new(Comparer<SpreadEntry>.Create(static (one, other) => (one.Deadline, one.Number).CompareTo((other.Deadline, other.Number))));
    private long _numbers;

    private SpreadEntry Remember(SpreadItem item, PeerId from, int ttl, Instant now)
    {
        var entry = new SpreadEntry(item.Key, item.Kind, FingerprintOf(item), from, ttl, now + _options.SeenTime) { Number = _numbers++ };
        _seen.Add(entry.Key, entry);
        _seenOrder.Enqueue(entry);
        if (_seenOrder.Count > _options.MaxSeen)
        {
            // A rejected one has left the window already and makes room without loss.
            if (Forget(_seenOrder.Dequeue())) Counters.CountSeenEvicted();
        }

        return entry;
    }

    private void Expire(Instant now)
    {
        while (_seenOrder.TryPeek(out var oldest) && oldest.Until <= now) Forget(_seenOrder.Dequeue());
        while (_rejectedOrder.TryPeek(out var oldest) && oldest.Until <= now) ForgetRejection(_rejectedOrder.Dequeue());
        while (_kept.TryPeek(out var oldest) && oldest.Until <= now) Drop(_kept.Dequeue());
    }

    /// <summary>Forgets an item. One that still awaits its verdict is then judged in vain.</summary>
    private bool Forget(SpreadEntry entry)
    {
        if (!_seen.TryGetValue(entry.Key, out var present) || !ReferenceEquals(present, entry)) return false;
        _seen.Remove(entry.Key);
        if (entry.State == SpreadState.Pending)
        {
            EndWait(entry);
            Counters.CountIgnored();
        }

        return true;
    }

    private void Reject(SpreadEntry entry, Instant now)
    {
        _seen.Remove(entry.Key);
        var until = now + _options.RejectedTime;
        _rejected[entry.Key] = until;
        _rejectedOrder.Enqueue((entry.Key, until));
        if (_rejectedOrder.Count > _options.MaxRejected) ForgetRejection(_rejectedOrder.Dequeue());
    }

    private void ForgetRejection((SpreadKey Key, Instant Until) rejection)
    {
        if (_rejected.TryGetValue(rejection.Key, out var until) && until == rejection.Until) _rejected.Remove(rejection.Key);
    }
}
