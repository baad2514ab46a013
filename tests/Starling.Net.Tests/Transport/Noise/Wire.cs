using System.IO.Pipelines;

namespace Starling.Net.Tests.Transport.Noise;

/// <summary>One end of a duplex byte stream in memory that can deliver in small pieces and counts what is written.</summary>
internal sealed class Wire(PipeReader reader, PipeWriter writer) : Stream
{
    private readonly Stream _reader = reader.AsStream();

    /// <summary>The most bytes that one read returns.</summary>
    public int Piece { get; set; } = int.MaxValue;

    /// <summary>The lengths of the writes so far.</summary>
    public List<int> Writes { get; } = [];

    /// <summary>Applied to each written block; an empty result drops it.</summary>
    public Func<byte[], byte[]> Change { get; set; } = block => block;

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

    public static (Wire Left, Wire Right) Pair()
    {
        var options = new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false);
        var there = new Pipe(options);
        var back = new Pipe(options);
        return (new Wire(back.Reader, there.Writer), new Wire(there.Reader, back.Writer));
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _reader.ReadAsync(buffer[..Math.Min(buffer.Length, Piece)], cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Writes.Add(buffer.Length);
        await writer.WriteAsync(Change(buffer.ToArray()), cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (Disposed) return;
        Disposed = true;
        writer.Complete();
        reader.CancelPendingRead();
    }
}
