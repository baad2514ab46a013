using System.Buffers;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>Cuts a stream into envelopes. Holds a pooled buffer only while bytes are there; a large envelope takes memory, and budget, as its bytes arrive.</summary>
internal sealed class MessageFrameReader(IStream stream, int maxBytes, TimeSpan stallTimeout, TimeProvider clock) : IDisposable
{
    private const int BufferSize = 64 << 10;
    private const int FirstPiece = 256 << 10;
    private byte[]? _buffer;
    private int _start;
    private int _end;

    /// <summary>The next envelope without its length prefix, in memory of its own, or null at the end of the stream.</summary>
    /// <param name="charge">Takes what a large envelope costs; a small one is the caller's to count.</param>
    /// <param name="cancellationToken">Cancelling ends the stream's use.</param>
    /// <exception cref="MessageRefusedException">The envelope is too long, its length malformed, there is no room for it, or it does not come to its end.</exception>
    public async ValueTask<byte[]?> ReadAsync(Charge charge, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_start < _end && TryReadLength(out var prefix, out var length))
            {
                if (_end - _start - prefix >= length)
                {
                    var body = _buffer.AsSpan(_start + prefix, length).ToArray();
                    _start += prefix + length;
                    return body;
                }

                if (prefix + length > BufferSize) return await ReadLargeAsync(prefix, length, charge, cancellationToken).ConfigureAwait(false);
            }

            if (_start == _end)
            {
                Release();
                await stream.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
            }

            MakeRoom();
            var count = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (count > 0) _end += count;
            else if (_start == _end) return null;
            else throw new MessageRefusedException(MessageRefusal.Malformed, "The stream ended inside a message.");
        }
    }

    public void Dispose() => Release();

    private async ValueTask<byte[]> ReadLargeAsync(int prefix, int length, Charge charge, CancellationToken cancellationToken)
    {
        var filled = _end - _start - prefix;
        var body = Grow([], filled, length, charge);
        _buffer.AsSpan(_start + prefix, filled).CopyTo(body);
        Release();
        using var stall = new CancellationTokenSource(stallTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
        while (filled < length)
        {
            if (filled == body.Length) body = Grow(body, filled, length, charge);
            int count;
            try
            {
                count = await stream.ReadAsync(body.AsMemory(filled), either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stall.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new MessageRefusedException(MessageRefusal.Stalled, $"A message of {length} bytes stopped after {filled} of them for {stallTimeout.TotalSeconds:0.#} s.");
            }

            if (count == 0) throw new MessageRefusedException(MessageRefusal.Malformed, $"The stream ended {filled} bytes into a message of {length}.");
            filled += count;
            stall.CancelAfter(stallTimeout);
        }

        return body;
    }

    private static byte[] Grow(byte[] body, int filled, int length, Charge charge)
    {
        var size = (int)Math.Min(length, Math.Max(Math.Max(FirstPiece, filled), body.Length * 2L));
        if (!charge.TryAdd(size - body.Length)) throw new MessageRefusedException(MessageRefusal.Busy, $"There is no room for a message of {length} bytes now.");
        Array.Resize(ref body, size);
        return body;
    }

    private bool TryReadLength(out int prefix, out int length)
    {
        length = 0;
        switch (Varint.TryRead(_buffer.AsSpan(_start, _end - _start), out var announced, out prefix))
        {
            case OperationStatus.NeedMoreData:
                return false;
            case OperationStatus.Done when announced <= (ulong)maxBytes:
                length = (int)announced;
                return true;
            case OperationStatus.Done:
                throw new MessageRefusedException(MessageRefusal.TooLarge, $"A message of {announced} bytes was announced; at most {maxBytes} are read.");
            default:
                throw new MessageRefusedException(MessageRefusal.Malformed, "A message's length is no minimal varint.");
        }
    }

    private void MakeRoom()
    {
        _buffer ??= ArrayPool<byte>.Shared.Rent(BufferSize + Varint.MaxLength);
        if (_start == 0 || _end < _buffer.Length) return;
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
    }

    private void Release()
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        _start = _end = 0;
    }
}

/// <summary>What a peer sends is refused, and nothing more can be read of its stream.</summary>
internal sealed class MessageRefusedException(MessageRefusal refusal, string message) : StarlingException(message)
{
    public MessageRefusal Refusal { get; } = refusal;
}
