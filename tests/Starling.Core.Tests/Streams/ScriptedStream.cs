namespace Starling.Core.Tests.Streams;

/// <summary>A stream that gives prepared bytes in chunks, remembers what it was told, and accepts no more than <see cref="Room"/> bytes: a write beyond it waits to be cancelled.</summary>
internal sealed class ScriptedStream(byte[] input, int chunk) : IStream
{
    private int _at;

    public List<byte[]> Writes { get; } = [];

    public byte[] Written => [.. Writes.SelectMany(bytes => bytes)];

    public List<string> Calls { get; } = [];

    public int Unread => input.Length - _at;

    public int Room { get; set; } = int.MaxValue;

    public uint Id => 1;

    public Direction Direction => Direction.Outbound;

    public string? Protocol { get; set; }

    public StreamPriority Priority { get; set; } = StreamPriority.Medium;

    public IConnection Connection => throw new NotSupportedException();

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var count = Math.Min(Math.Min(chunk, buffer.Length), Unread);
        input.AsSpan(_at, count).CopyTo(buffer.Span);
        _at += count;
        return ValueTask.FromResult(count);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        var accepted = Math.Min(Room, data.Length);
        Writes.Add(data[..accepted].ToArray());
        Room -= accepted;
        if (accepted == data.Length) return;
        var cancelled = new TaskCompletionSource();
        await using (cancellationToken.Register(cancelled.SetResult)) await cancelled.Task;
        throw new WriteCanceledException(accepted, cancellationToken);
    }

    public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default)
    {
        Calls.Add("close");
        return ValueTask.CompletedTask;
    }

    public void Reset() => Calls.Add("reset");

    public ValueTask DisposeAsync()
    {
        Calls.Add("dispose");
        return ValueTask.CompletedTask;
    }
}
