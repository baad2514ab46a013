using System.Buffers;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Cuts a stream into RPCs. Holds a pooled buffer only while bytes are there: an idle stream costs none.</summary>
internal sealed class RpcFrameReader(IStream stream, int maxRpcBytes) : IDisposable
{
    private const int FirstBuffer = 16 << 10;
    private byte[]? _buffer;
    private int _start;
    private int _end;

    /// <summary>The next RPC without its length prefix, valid until the next call, or null at the end of the stream.</summary>
    /// <exception cref="RpcRefusedException">The RPC is longer than allowed, its length malformed, or the stream ended inside it.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var needed = 1;
            if (_start < _end)
            {
                if (TryReadLength(out var header, out var length))
                {
                    if (_end - _start - header >= length)
                    {
                        var body = _buffer.AsMemory(_start + header, length);
                        _start += header + length;
                        return body;
                    }

                    needed = header + length;
                }
            }
            else
            {
                // Where more is there already the buffer is kept: a busy stream would rent and grow one for each RPC.
                var wait = stream.ReadAsync(Memory<byte>.Empty, cancellationToken);
                if (!wait.IsCompleted) Release();
                await wait.ConfigureAwait(false);
                _start = _end = 0;
            }

            MakeRoom(needed);
            var count = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (count > 0) _end += count;
            else if (_start == _end) return null;
            else throw new RpcRefusedException(PubSubRefusal.Malformed, "The stream ended inside an RPC.");
        }
    }

    public void Dispose() => Release();

    private bool TryReadLength(out int header, out int length)
    {
        header = length = 0;
        ulong value = 0;
        foreach (var next in _buffer.AsSpan(_start, Math.Min(_end - _start, 5)))
        {
            value |= (ulong)(next & 0x7F) << (7 * header++);
            if (next >= 0x80) continue;
            if (value > (ulong)maxRpcBytes) throw new RpcRefusedException(PubSubRefusal.RpcTooLarge, $"An RPC of {value} bytes was announced; at most {maxRpcBytes} are read.");
            length = (int)value;
            return true;
        }

        return header < 5 ? false : throw new RpcRefusedException(PubSubRefusal.Malformed, "An RPC's length takes more than five bytes.");
    }

    /// <summary>Makes room for more bytes: for the whole RPC where it is small, else for twice what has come, so that an announcement alone costs nothing.</summary>
    private void MakeRoom(int needed)
    {
        var held = _end - _start;
        var wanted = Math.Min(Math.Max(needed, held + 1), Math.Max(FirstBuffer, held * 2));
        if (_buffer is not null && _buffer.Length - _start >= wanted && _end < _buffer.Length) return;
        var target = _buffer is not null && _buffer.Length >= wanted && _buffer.Length > held ? _buffer : ArrayPool<byte>.Shared.Rent(wanted);
        if (_buffer is not null) _buffer.AsSpan(_start, held).CopyTo(target);
        if (_buffer is not null && !ReferenceEquals(target, _buffer)) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = (target, 0, held);
    }

    private void Release()
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        _start = _end = 0;
    }
}

/// <summary>A neighbour's RPC was refused as a whole; its stream ends.</summary>
internal sealed class RpcRefusedException(PubSubRefusal reason, string message) : StarlingException(message)
{
    public PubSubRefusal Reason { get; } = reason;
}
