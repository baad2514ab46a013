namespace Starling.Protocols.PubSub;

/// <summary>Numbers seen lately of each origin, as a bitmap behind its highest one, in all topics or in one: for topics whose origins send so much that single ids cannot be kept.</summary>
/// <remarks>A window is forgotten when nothing new came for the time that ids are kept, and the least lately used half when there are too many origins.</remarks>
internal sealed class OriginWindows(TimeSpan time, int size, int capacity)
{
    private readonly int _generation = Math.Max(1, capacity / 2);
    private Dictionary<(PeerId Origin, string? Topic), Window> _young = [];
    private Dictionary<(PeerId Origin, string? Topic), Window> _old = [];

    public int Count => _young.Count + _old.Count;

    public SeenState Find(MessageId id, Instant now, string? topic = null)
    {
        var key = (id.Origin, topic);
        if (!_young.TryGetValue(key, out var window) && !_old.TryGetValue(key, out window)) return SeenState.New;
        return window.Until <= now ? SeenState.New : window.Find(id.SequenceNumber);
    }

    public SeenState Add(MessageId id, Instant now, string? topic = null)
    {
        var window = Use(id, topic, now);
        var state = window.Find(id.SequenceNumber);
        if (state != SeenState.New) return state;
        window.Mark(id.SequenceNumber);
        window.Until = now + time;
        return state;
    }

    private Window Use(MessageId id, string? topic, Instant now)
    {
        var key = (id.Origin, topic);
        if (_young.TryGetValue(key, out var window))
        {
            if (window.Until <= now) window.Reset(id.SequenceNumber);
            return window;
        }

        if (_old.Remove(key, out window))
        {
            if (window.Until <= now) window.Reset(id.SequenceNumber);
        }
        else
        {
            window = new Window(size, id.SequenceNumber);
        }

        if (_young.Count >= _generation)
        {
            (_old, _young) = (_young, _old);
            _young.Clear();
        }

        _young.Add(key, window);
        return window;
    }

    private sealed class Window
    {
        private readonly ulong[] _bits;
        private ulong _highest;
        private bool _isEmpty = true;

        public Window(int size, ulong first)
        {
            _bits = new ulong[(size + 63) / 64];
            _highest = first;
        }

        public Instant Until { get; set; }

        private ulong Size => (ulong)_bits.Length * 64;

        public void Reset(ulong first)
        {
            Array.Clear(_bits);
            _highest = first;
            _isEmpty = true;
        }

        public SeenState Find(ulong number)
        {
            if (_isEmpty || number > _highest) return SeenState.New;
            if (_highest - number >= Size) return SeenState.Stale;
            return (_bits[number % Size / 64] >> (int)(number % 64) & 1) == 0 ? SeenState.New : SeenState.Seen;
        }

        public void Mark(ulong number)
        {
            if (!_isEmpty && number > _highest) Advance(number);
            _isEmpty = false;
            _bits[number % Size / 64] |= 1ul << (int)(number % 64);
        }

        private void Advance(ulong number)
        {
            if (number - _highest >= Size)
            {
                Array.Clear(_bits);
            }
            else
            {
                for (var next = _highest + 1; next != number + 1; next++) _bits[next % Size / 64] &= ~(1ul << (int)(next % 64));
            }

            _highest = number;
        }
    }
}

/// <summary>Whether a message is known.</summary>
internal enum SeenState
{
    New,
    Seen,

    /// <summary>So far behind its origin's highest number that nobody can tell: taken as seen.</summary>
    Stale,
}
