using System.Buffers;
using System.IO.Pipelines;

namespace Starling.Net.Transport;

/// <summary>One end of an in-memory connection; behaves as a socket's stream does, also at its end.</summary>
internal sealed class MemoryChannel(MemoryPair pair, PipeReader reader, PipeWriter writer) : Stream
{
    private readonly Lock _gate = new();
    private bool _reading;
    private bool _writing;
    private bool _closed;
    private Exception? _cause;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter(ref _reading);
        try
        {
            var result = await reader.ReadAsync(cancellationToken);
            var count = (int)Math.Min(buffer.Length, result.Buffer.Length);
            result.Buffer.Slice(0, count).CopyTo(buffer.Span);
            // Nothing beyond what was taken counts as examined, so that the next read finds the rest at once.
            reader.AdvanceTo(result.Buffer.GetPosition(count));
            if (result.IsCanceled) throw Ended();
            return count;
        }
        finally
        {
            if (Leave(ref _reading)) await reader.CompleteAsync(_cause);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter(ref _writing);
        try
        {
            var result = await writer.WriteAsync(buffer, cancellationToken);
            if (result.IsCanceled) throw Ended();
            if (result.IsCompleted) throw new IOException("The other end closed the in-memory connection.");
        }
        finally
        {
            if (Leave(ref _writing)) await writer.CompleteAsync(_cause);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use ReadAsync.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use WriteAsync.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Ends both directions. A call that is under way is woken, and completes its pipe itself: pipes are not for two threads.</summary>
    internal void Close(Exception? cause)
    {
        bool reading, writing;
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            _cause = cause;
            reading = _reading;
            writing = _writing;
        }

        if (reading) reader.CancelPendingRead();
        else reader.Complete(cause);
        if (writing) writer.CancelPendingFlush();
        else writer.Complete(cause);
        pair.EndClosed();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) Close(null);
        base.Dispose(disposing);
    }

    private void Enter(ref bool busy)
    {
        lock (_gate)
        {
            if (_closed) throw Ended();
            if (busy) throw new NotSupportedException("One read and one write at a time.");
            busy = true;
        }
    }

    /// <returns>Whether the end closed meanwhile, so that the pipe is this caller's to complete.</returns>
    private bool Leave(ref bool busy)
    {
        lock (_gate)
        {
            busy = false;
            return _closed;
        }
    }

    private Exception Ended() => _cause is null ? new ObjectDisposedException(nameof(MemoryChannel)) : new IOException(_cause.Message, _cause);
}
