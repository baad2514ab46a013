namespace Starling.Net.Tests.Transport;

/// <summary>A raw channel on which a test lets things go wrong: cut or swallowed after so many bytes, watched at each operation.</summary>
internal sealed class TroubledStream(Stream inner) : Stream
{
    private readonly TaskCompletionSource _struck = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _operations;

    /// <summary>Bytes that are written before the connection is cut.</summary>
    public long CutAfter { get; set; } = long.MaxValue;

    /// <summary>Bytes that are written before the rest is swallowed.</summary>
    public long SwallowAfter { get; set; } = long.MaxValue;

    /// <summary>Called with the number of each read and write before it starts.</summary>
    public Action<int> OnOperation { get; set; } = _ => { };

    /// <summary>Completes once the trouble has come.</summary>
    public Task Struck => _struck.Task;

    public long Written { get; private set; }

    public int Operations => Volatile.Read(ref _operations);

    public bool Disposed { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        OnOperation(Interlocked.Increment(ref _operations) - 1);
        return inner.ReadAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        OnOperation(Interlocked.Increment(ref _operations) - 1);
        var limit = Math.Min(CutAfter, SwallowAfter);
        var passed = (int)Math.Min(buffer.Length, Math.Max(0, limit - Written));
        Written += buffer.Length;
        if (passed > 0) await inner.WriteAsync(buffer[..passed], cancellationToken);
        if (passed == buffer.Length) return;
        _struck.TrySetResult();
        if (SwallowAfter < long.MaxValue) return;
        await inner.DisposeAsync();
        throw new IOException("The cable was cut.");
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        Disposed = true;
        _struck.TrySetResult();
        inner.Dispose();
        base.Dispose(disposing);
    }
}
