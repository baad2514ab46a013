namespace Starling.Protocols.PubSub;

/// <summary>Messages seen lately: ids, bounded by time from the first sight and by count; for stream topics a window of numbers per origin.</summary>
internal sealed class SeenCache(PubSubOptions options, PubSubCounters counters)
{
    private readonly HashSet<MessageId> _ids = [];
    private readonly Queue<(MessageId Id, Instant Until)> _order = new();
    private readonly OriginWindows _windows = new(options.SeenTime, options.SeenWindow, options.MaxOrigins);

    public int Count => _ids.Count;

    public int Origins => _windows.Count;

    public SeenState Find(MessageId id, bool isStream, Instant now)
    {
        if (isStream) return _windows.Find(id, now);
        Expire(now);
        return _ids.Contains(id) ? SeenState.Seen : SeenState.New;
    }

    /// <summary>Remembers a message and says what it was until now.</summary>
    public SeenState Add(MessageId id, bool isStream, Instant now)
    {
        if (isStream) return _windows.Add(id, now);
        Expire(now);
        if (!_ids.Add(id)) return SeenState.Seen;
        _order.Enqueue((id, now + options.SeenTime));
        if (_order.Count > options.MaxSeen)
        {
            _ids.Remove(_order.Dequeue().Id);
            counters.CountSeenEvicted();
        }

        return SeenState.New;
    }

    private void Expire(Instant now)
    {
        while (_order.TryPeek(out var oldest) && oldest.Until <= now) _ids.Remove(_order.Dequeue().Id);
    }
}
