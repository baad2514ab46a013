namespace Starling.Protocols.Messages;

/// <summary>Which messages came lately, bounded by time from the first sight and by count; a constant cost per message. One thread at a time.</summary>
/// <param name="time">For how long a message is remembered.</param>
/// <param name="capacity">How many are remembered at most; then the oldest are forgotten early.</param>
public sealed class SeenMessages(TimeSpan time, int capacity)
{
    private readonly Dictionary<MessageKey, Instant> _until = [];
    private readonly Queue<(MessageKey Key, Instant Until)> _order = new();

    /// <summary>How many are remembered.</summary>
    public int Count => _until.Count;

    /// <summary>How many were forgotten early for want of room.</summary>
    public long Evicted { get; private set; }

    /// <summary>Remembers a message; false when it is remembered already: a duplicate.</summary>
    public bool TryAdd(MessageKey key, Instant now)
    {
        while (_order.TryPeek(out var oldest) && oldest.Until <= now) RemoveOldest();
        if (!_until.TryAdd(key, now + time)) return false;
        _order.Enqueue((key, now + time));
        if (_order.Count > capacity && RemoveOldest()) Evicted++;
        return true;
    }

    /// <summary>Forgets a message, so that its next copy counts as new.</summary>
    public bool Forget(MessageKey key) => _until.Remove(key);

    private bool RemoveOldest()
    {
        var (key, until) = _order.Dequeue();
        return _until.TryGetValue(key, out var current) && current == until && _until.Remove(key);
    }
}
