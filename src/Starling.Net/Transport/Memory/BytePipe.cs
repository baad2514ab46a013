using System.Buffers;

namespace Starling.Net.Transport;

/// <summary>A bounded byte queue between one writer and one reader: one direction of an in-memory connection.</summary>
internal sealed class BytePipe
{
    /// <summary>Bytes that wait unread before a write waits, as in a socket's buffer.</summary>
    public const int Capacity = 64 << 10;

    private readonly Lock _gate = new();
    private byte[]? _ring;
    private int _start;
    private int _count;
    private bool _ended;
    private bool _silent;
    private Exception? _fault;
    private TaskCompletionSource? _changed;

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task change;
            lock (_gate)
            {
                if (_fault is not null) throw new IOException(_fault.Message, _fault);
                if (_count > 0) return Take(buffer.Span);
                if (_ended) return 0;
                change = Change();
            }

            await change.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (!data.IsEmpty)
        {
            Task change;
            lock (_gate)
            {
                if (_fault is not null) throw new IOException(_fault.Message, _fault);
                if (_ended) throw new IOException("The connection was closed.");
                if (_silent) return;
                data = data[Put(data.Span)..];
                if (data.IsEmpty) return;
                change = Change();
            }

            await change.WaitAsync(cancellationToken);
        }
    }

    /// <summary>No more is written; what waits can still be read.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            Wake();
        }
    }

    /// <summary>Ends both sides at once; what waits is lost.</summary>
    public void Fail(Exception fault)
    {
        lock (_gate)
        {
            if (_fault is not null) return;
            _fault = fault;
            _count = 0;
            if (_ring is { } ring) ArrayPool<byte>.Shared.Return(ring);
            _ring = null;
            Wake();
        }
    }

    /// <summary>From now on writes vanish, as on a network that was unplugged.</summary>
    public void Silence()
    {
        lock (_gate)
        {
            _silent = true;
            Wake();
        }
    }

    private Task Change() => (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private void Wake()
    {
        _changed?.TrySetResult();
        _changed = null;
    }

    private int Take(Span<byte> target)
    {
        var taken = Math.Min(target.Length, _count);
        var first = Math.Min(taken, Capacity - _start);
        _ring.AsSpan(_start, first).CopyTo(target);
        _ring.AsSpan(0, taken - first).CopyTo(target[first..]);
        _start = (_start + taken) % Capacity;
        _count -= taken;
        if (taken > 0) Wake();
        return taken;
    }

    private int Put(ReadOnlySpan<byte> data)
    {
        var put = Math.Min(data.Length, Capacity - _count);
        if (put == 0) return 0;
        _ring ??= ArrayPool<byte>.Shared.Rent(Capacity);
        var at = (_start + _count) % Capacity;
        var first = Math.Min(put, Capacity - at);
        data[..first].CopyTo(_ring.AsSpan(at));
        data[first..put].CopyTo(_ring);
        _count += put;
        Wake();
        return put;
    }
}
