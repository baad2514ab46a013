namespace Starling.Protocols.PubSub;

/// <summary>Messages seen lately: ids, bounded by time from the first sight and by count; for stream topics a window of numbers per origin.</summary>
/// <remarks>Without signatures the window is one topic's alone: a member of one topic, who may say there that it hands on another's message, would else decide what is known in topics it is no member of.</remarks>
internal sealed class SeenCache(PubSubOptions options, OriginPolicy policy, PubSubCounters counters)
{
    private readonly HashSet<MessageId> _ids = [];
    private readonly Queue<(MessageId Id, Instant Until)> _order = new();
    private readonly OriginWindows _windows = new(options.SeenTime, options.SeenWindow, options.MaxOrigins);

    public int Count => _ids.Count;

    public int Origins => _windows.Count;

    public SeenState Find(MessageId id, TopicState topic, Instant now)
    {
        if (topic.IsStream) return _windows.Find(id, now, WindowOf(topic));
        Expire(now);
        return _ids.Contains(id) ? SeenState.Seen : SeenState.New;
    }

    /// <summary>Remembers a message and says what it was until now.</summary>
    public SeenState Add(MessageId id, TopicState topic, Instant now)
    {
        if (topic.IsStream) return _windows.Add(id, now, WindowOf(topic));
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

    private string? WindowOf(TopicState topic) => policy == OriginPolicy.Link ? topic.Name : null;

    private void Expire(Instant now)
    {
        while (_order.TryPeek(out var oldest) && oldest.Until <= now) _ids.Remove(_order.Dequeue().Id);
    }
}
