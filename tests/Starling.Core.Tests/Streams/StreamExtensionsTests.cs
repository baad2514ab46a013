using System.IO.Pipelines;

namespace Starling.Core.Tests.Streams;

#pragma warning disable CA1835 // The older overloads are what is tested.

public sealed class StreamExtensionsTests
{
    private static readonly byte[] Input = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_reads_and_writes_in_every_style_of_the_framework()
    {
        var inner = new ScriptedStream(Input, 7);
        var stream = inner.AsStream();
        var buffer = new byte[1000];
        Assert.Equal(7, await stream.ReadAsync(buffer, Token));
        Assert.Equal(7, await stream.ReadAsync(buffer, 7, 10, Token));
        Assert.Equal(3, stream.Read(buffer, 14, 3));
        Assert.Equal(3, stream.Read(buffer.AsSpan(17, 3)));
        Assert.Equal(20, stream.ReadByte());
        Assert.Equal(2, await Task.Factory.FromAsync(stream.BeginRead, stream.EndRead, buffer, 20, 2, null).WaitAsync(TimeSpan.FromSeconds(20), Token));
        await stream.ReadExactlyAsync(buffer.AsMemory(23), Token);
        Assert.Equal(Input[23..], buffer[23..]);
        Assert.Equal(-1, stream.ReadByte());

        await stream.WriteAsync(new byte[] { 1 }, Token);
        await stream.WriteAsync([2, 3, 4], 1, 1, Token);
        stream.Write([4], 0, 1);
        stream.Write([5]);
        stream.WriteByte(6);
        await Task.Factory.FromAsync(stream.BeginWrite, stream.EndWrite, new byte[] { 7 }, 0, 1, null).WaitAsync(TimeSpan.FromSeconds(20), Token);
        await stream.FlushAsync(Token);
        stream.Flush();
        Assert.Equal([1, 3, 4, 5, 6, 7], inner.Written);

        Assert.True(stream is { CanRead: true, CanWrite: true, CanSeek: false });
        Assert.Throws<NotSupportedException>(() => stream.Length);
        Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        await stream.DisposeAsync();
        await stream.DisposeAsync();
        stream.Dispose();
        Assert.Equal(["dispose"], inner.Calls);
    }

    [Fact]
    public void Disposing_synchronously_disposes_the_stream_once()
    {
        var inner = new ScriptedStream([], 1);
        using (var stream = inner.AsStream()) stream.Dispose();
        Assert.Equal(["dispose"], inner.Calls);
    }

    [Fact]
    public async Task Pipes_carry_all_bytes_and_completing_the_output_closes_it()
    {
        var inner = new ScriptedStream(Input, 7);
        var pipe = inner.AsPipe();
        var copy = new MemoryStream();
        await pipe.Input.CopyToAsync(copy, Token);
        Assert.Equal(Input, copy.ToArray());
        await pipe.Input.CompleteAsync();
        Assert.Empty(inner.Calls);

        await pipe.Output.WriteAsync(new byte[] { 1, 2 }, Token);
        pipe.Output.GetSpan(1)[0] = 3;
        pipe.Output.Advance(1);
        await pipe.Output.CompleteAsync();
        await pipe.Output.CompleteAsync();
        Assert.Equal([1, 2, 3], inner.Written);
        Assert.Equal(["close"], inner.Calls);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Completing_either_pipe_with_an_error_resets(bool input)
    {
        var inner = new ScriptedStream(Input, 7);
        var pipe = inner.AsPipe();
        pipe.Output.GetSpan(1)[0] = 3;
        pipe.Output.Advance(1);
        if (input) pipe.Input.Complete(new InvalidDataException());
        else pipe.Output.Complete(new InvalidDataException());
        Assert.Equal(["reset"], inner.Calls);
        Assert.Empty(inner.Written);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2999)]
    [InlineData(5000)]
    [InlineData(9999)]
    public async Task A_cancelled_flush_neither_loses_nor_repeats_bytes(int room)
    {
        var inner = new ScriptedStream([], 1) { Room = room };
        var pipe = inner.AsPipe();
        var sent = Enumerable.Range(0, 10_000).Select(i => (byte)(i * 7)).ToArray();
        Fill(pipe.Output, sent);
        using (var cancel = new CancellationTokenSource())
        {
            var flush = pipe.Output.FlushAsync(cancel.Token).AsTask();
            Assert.False(flush.IsCompleted);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush.WaitAsync(TimeSpan.FromSeconds(20), Token));
        }

        inner.Room = int.MaxValue;
        Fill(pipe.Output, [42]);
        await pipe.Output.FlushAsync(Token);
        await pipe.Output.CompleteAsync();
        Assert.Equal([.. sent, 42], inner.Written);
    }

    private static void Fill(PipeWriter writer, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var span = writer.GetSpan();
            var count = Math.Min(span.Length, bytes.Length);
            bytes[..count].CopyTo(span);
            writer.Advance(count);
            bytes = bytes[count..];
        }
    }
}
