using System.Buffers;

namespace Starling.Net.Yamux;

/// <summary>Received bytes that nobody has read yet, in pooled segments. Small frames share a segment, so what is held follows the bytes and not the frames.</summary>
/// <remarks>Not safe for several threads; the stream's gate guards it. The window bounds it.</remarks>
internal struct ReceiveQueue
{
    private const int SmallestSegment = 4 << 10;
    private const int LargestSegment = 64 << 10;

    private Queue<byte[]>? _full;
    private byte[]? _tail;
    private int _tailCount;
    private int _headStart;

    /// <summary>Bytes held.</summary>
    public long Count { get; private set; }

    public void Append(ReadOnlySpan<byte> data)
    {
        Count += data.Length;
        while (!data.IsEmpty)
        {
            if (_tail is null || _tailCount == _tail.Length) NewTail(data.Length);
            var count = Math.Min(data.Length, _tail!.Length - _tailCount);
            data[..count].CopyTo(_tail.AsSpan(_tailCount));
            _tailCount += count;
            data = data[count..];
        }
    }

    public int Take(Span<byte> target)
    {
        var taken = 0;
        while (taken < target.Length && Count > 0)
        {
            var isTail = _full is not { Count: > 0 };
            var head = isTail ? _tail! : _full!.Peek();
            var count = Math.Min(target.Length - taken, (isTail ? _tailCount : head.Length) - _headStart);
            head.AsSpan(_headStart, count).CopyTo(target[taken..]);
            taken += count;
            _headStart += count;
            Count -= count;
            if (!isTail && _headStart == head.Length) DropHead();
        }

        if (Count == 0) Clear();
        return taken;
    }

    public void Clear()
    {
        while (_full is { Count: > 0 }) DropHead();
        if (_tail is not null) ArrayPool<byte>.Shared.Return(_tail);
        _tail = null;
        _tailCount = _headStart = 0;
        Count = 0;
    }

    private void DropHead()
    {
        ArrayPool<byte>.Shared.Return(_full!.Dequeue());
        _headStart = 0;
    }

    private void NewTail(int wanted)
    {
        // A queue that grows takes few large segments: of small ones the pool would not keep enough.
        var smallest = _tail is null ? SmallestSegment : LargestSegment;
        if (_tail is not null) (_full ??= new Queue<byte[]>()).Enqueue(_tail);
        _tail = ArrayPool<byte>.Shared.Rent(Math.Clamp(wanted, smallest, LargestSegment));
        _tailCount = 0;
    }
}
