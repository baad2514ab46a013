namespace Starling.Protocols.PubSub;

/// <summary>The last messages, to gossip about and to be asked for: for so many heartbeats, so many bytes and so many messages.</summary>
internal sealed class MessageCache(GossipOptions options, PubSubCounters counters)
{
    private readonly Dictionary<MessageId, long> _places = [];
    private Entry[] _ring = [];
    private long _first;
    private long _next;
    private int _window;

    public int Count => (int)(_next - _first);

    public long Bytes { get; private set; }

    public void Put(PubSubMessage message)
    {
        if (!_places.TryAdd(message.Id, _next)) return;
        if (Count == _ring.Length) Grow();
        _ring[_next++ % _ring.Length] = new Entry { Message = message, Window = _window };
        Bytes += message.Size;
        while (Count > 1 && (Bytes > options.MaxHistoryBytes || Count > options.MaxHistoryMessages))
        {
            DropFirst();
            counters.CountHistoryEvicted();
        }
    }

    /// <summary>Finds a message for a neighbour that asks for it; null when it is not here, or went to that neighbour often enough.</summary>
    /// <param name="id">The message.</param>
    /// <param name="peer">Who asks.</param>
    /// <param name="isExhausted">Whether it is here and went out too often.</param>
    public PubSubMessage? Serve(MessageId id, PeerId peer, out bool isExhausted)
    {
        isExhausted = false;
        if (!_places.TryGetValue(id, out var place)) return null;
        ref var entry = ref _ring[place % _ring.Length];
        entry.Served ??= [];
        var served = entry.Served.GetValueOrDefault(peer);
        isExhausted = served >= options.MaxRetransmissions;
        if (isExhausted) return null;
        entry.Served[peer] = served + 1;
        return entry.Message;
    }

    /// <summary>The message, without counting anything; null when it is not here.</summary>
    public PubSubMessage? Find(MessageId id) => _places.TryGetValue(id, out var place) ? _ring[place % _ring.Length].Message : null;

    /// <summary>The messages of the windows that are gossiped about, the newest first.</summary>
    public IEnumerable<PubSubMessage> Recent()
    {
        for (var place = _next - 1; place >= _first; place--)
        {
            var entry = _ring[place % _ring.Length];
            if (_window - entry.Window >= options.HistoryGossip) yield break;
            yield return entry.Message;
        }
    }

    /// <summary>A heartbeat has passed: the oldest window goes.</summary>
    public void Shift()
    {
        _window++;
        while (Count > 0 && _window - _ring[_first % _ring.Length].Window >= options.HistoryLength) DropFirst();
        if (Count == 0) _ring = [];
    }

    private void DropFirst()
    {
        ref var entry = ref _ring[_first % _ring.Length];
        _places.Remove(entry.Message.Id);
        Bytes -= entry.Message.Size;
        entry = default;
        _first++;
    }

    private void Grow()
    {
        var larger = new Entry[Math.Max(16, _ring.Length * 2)];
        for (var place = _first; place < _next; place++) larger[place % larger.Length] = _ring[place % _ring.Length];
        _ring = larger;
    }

    private struct Entry
    {
        public PubSubMessage Message;
        public int Window;

        /// <summary>How often it went to whom; only once somebody asked.</summary>
        public Dictionary<PeerId, int>? Served;
    }
}
