namespace Starling.Net.Transport;

/// <summary>One end of an in-memory connection. Disposing closes it as a socket would; <see cref="Abort"/> and <see cref="Silence"/> imitate what networks do.</summary>
public sealed class ByteDuplexStream : Stream
{
    private readonly BytePipe _incoming;
    private readonly BytePipe _outgoing;
    private int _closed;

    private ByteDuplexStream(BytePipe incoming, BytePipe outgoing)
    {
        _incoming = incoming;
        _outgoing = outgoing;
    }

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

    /// <summary>Two ends that are connected: what is written to one is read from the other, 64 KiB ahead at most.</summary>
    public static (ByteDuplexStream Left, ByteDuplexStream Right) CreatePair()
    {
        var (there, back) = (new BytePipe(), new BytePipe());
        return (new ByteDuplexStream(back, there), new ByteDuplexStream(there, back));
    }

    /// <summary>Breaks the connection for both ends at once, as a TCP reset does: bytes under way are lost.</summary>
    public void Abort()
    {
        var reset = new IOException("The connection was reset.");
        _incoming.Fail(reset);
        _outgoing.Fail(reset);
    }

    /// <summary>From now on nothing that either end writes arrives, and neither is told.</summary>
    public void Silence()
    {
        _incoming.Silence();
        _outgoing.Silence();
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _incoming.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _outgoing.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use ReadAsync.");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use WriteAsync.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _closed, 1) == 0)
        {
            _outgoing.End();
            _incoming.Fail(new IOException("The connection was closed."));
        }

        base.Dispose(disposing);
    }
}
