using System.IO.Pipelines;

namespace Starling.Net.Tests.Transport.Multistream;

/// <summary>One end of a stream in memory that delivers in small pieces, remembers each write, and accepts no more than <see cref="Room"/> bytes until a write is cancelled.</summary>
internal sealed class StreamEnd(PipeReader reader, PipeWriter writer) : IStream
{
    public int Piece { get; set; } = int.MaxValue;

    public int Room { get; set; } = int.MaxValue;

    public List<byte[]> Writes { get; } = [];

    public byte[] Written => [.. Writes.SelectMany(write => write)];

    public bool WasReset { get; private set; }

    public uint Id => 1;

    public Direction Direction => Direction.Outbound;

    public string? Protocol { get; set; }

    public StreamPriority Priority { get; set; } = StreamPriority.Medium;

    public IConnection Connection => throw new NotSupportedException();

    public static (StreamEnd Dialler, StreamEnd Listener) Pair()
    {
        var options = new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false);
        var (there, back) = (new Pipe(options), new Pipe(options));
        return (new StreamEnd(back.Reader, there.Writer), new StreamEnd(there.Reader, back.Writer));
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (WasReset) throw new StreamResetException("reset here", byRemote: false);
        var result = await reader.ReadAsync(cancellationToken);
        if (WasReset) throw new StreamResetException("reset here", byRemote: false);
        var taken = result.Buffer.Slice(0, Math.Min(Math.Min(buffer.Length, Piece), result.Buffer.Length));
        var at = 0;
        foreach (var segment in taken)
        {
            segment.CopyTo(buffer[at..]);
            at += segment.Length;
        }

        reader.AdvanceTo(taken.End);
        return at;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        if (WasReset) throw new StreamResetException("reset here", byRemote: false);
        if (cancellationToken.IsCancellationRequested) throw new WriteCanceledException(0, cancellationToken);
        var accepted = Math.Min(Room, data.Length);
        Room -= accepted;
        if (accepted > 0)
        {
            Writes.Add(data[..accepted].ToArray());
            await writer.WriteAsync(data[..accepted], CancellationToken.None);
        }

        if (accepted == data.Length) return;
        var cancelled = new TaskCompletionSource();
        await using (cancellationToken.Register(cancelled.SetResult)) await cancelled.Task;
        throw new WriteCanceledException(accepted, cancellationToken);
    }

    public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default) => writer.CompleteAsync();

    public void Reset()
    {
        WasReset = true;
        writer.Complete(new StreamResetException("reset there", byRemote: true));
        reader.CancelPendingRead();
    }

    public ValueTask DisposeAsync()
    {
        Reset();
        return ValueTask.CompletedTask;
    }
}
