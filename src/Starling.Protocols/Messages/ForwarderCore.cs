namespace Starling.Protocols.Messages;

/// <summary>Decides what a proxy hands on, to whom and when: each message once to each direct neighbour that does not have it. One thread at a time.</summary>
/// <param name="options">Cycles and bounds; checked by the caller.</param>
/// <typeparam name="T">What is handed on; the core does not look at it.</typeparam>
public sealed class ForwarderCore<T>(ForwarderOptions options)
{
    private readonly Dictionary<MessageKey, Entry> _waiting = [];
    private readonly Queue<Entry> _order = new();
    private Instant _cycleEnd = new(long.MinValue);
    private Instant _gapEnd = new(long.MinValue);
    private long _bytes;
    private int _left;

    /// <summary>Messages that wait.</summary>
    public int Count => _order.Count;

    /// <summary>Whether there is room for a message of this size.</summary>
    public bool Fits(long size) => _order.Count == 0 || (_order.Count < options.MaxQueuedMessages && _bytes + size <= options.MaxQueuedBytes);

    /// <summary>Whether a message waits already.</summary>
    public bool Holds(MessageKey key) => _waiting.ContainsKey(key);

    /// <summary>A new message came. False when there is no room for it, or it waits already.</summary>
    /// <param name="key">What its duplicates have in common; its origin has it already.</param>
    /// <param name="from">The neighbour that brought it, who has it too.</param>
    /// <param name="size">Bytes that it holds.</param>
    /// <param name="item">The message.</param>
    public bool TryAdd(MessageKey key, PeerId from, long size, T item)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (!Fits(size)) return false;
        var entry = new Entry(key, size, item, [from, key.Origin]);
        if (!_waiting.TryAdd(key, entry)) return false;
        _order.Enqueue(entry);
        _bytes += size;
        return true;
    }

    /// <summary>A copy came from this neighbour: it need not get the message any more.</summary>
    public void Heard(MessageKey key, PeerId from)
    {
        if (_waiting.TryGetValue(key, out var entry)) entry.Holders.Add(from);
    }

    /// <summary>The next message that is due.</summary>
    /// <param name="now">The time.</param>
    /// <param name="neighbours">The direct neighbours now.</param>
    /// <param name="item">The message.</param>
    /// <param name="to">Who gets it, each once; empty when all of them have it.</param>
    /// <param name="next">When to ask again if none is due; <see cref="Instant.Never"/> when none waits.</param>
    public bool TryTake(Instant now, IReadOnlyList<PeerId> neighbours, out T item, out IReadOnlyList<PeerId> to, out Instant next)
    {
        ArgumentNullException.ThrowIfNull(neighbours);
        (item, to, next) = (default!, [], Instant.Never);
        if (_order.Count == 0) return false;
        if (now >= _cycleEnd) (_cycleEnd, _left) = (now + options.Interval, options.MessagesPerCycle);
        next = _left == 0 ? _cycleEnd : _gapEnd;
        if (now < next) return false;
        var entry = Dequeue();
        item = entry.Item;
        to = [.. neighbours.Where(neighbour => entry.Holders.Add(neighbour))];
        if (to.Count == 0) return true;
        _left--;
        _gapEnd = now + options.MessageGap;
        return true;
    }

    /// <summary>Gives up what waits.</summary>
    public IReadOnlyList<T> Clear()
    {
        var items = new List<T>(_order.Count);
        while (_order.Count > 0) items.Add(Dequeue().Item);
        return items;
    }

    private Entry Dequeue()
    {
        var entry = _order.Dequeue();
        _waiting.Remove(entry.Key);
        _bytes -= entry.Size;
        return entry;
    }

    private sealed record Entry(MessageKey Key, long Size, T Item, HashSet<PeerId> Holders);
}
