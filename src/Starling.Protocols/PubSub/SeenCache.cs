namespace Starling.Protocols.PubSub;

/// <summary>Ids of messages seen lately, bounded by time from the first sight and by count.</summary>
internal sealed class SeenCache(TimeSpan time, int capacity, PubSubCounters counters)
{
    private readonly HashSet<MessageId> _ids = [];
    private readonly Queue<(MessageId Id, Instant Until)> _order = new();

    public int Count => _ids.Count;

    public bool Contains(MessageId id, Instant now)
    {
        Expire(now);
        return _ids.Contains(id);
    }

    /// <summary>Remembers an id; false when it is known already.</summary>
    public bool TryAdd(MessageId id, Instant now)
    {
        Expire(now);
        if (!_ids.Add(id)) return false;
        _order.Enqueue((id, now + time));
        if (_order.Count > capacity)
        {
            _ids.Remove(_order.Dequeue().Id);
            counters.CountSeenEvicted();
        }

        return true;
    }

    private void Expire(Instant now)
    {
        while (_order.TryPeek(out var oldest) && oldest.Until <= now) _ids.Remove(_order.Dequeue().Id);
    }
}
