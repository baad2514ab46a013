using System.Security.Cryptography;
using Starling.Net.Yamux;
using Starling.Protocols.Yamux;

namespace Starling.Net.Tests.Yamux;

public sealed class YamuxStreamTests : IAsyncLifetime
{
    private YamuxConnection _dialler = null!;
    private YamuxConnection _listener = null!;

    public async ValueTask InitializeAsync() => (_dialler, _listener) = await LinkPair.ConnectAsync();

    public async ValueTask DisposeAsync()
    {
        await _dialler.DisposeAsync().Soon();
        await _listener.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Half_closed_stream_still_carries_the_other_direction()
    {
        var (near, far) = await PairAsync();
        await near.CloseWriteAsync().Soon();
        await near.CloseWriteAsync().Soon();
        Assert.Equal(0, await far.ReadAsync(new byte[1]).Soon());
        await far.WriteAsync(new byte[100_000]).Soon();
        await far.CloseWriteAsync().Soon();
        Assert.Equal(100_000, (await YamuxConnectionTests.ReadAllAsync(near)).Length);
        await Assert.ThrowsAsync<InvalidOperationException>(() => near.WriteAsync(new byte[1]).Soon());
    }

    [Fact]
    public async Task Disposing_an_open_stream_resets_it_at_the_peer()
    {
        var (near, far) = await PairAsync();
        var read = far.ReadAsync(new byte[1]);
        await near.DisposeAsync().Soon();
        Assert.True((await Assert.ThrowsAsync<StreamResetException>(() => read.Soon())).ByRemote);
        Assert.False((await Assert.ThrowsAsync<StreamResetException>(() => near.ReadAsync(new byte[1]).Soon())).ByRemote);
        await Assert.ThrowsAsync<StreamResetException>(() => far.WriteAsync(new byte[1]).Soon());
        far.Reset();
        await far.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Reset_after_the_end_takes_nothing_of_what_came_before_it()
    {
        var unaccepted = await _dialler.OpenStreamAsync().Soon();
        await unaccepted.WriteAsync(new byte[3000]).Soon();
        await unaccepted.CloseWriteAsync().Soon();
        await unaccepted.DisposeAsync().Soon();
        var far = await _listener.AcceptStreamAsync().Soon();
        Assert.Equal(3000, (await YamuxConnectionTests.ReadAllAsync(far)).Length);
        await _dialler.PingAsync().Soon();
        await Assert.ThrowsAsync<StreamResetException>(() => far.WriteAsync(new byte[1]).Soon());
    }

    [Fact]
    public async Task Reset_ends_a_write_that_waits_for_the_window()
    {
        var (near, far) = await PairAsync();
        var write = near.WriteAsync(new byte[10 << 20]);
        far.Reset();
        await Assert.ThrowsAsync<StreamResetException>(() => write.Soon());
    }

    [Fact]
    public async Task Reader_waits_for_a_stream_that_was_opened_without_a_word()
    {
        await using var near = await _dialler.OpenStreamAsync().Soon();
        var read = near.ReadAsync(new byte[5]);
        await using var far = await _listener.AcceptStreamAsync().Soon();
        await far.WriteAsync("hello"u8.ToArray()).Soon();
        Assert.Equal(5, await read.Soon());
    }

    [Fact]
    public async Task Empty_read_waits_for_data_and_takes_none()
    {
        var (near, far) = await PairAsync();
        var wait = far.ReadAsync(Memory<byte>.Empty);
        Assert.False(wait.IsCompleted);
        await near.WriteAsync(new byte[7]).Soon();
        Assert.Equal(0, await wait.Soon());
        Assert.Equal(7, await far.ReadAsync(new byte[10]).Soon());
    }

    [Fact]
    public async Task Cancelled_reads_lose_and_repeat_no_byte()
    {
        var (near, far) = await PairAsync();
        var random = RandomSource.Seeded(7);
        var data = RandomNumberGenerator.GetBytes(3_000_000);
        var write = YamuxConnectionTests.WriteAndEndAsync(near, data);
        using var received = new MemoryStream();
        var buffer = new byte[20_000];
        var canceled = 0;
        while (true)
        {
            using var cancel = new CancellationTokenSource();
            var read = far.ReadAsync(buffer.AsMemory(0, 1 + random.Next(buffer.Length)), cancel.Token).AsTask();
            if (random.Next(2) == 0) await cancel.CancelAsync();
            try
            {
                var count = await read.Soon();
                if (count == 0) break;
                received.Write(buffer, 0, count);
            }
            catch (OperationCanceledException)
            {
                canceled++;
            }
        }

        await write.Soon();
        Assert.True(data.AsSpan().SequenceEqual(received.ToArray()), $"The bytes differ after {canceled} cancelled reads.");
    }

    [Fact]
    public async Task Cancelled_writes_deliver_exactly_what_they_accepted()
    {
        var (near, far) = await PairAsync();
        var random = RandomSource.Seeded(8);
        var data = RandomNumberGenerator.GetBytes(8_000_000);
        var read = YamuxConnectionTests.ReadAllAsync(far);
        var accepted = 0;
        while (accepted < data.Length)
        {
            using var cancel = new CancellationTokenSource();
            var count = Math.Min(1 + random.Next(600_000), data.Length - accepted);
            var write = near.WriteAsync(data.AsMemory(accepted, count), cancel.Token).AsTask();
            if (random.Next(2) == 0) await cancel.CancelAsync();
            try
            {
                await write.Soon();
                accepted += count;
            }
            catch (WriteCanceledException canceled)
            {
                accepted += (int)canceled.BytesAccepted;
            }
        }

        await near.CloseWriteAsync().Soon();
        var received = await read.Soon();
        Assert.True(data.AsSpan().SequenceEqual(received));
    }

    [Fact]
    public async Task Token_cancelled_before_the_call_accepts_nothing()
    {
        var (near, far) = await PairAsync();
        var canceled = new CancellationToken(canceled: true);
        Assert.Equal(0, (await Assert.ThrowsAsync<WriteCanceledException>(() => near.WriteAsync(new byte[1], canceled).Soon())).BytesAccepted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => far.ReadAsync(new byte[1], canceled).Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => near.CloseWriteAsync(canceled).Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _dialler.OpenStreamAsync(canceled).Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _dialler.AcceptStreamAsync(canceled).Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _dialler.PingAsync(canceled).Soon());
        await near.WriteAsync(new byte[1]).Soon();
        Assert.Equal(1, await far.ReadAsync(new byte[1]).Soon());
    }

    [Fact]
    public async Task Waiting_open_and_accept_can_be_cancelled()
    {
        var (raw, other) = await LinkPair.RawAsync();
        await using var link = LinkPair.Start(raw, Direction.Outbound, new YamuxOptions { EarlyBacklog = 1 });
        await link.OpenStreamAsync().Soon();
        using var cancel = new CancellationTokenSource();
        var open = link.OpenStreamAsync(cancel.Token);
        var accept = link.AcceptStreamAsync(cancel.Token);
        Assert.False(open.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => open.Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept.Soon());
        await other.DisposeAsync();
    }

    [Fact]
    public async Task Unread_stream_holds_its_window_and_no_more_and_slows_no_other()
    {
        var (near, _) = await PairAsync();
        var write = near.WriteAsync(new byte[4 << 20]);
        var (busyNear, busyFar) = await PairAsync();
        var read = YamuxConnectionTests.ReadAllAsync(busyFar);
        await YamuxConnectionTests.WriteAndEndAsync(busyNear, new byte[20_000_000]).Soon();
        Assert.Equal(20_000_000, (await read.Soon()).Length);
        Assert.False(write.IsCompleted);
        Assert.InRange(_listener.Statistics.BytesIn - 20_000_002, 0, YamuxOptions.InitialWindow);
        near.Reset();
        await Assert.ThrowsAsync<StreamResetException>(() => write.Soon());
    }

    [Fact]
    public async Task Reader_that_blocks_its_thread_holds_up_nobody()
    {
        var (near, far) = await PairAsync();
        using var release = new ManualResetEventSlim();
        var blocked = Task.Run(async () =>
        {
            await far.ReadAsync(new byte[1]);
            release.Wait();
        });
        await near.WriteAsync(new byte[1]).Soon();
        var (otherNear, otherFar) = await PairAsync();
        for (var i = 0; i < 10; i++)
        {
            await otherNear.WriteAsync(new byte[1]).Soon();
            Assert.Equal(1, await otherFar.ReadAsync(new byte[1]).Soon());
        }

        release.Set();
        await blocked.Soon();
    }

    [Fact]
    public async Task Second_read_or_write_at_once_is_refused()
    {
        var (near, far) = await PairAsync();
        var read = far.ReadAsync(new byte[1]);
        await Assert.ThrowsAsync<InvalidOperationException>(() => far.ReadAsync(new byte[1]).Soon());
        var write = near.WriteAsync(new byte[4 << 20]);
        await Assert.ThrowsAsync<InvalidOperationException>(() => near.WriteAsync(new byte[1]).Soon());
        await Assert.ThrowsAsync<InvalidOperationException>(() => near.CloseWriteAsync().Soon());
        Assert.Equal(1, await read.Soon());
        near.Reset();
        await Assert.ThrowsAsync<StreamResetException>(() => write.Soon());
    }

    [Fact]
    public async Task Everything_at_once_ends_with_every_byte_where_it_belongs()
    {
        var random = RandomSource.Seeded(9);
        _ = Task.Run(async () =>
        {
            try
            {
                while (true) _ = YamuxConnectionTests.EchoAsync(await _listener.AcceptStreamAsync());
            }
            catch (ConnectionClosedException)
            {
                return;
            }
        });
        var sizes = Enumerable.Range(0, 60).Select(_ => random.Next(random.Next(3) == 0 ? 900_000 : 3000)).ToArray();
        await Task.WhenAll(sizes.Select(size => Task.Run(async () =>
        {
            var data = RandomNumberGenerator.GetBytes(size);
            await using var stream = await _dialler.OpenStreamAsync();
            if (size % 7 == 0)
            {
                await stream.WriteAsync(data.AsMemory(0, Math.Min(size, 1000)));
                return;
            }

            var write = YamuxConnectionTests.WriteAndEndAsync(stream, data);
            var echo = await YamuxConnectionTests.ReadAllAsync(stream);
            await write;
            Assert.True(data.AsSpan().SequenceEqual(echo));
        }))).Soon();
    }

    private async Task<(IStream Near, IStream Far)> PairAsync()
    {
        var near = await _dialler.OpenStreamAsync().Soon();
        await near.WriteAsync(new byte[1]).Soon();
        var far = await _listener.AcceptStreamAsync().Soon();
        Assert.Equal(1, await far.ReadAsync(new byte[1]).Soon());
        return (near, far);
    }
}
