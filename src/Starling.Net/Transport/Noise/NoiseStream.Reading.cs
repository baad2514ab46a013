using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Starling.Protocols.Noise;

namespace Starling.Net.Transport.Noise;

public sealed partial class NoiseStream
{
    private readonly NoiseCipher _receiving;
    private readonly byte[] _header = new byte[NoiseFrame.HeaderLength];
    private int _headerCount;
    private byte[]? _message;
    private int _messageCount;
    private int _plainStart;
    private int _plainEnd;

    private int MessageLength => BinaryPrimitives.ReadUInt16BigEndian(_header);

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        return _plainStart < _plainEnd ? new ValueTask<int>(Take(buffer.Span)) : ReceiveAsync(buffer, cancellationToken);
    }

    // What was received of a message stays in the fields, so a cancelled read is taken up by the next one.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            ThrowIfFailed();
            while (_headerCount < _header.Length)
            {
                var count = await _raw.ReadAsync(_header.AsMemory(_headerCount), cancellationToken);
                if (count == 0 && _headerCount == 0) return 0;
                if (count == 0) throw CutShort();
                _headerCount += count;
            }

            var length = MessageLength;
            if (length < NoiseFrame.TagLength) throw Fail(new ProtocolViolationException($"A Noise message of {length} bytes is too short for its tag."));
            _message ??= ArrayPool<byte>.Shared.Rent(length);
            while (_messageCount < length)
            {
                var count = await _raw.ReadAsync(_message.AsMemory(_messageCount, length - _messageCount), cancellationToken);
                if (count == 0) throw CutShort();
                _messageCount += count;
            }

            // An empty message is legal and is not the end; whoever waits with an empty buffer decrypts with the next read.
            var isEmpty = length == NoiseFrame.TagLength;
            if (buffer.IsEmpty && !isEmpty) return 0;
            var read = Open(_message, length, buffer.Span);
            if (!isEmpty) return read;
        }
    }

    private int Open(byte[] message, int length, Span<byte> target)
    {
        var plain = length - NoiseFrame.TagLength;
        var direct = plain <= target.Length;
        if (!_receiving.TryDecrypt(message.AsSpan(0, length), [], direct ? target : message))
        {
            throw Fail(new ProtocolViolationException("A Noise message fails its authentication: it was altered, lost or repeated on the way."));
        }

        _headerCount = _messageCount = 0;
        if (direct)
        {
            GiveBackMessage();
            return plain;
        }

        _plainStart = 0;
        _plainEnd = plain;
        return Take(target);
    }

    private int Take(Span<byte> target)
    {
        var count = Math.Min(target.Length, _plainEnd - _plainStart);
        _message.AsSpan(_plainStart, count).CopyTo(target);
        _plainStart += count;
        if (_plainStart == _plainEnd) GiveBackMessage();
        return count;
    }

    private void GiveBackMessage()
    {
        if (_message is not null) ArrayPool<byte>.Shared.Return(_message);
        _message = null;
        _plainStart = _plainEnd = 0;
    }

    private static EndOfStreamException CutShort() => new("The connection ended within a Noise message.");
}
