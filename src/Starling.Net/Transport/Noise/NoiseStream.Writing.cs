using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Starling.Protocols.Noise;

namespace Starling.Net.Transport.Noise;

public sealed partial class NoiseStream
{
    private const int GatherLimit = 128 << 10;
    private const int MaxFrame = GatherLimit / 2;

    private readonly NoiseCipher _sending;
    private byte[]? _gathered;
    private int _frameStart;
    private int _gatheredEnd;

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        if (Volatile.Read(ref _fault) is not null || _link is not { AutoFlush: false }) return WriteAndSendAsync(buffer);
        var taken = Gather(buffer.Span);
        return taken == buffer.Length ? ValueTask.CompletedTask : WriteAndSendAsync(buffer[taken..]);
    }

    /// <inheritdoc/>
    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await SendAsync();
        await _raw.FlushAsync(CancellationToken.None);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteAndSendAsync(ReadOnlyMemory<byte> data)
    {
        ThrowIfFailed();
        while (!data.IsEmpty)
        {
            data = data[Gather(data.Span)..];
            if (!data.IsEmpty) await SendAsync();
        }

        if (_link is not { AutoFlush: false }) await SendAsync();
    }

    /// <summary>Copies what fits into the messages being gathered, and says how much that was.</summary>
    private int Gather(ReadOnlySpan<byte> data)
    {
        var taken = 0;
        while (taken < data.Length)
        {
            if (_gatheredEnd == _frameStart && !OpenFrame()) break;
            var frameEnd = _frameStart + MaxFrame - NoiseFrame.TagLength;
            var count = Math.Min(data.Length - taken, frameEnd - _gatheredEnd);
            data.Slice(taken, count).CopyTo(_gathered.AsSpan(_gatheredEnd));
            taken += count;
            _gatheredEnd += count;
            if (_gatheredEnd == frameEnd) SealFrame();
        }

        return taken;
    }

    private bool OpenFrame()
    {
        if (_frameStart + MaxFrame > GatherLimit) return false;
        _gathered ??= ArrayPool<byte>.Shared.Rent(GatherLimit);
        _gatheredEnd = _frameStart + NoiseFrame.HeaderLength;
        return true;
    }

    private void SealFrame()
    {
        var start = _frameStart + NoiseFrame.HeaderLength;
        var length = _gatheredEnd - start;
        var message = _gathered.AsSpan(start, length + NoiseFrame.TagLength);
        BinaryPrimitives.WriteUInt16BigEndian(_gathered.AsSpan(_frameStart), (ushort)message.Length);
        _sending.Encrypt(message[..length], [], message);
        _frameStart = _gatheredEnd = start + message.Length;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync()
    {
        ThrowIfFailed();
        if (_gathered is not { } gathered) return;
        try
        {
            if (_gatheredEnd > _frameStart) SealFrame();
            var count = _frameStart;
            _gathered = null;
            _frameStart = _gatheredEnd = 0;
            await _raw.WriteAsync(gathered.AsMemory(0, count), CancellationToken.None);
        }
        catch (Exception e)
        {
            // After a failed write the array may still be in the stream's hands, so then it is left to the collector.
            Fail(e);
            throw;
        }

        ArrayPool<byte>.Shared.Return(gathered);
    }
}
