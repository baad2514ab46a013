using System.Numerics;

namespace Starling.Simulation;

/// <summary>Events by time, and by the order in which they were added where the time is the same: a wheel of slots, each sorted when its turn comes.</summary>
/// <remarks>Adding costs a store into a pool, taking a share of sorting some dozens of numbers: about 50 ns together, whatever waits. What is
/// further ahead than the wheel reaches waits in a heap. Grows with what waits, and allocates nothing otherwise. One thread at a time.</remarks>
internal sealed class EventQueue
{
    /// <summary>A slot takes 1,024 ticks, 0.1 ms.</summary>
    private const int SlotBits = 10;

    /// <summary>The wheel reaches 1.7 s ahead: heartbeats and all but the worst latencies.</summary>
    private const int Slots = 1 << 14;

    private const int OrderBits = 63 - SlotBits;

    private readonly int[] _heads = new int[Slots];
    private readonly ulong[] _filled = new ulong[Slots / 64];
    private readonly PriorityQueue<SimulatedEvent, (long Time, long Order)> _far = new();
    private SimulatedEvent[] _pool = new SimulatedEvent[1024];
    private int _free = -1;
    private int _used;
    private int _inWheel;
    private long _orders;

    /// <summary>The slot whose events are sorted now, and them: a sort key and the place in the pool each.</summary>
    private long _slot = -1;
    private long[] _keys = new long[256];
    private int[] _places = new int[256];
    private int _at;
    private int _end;

    public EventQueue() => Array.Fill(_heads, -1);

    /// <summary>Events that wait.</summary>
    public int Count => _inWheel + _far.Count + _end - _at;

    /// <summary>Adds an event; its time must not lie before that of the one taken last.</summary>
    public void Add(long time, EventTarget target, int kind, object? payload)
    {
        var added = new SimulatedEvent { Time = time, Order = _orders++, Target = target, Kind = kind, Payload = payload };
        var slot = time >> SlotBits;
        if (slot - _slot >= Slots) _far.Enqueue(added, (added.Time, added.Order));
        else Place(in added, slot);
    }

    /// <summary>Takes the first event, unless it is later than the limit.</summary>
    public bool TryTake(long limit, out SimulatedEvent taken)
    {
        while (_at == _end)
        {
            if (!TryAdvance(limit >> SlotBits))
            {
                taken = default;
                return false;
            }
        }

        var place = _places[_at];
        taken = _pool[place];
        if (taken.Time > limit) return false;
        _at++;
        _pool[place] = new SimulatedEvent { Next = _free };
        _free = place;
        return true;
    }

    private void Place(in SimulatedEvent added, long slot)
    {
        var place = Rent();
        _pool[place] = added;
        if (slot <= _slot)
        {
            InsertNow(place);
            return;
        }

        var index = (int)(slot & (Slots - 1));
        _pool[place].Next = _heads[index];
        _heads[index] = place;
        _filled[index >> 6] |= 1ul << (index & 63);
        _inWheel++;
    }

    private int Rent()
    {
        if (_free >= 0)
        {
            var place = _free;
            _free = _pool[place].Next;
            return place;
        }

        if (_used == _pool.Length) Array.Resize(ref _pool, _pool.Length * 2);
        return _used++;
    }

    private long KeyOf(in SimulatedEvent added) => ((added.Time - (_slot << SlotBits)) << OrderBits) | added.Order;

    /// <summary>Puts an event among those of the slot whose turn it is.</summary>
    private void InsertNow(int place)
    {
        var key = KeyOf(in _pool[place]);
        var found = ~Array.BinarySearch(_keys, _at, _end - _at, key);
        MakeRoom(_end + 1);
        Array.Copy(_keys, found, _keys, found + 1, _end - found);
        Array.Copy(_places, found, _places, found + 1, _end - found);
        (_keys[found], _places[found]) = (key, place);
        _end++;
    }

    /// <summary>Goes on to the next slot that holds something, unless it is later than the limit.</summary>
    private bool TryAdvance(long limit)
    {
        var next = _inWheel > 0 ? NextFilled() : long.MaxValue;
        if (_far.TryPeek(out _, out var far)) next = Math.Min(next, far.Time >> SlotBits);
        if (next > limit) return false;
        _slot = next;
        (_at, _end) = (0, 0);
        while (_far.TryPeek(out var waiting, out far) && (far.Time >> SlotBits) - _slot < Slots)
        {
            _far.Dequeue();
            if (far.Time >> SlotBits == _slot) Collect(Stored(in waiting));
            else Place(in waiting, far.Time >> SlotBits);
        }

        var index = (int)(_slot & (Slots - 1));
        for (var place = _heads[index]; place >= 0;)
        {
            var following = _pool[place].Next;
            Collect(place);
            _inWheel--;
            place = following;
        }

        _heads[index] = -1;
        _filled[index >> 6] &= ~(1ul << (index & 63));
        _keys.AsSpan(0, _end).Sort(_places.AsSpan(0, _end));
        return true;
    }

    private int Stored(in SimulatedEvent waiting)
    {
        var place = Rent();
        _pool[place] = waiting;
        return place;
    }

    private void Collect(int place)
    {
        MakeRoom(_end + 1);
        (_keys[_end], _places[_end]) = (KeyOf(in _pool[place]), place);
        _end++;
    }

    private void MakeRoom(int count)
    {
        if (count <= _keys.Length) return;
        Array.Resize(ref _keys, count * 2);
        Array.Resize(ref _places, count * 2);
    }

    /// <summary>The first slot after the present one that holds something. There is one.</summary>
    private long NextFilled()
    {
        var start = _slot + 1;
        var index = (int)(start & (Slots - 1));
        var word = _filled[index >> 6] & (ulong.MaxValue << (index & 63));
        for (var step = 0; ; step++)
        {
            if (word != 0)
            {
                var found = (((index >> 6) + step) % _filled.Length * 64) + BitOperations.TrailingZeroCount(word);
                return start + ((found - index) & (Slots - 1));
            }

            word = _filled[((index >> 6) + step + 1) % _filled.Length];
        }
    }
}
