using System.Buffers;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>Takes what one stream brought and cuts it into frames. For one reader.</summary>
/// <remarks>While nothing comes it holds 4 KiB. A frame beyond 64 KiB takes its bytes from the node's queue budget, and is passed over when there are none.</remarks>
internal sealed class FrameReceiver(RequestLimits limits, ResourceBudget budget) : IDisposable
{
    /// <summary>Payloads and frames up to this size are not taken from the budget: their number is bounded.</summary>
    public const int Unbudgeted = 64 << 10;

    private const int SmallRead = 4 << 10;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private int _skip;
    private int _needed;
    private int _reserved;
    private int _wanted = SmallRead;

    private ReadOnlySpan<byte> Unread => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Where the next bytes of the stream are to go.</summary>
    public Memory<byte> Prepare()
    {
        if (_start == _end) _start = _end = 0;
        var least = Math.Max(_needed, _wanted);
        if (_buffer.Length < least || _start == _end && _buffer.Length > 2 * least) Resize(least);
        else if (_start > 0 && _buffer.Length - _start < least) MoveTo(_buffer);
        return _buffer.AsMemory(_end);
    }

    /// <summary>So many bytes came.</summary>
    public void Filled(int count)
    {
        _end += count;
        if (_end == _buffer.Length) _wanted = Math.Min(4 * _wanted, Unbudgeted);
        else if (count <= SmallRead) _wanted = SmallRead;
    }

    /// <summary>The next frame of what came. Its spans are valid until the next call of any member.</summary>
    /// <param name="frame">The frame; with <see cref="FrameStatus.TooLarge"/> only its head.</param>
    /// <param name="noMemory">With <see cref="FrameStatus.TooLarge"/>: whether the size was allowed, and the budget refused.</param>
    public FrameStatus TryNext(out RequestFrame frame, out bool noMemory)
    {
        frame = default;
        noMemory = false;
        _needed = 0;
        var passed = Math.Min(_skip, _end - _start);
        _start += passed;
        _skip -= passed;
        if (_skip > 0 || _start == _end) return FrameStatus.NeedMore;
        var status = RequestCodec.TryRead(Unread, limits, out frame, out var length);
        if (status == FrameStatus.NeedMore && length > Unbudgeted && length > _reserved)
        {
            status = RequestCodec.TryReadHead(Unread, limits, out frame);
            if (status != FrameStatus.Done) return status;
            noMemory = !Reserve(length);
            status = noMemory ? FrameStatus.TooLarge : FrameStatus.NeedMore;
        }

        if (status == FrameStatus.Done) _start += length;
        else if (status == FrameStatus.TooLarge) _skip = length;
        else if (status == FrameStatus.NeedMore && (length <= Unbudgeted || length <= _reserved)) _needed = length;
        return status;
    }

    public void Dispose()
    {
        Give(_buffer);
        _buffer = [];
        Release();
    }

    private bool Reserve(int length)
    {
        Release();
        if (!budget.TryAcquire(ResourceKind.QueueBytes, length)) return false;
        _reserved = length;
        return true;
    }

    private void Release()
    {
        budget.Release(ResourceKind.QueueBytes, _reserved);
        _reserved = 0;
    }

    private void Resize(int least)
    {
        var old = _buffer;
        MoveTo(ArrayPool<byte>.Shared.Rent(least));
        Give(old);
        if (least <= Unbudgeted) Release();
    }

    private void MoveTo(byte[] target)
    {
        Unread.CopyTo(target);
        (_start, _end, _buffer) = (0, _end - _start, target);
    }

    private static void Give(byte[] buffer)
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
    }
}
