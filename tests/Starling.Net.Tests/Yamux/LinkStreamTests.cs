using Starling.Net.Transport;

namespace Starling.Net.Tests.Yamux;

public sealed class LinkStreamTests
{
    [Fact]
    public async Task Small_reads_are_served_from_one_big_receive()
    {
        var inner = new ScriptedStream();
        inner.Script(new byte[100]);
        await using var link = new LinkStream(inner);
        var one = new byte[1];
        for (var i = 0; i < 100; i++) Assert.Equal(1, await link.ReadAsync(one).Soon());
        Assert.Equal(1, inner.Reads);
        Assert.Equal(0, link.Buffered);
    }

    [Fact]
    public async Task Bulk_is_received_in_big_pieces_and_the_end_is_told_once_all_is_read()
    {
        var inner = new ScriptedStream();
        var data = Enumerable.Range(0, 300_000).Select(static i => (byte)i).ToArray();
        inner.Script(data);
        inner.Script([]);
        await using var link = new LinkStream(inner);
        using var all = new MemoryStream();
        var buffer = new byte[16 << 10];
        int count;
        while ((count = await link.ReadAsync(buffer).Soon()) > 0) all.Write(buffer, 0, count);
        Assert.Equal(data, all.ToArray());
        Assert.True(inner.Reads < 20, $"{inner.Reads} receives");
        Assert.Equal(0, await link.ReadAsync(buffer).Soon());
    }

    [Fact]
    public async Task Empty_read_waits_and_keeps_what_came()
    {
        var inner = new ScriptedStream();
        await using var link = new LinkStream(inner);
        var wait = link.ReadAsync(Memory<byte>.Empty);
        Assert.False(wait.IsCompleted);
        inner.Script([1, 2, 3]);
        Assert.Equal(0, await wait.Soon());
        Assert.Equal(3, await link.ReadAsync(new byte[5]).Soon());
    }

    [Fact]
    public async Task Cancelled_read_loses_nothing()
    {
        var inner = new ScriptedStream();
        await using var link = new LinkStream(inner);
        using var cancel = new CancellationTokenSource();
        var read = link.ReadAsync(new byte[5], cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.Soon());
        inner.Script([1, 2, 3]);
        Assert.Equal(3, await link.ReadAsync(new byte[5]).Soon());
    }

    [Fact]
    public async Task Writes_go_out_at_once_until_told_to_gather_and_then_at_the_flush()
    {
        var inner = new ScriptedStream();
        await using var link = new LinkStream(inner);
        await link.WriteAsync(new byte[10]).Soon();
        Assert.Equal([10], inner.Writes);
        link.AutoFlush = false;
        for (var i = 0; i < 4; i++) await link.WriteAsync(new byte[16_000]).Soon();
        Assert.Equal([10], inner.Writes);
        await link.FlushAsync().Soon();
        await link.FlushAsync().Soon();
        Assert.Equal([10, 64_000], inner.Writes);
        await link.WriteAsync(new byte[300 << 10]).Soon();
        Assert.Equal([10, 64_000, 128 << 10, 128 << 10], inner.Writes);
        link.AutoFlush = true;
        await link.WriteAsync(new byte[1]).Soon();
        Assert.Equal((44 << 10) + 1, inner.Writes[^1]);
    }

    [Fact]
    public async Task Cancellation_never_reaches_a_write_that_has_started()
    {
        var inner = new ScriptedStream();
        await using var link = new LinkStream(inner);
        using var cancel = new CancellationTokenSource();
        await link.WriteAsync(new byte[1], cancel.Token).Soon();
        Assert.False(inner.LastWriteToken.CanBeCanceled);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => link.WriteAsync(new byte[1], cancel.Token).Soon());
        Assert.Equal([1], inner.Writes);
    }
}
