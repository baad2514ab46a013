namespace Starling.Protocols.Groups;

/// <summary>Messages that were handled lately, bounded by time and by count.</summary>
internal sealed class DoneKeys(int capacity, GroupCounters counters)
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);
    private readonly HashSet<GroupKey> _keys = [];
    private readonly Queue<(GroupKey Key, Instant Until)> _order = new();

    public bool Contains(GroupKey key) => _keys.Contains(key);

    public bool Add(GroupKey key, Instant now)
    {
        Expire(now);
        if (!_keys.Add(key)) return false;
        _order.Enqueue((key, now + Kept));
        if (_keys.Count <= capacity) return true;
        _keys.Remove(_order.Dequeue().Key);
        counters.Count(GroupCount.DoneEvicted);
        return true;
    }

    public void Expire(Instant now)
    {
        while (_order.TryPeek(out var oldest) && oldest.Until <= now) _keys.Remove(_order.Dequeue().Key);
    }
}
