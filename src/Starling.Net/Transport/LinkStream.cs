using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Starling.Net.Transport;

/// <summary>The buffers between a raw byte stream and the security layer: few big reads and writes below, many small ones above.</summary>
/// <remarks>
/// <para>Reading. Small reads are served from what one big receive brought, so a handshake parser may ask for exactly the
/// bytes that it needs, one at a time, and leaves the rest to whoever reads next. While nothing comes only a 4 KiB buffer is
/// held; 64 KiB are rented while data flows in bulk and given back once drained. A read with an empty buffer waits until data or the end is there.</para>
/// <para>Writing. With <see cref="AutoFlush"/> on, the default, every write goes out at once, as handshakes need it. With it
/// off, writes gather until a flush sends them in one call, so that several TLS records cost one system call; past 128 KiB a write sends what is gathered first.</para>
/// <para>One read and one write at a time. A cancellation token is honoured before a write starts and never reaches a write
/// that has started: half a record on the wire could not be taken back. Cancelling a read loses nothing.</para>
/// </remarks>
public sealed class LinkStream : Stream
{
    private const int SmallRead = 4 << 10;
    private const int BulkRead = 64 << 10;
    private const int GatherLimit = 128 << 10;

    private readonly Stream _inner;
    private byte[]? _small;
    private byte[]? _read;
    private int _readStart;
    private int _readEnd;
    private bool _bulk;
    private bool _ended;
    private byte[]? _gathered;
    private int _gatheredCount;

    /// <summary>Puts buffers over a raw stream, which this one then owns and disposes.</summary>
    public LinkStream(Stream inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _inner = inner;
    }

    /// <summary>Whether each write is sent at once. Default true; set it to false when the handshakes are done and the writer flushes.</summary>
    public bool AutoFlush { get; set; } = true;

    /// <summary>Bytes received from below so far.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>Bytes handed down to be sent so far.</summary>
    public long BytesSent { get; private set; }

    /// <summary>Bytes received and not yet read.</summary>
    public int Buffered => _readEnd - _readStart;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        return Buffered > 0 || _ended ? new ValueTask<int>(Take(buffer.Span)) : ReceiveAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        if (AutoFlush && _gatheredCount == 0)
        {
            BytesSent += buffer.Length;
            return _inner.WriteAsync(buffer, CancellationToken.None);
        }

        if (AutoFlush || _gatheredCount + buffer.Length > GatherLimit) return GatherAndSendAsync(buffer);
        Gather(buffer.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) =>
        _gatheredCount == 0 ? Task.CompletedTask : SendGatheredAsync().AsTask();

    /// <summary>Ends the direction to the other side, which reads the end behind all that was flushed. Reading goes on. Does nothing over a raw stream that is no socket, or is closed.</summary>
    public void EndWriting()
    {
        if (_inner is not NetworkStream { Socket: var socket }) return;
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The connection is gone already, and with it both directions.
            return;
        }
    }

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException("Use FlushAsync.");

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use ReadAsync.");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use WriteAsync.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        // Buffers are left to the collector: a read or write that is still under way may hold them.
        await _inner.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _inner.Dispose();
        base.Dispose(disposing);
    }

    private int Take(Span<byte> target)
    {
        var count = Math.Min(target.Length, Buffered);
        _read.AsSpan(_readStart, count).CopyTo(target);
        _readStart += count;
        if (_readStart == _readEnd) GiveBackReadBuffer();
        return count;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // In bulk, waiting with an empty buffer costs one call in 64 KiB and spares a big one held by a link that falls silent.
        if (_bulk) _ = await _inner.ReadAsync(Memory<byte>.Empty, cancellationToken);
        var target = _bulk ? ArrayPool<byte>.Shared.Rent(BulkRead) : _small ??= GC.AllocateUninitializedArray<byte>(SmallRead);
        var received = await _inner.ReadAsync(target, cancellationToken);
        BytesReceived += received;
        _read = target;
        _readEnd = received;
        _ended = received == 0;
        _bulk = received >= SmallRead;
        return Take(buffer.Span);
    }

    private void GiveBackReadBuffer()
    {
        if (_read is { } read && read != _small) ArrayPool<byte>.Shared.Return(read);
        _read = null;
        _readStart = _readEnd = 0;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendGatheredAsync()
    {
        if (_gathered is not { } gathered) return;
        var count = _gatheredCount;
        _gathered = null;
        _gatheredCount = 0;
        BytesSent += count;
        await _inner.WriteAsync(gathered.AsMemory(0, count), CancellationToken.None);

        // After a failed write the array may still be in the stream's hands, so then it is left to the collector.
        ArrayPool<byte>.Shared.Return(gathered);
    }

    private void Gather(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty) return;
        _gathered ??= ArrayPool<byte>.Shared.Rent(GatherLimit);
        data.CopyTo(_gathered.AsSpan(_gatheredCount));
        _gatheredCount += data.Length;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask GatherAndSendAsync(ReadOnlyMemory<byte> data)
    {
        while (!data.IsEmpty)
        {
            var count = Math.Min(data.Length, GatherLimit - _gatheredCount);
            Gather(data.Span[..count]);
            data = data[count..];
            if (AutoFlush || _gatheredCount == GatherLimit) await SendGatheredAsync();
        }
    }
}
