using Starling.Net.Yamux;
using Starling.Protocols.Yamux;

namespace Starling.Net.Tests.Yamux;

public sealed class YamuxCloseTests
{
    [Fact]
    public async Task First_close_reason_wins_and_everybody_waits_for_the_same_end()
    {
        var (dialler, listener) = await LinkPair.ConnectAsync();
        var first = dialler.CloseAsync(new CloseInfo(CloseReason.DuplicateLink, "kept the other"));
        var second = dialler.CloseAsync(new CloseInfo(CloseReason.NodeStopping));
        await Task.WhenAll(first, second).Soon();
        Assert.Equal(CloseReason.DuplicateLink, (await dialler.Closed.Soon()).Reason);
        Assert.Equal(CloseReason.RemoteClose, (await listener.Closed.Soon()).Reason);
    }

    [Fact]
    public async Task Both_ends_may_close_at_once()
    {
        for (var round = 0; round < 20; round++)
        {
            var (dialler, listener) = await LinkPair.ConnectAsync();
            await Task.WhenAll(dialler.DisposeAsync().AsTask(), listener.DisposeAsync().AsTask()).Soon();
        }
    }

    [Fact]
    public async Task What_was_written_before_the_close_arrives()
    {
        var (dialler, listener) = await LinkPair.ConnectAsync();
        var stream = await dialler.OpenStreamAsync().Soon();
        await stream.WriteAsync(new byte[200_000]).Soon();
        await stream.CloseWriteAsync().Soon();
        await dialler.DisposeAsync().Soon();
        var far = await listener.AcceptStreamAsync().Soon();
        Assert.Equal(200_000, (await YamuxConnectionTests.ReadAllAsync(far)).Length);
        await listener.DisposeAsync().Soon();
    }

    [Fact]
    public async Task A_peer_that_keeps_its_socket_at_a_go_away_reads_the_end_behind_it_and_what_it_says_meanwhile_spoils_nothing()
    {
        await using var peer = await RawPeer.DialAsync(new YamuxOptions { CloseTimeout = TimeSpan.FromHours(1) });
        await peer.OpenAsync(1);
        await using var stream = await peer.Link.AcceptStreamAsync().Soon();
        await stream.WriteAsync(new byte[100_000]).Soon();
        var close = peer.Link.CloseAsync(new CloseInfo(CloseReason.LocalClose));
        var payload = 0u;
        await peer.UntilAsync(header =>
        {
            if (header.Type == YamuxFrameType.Data) payload += header.Length;
            return header is { Type: YamuxFrameType.GoAway, Length: 0 };
        });
        Assert.Equal(100_000u, payload);

        // The link is still there to read it all, so that nothing of what it sent is lost to a reset.
        await peer.SendAsync(YamuxFrameType.Ping, YamuxFlags.Syn, 0, 1);
        await peer.DataAsync(1, 200_000);
        Assert.Equal(0, await peer.Wire.ReadAsync(new byte[1]).Soon());
        Assert.False(close.IsCompleted);
        await peer.Wire.DisposeAsync();
        await close.Soon();
        await peer.AssertClosedAsync(CloseReason.LocalClose);
    }

    [Fact]
    public async Task Close_ends_every_wait_and_gives_the_budget_back()
    {
        var budget = new ResourceBudget();
        var (raw, other) = await LinkPair.RawAsync();
        var link = LinkPair.Start(raw, Direction.Outbound, budget: budget);
        var stream = await link.OpenStreamAsync().Soon();
        var write = stream.WriteAsync(new byte[1 << 20]);
        var read = stream.ReadAsync(new byte[1]);
        var accept = link.AcceptStreamAsync();
        var ping = link.PingAsync();
        Assert.Equal(1, budget.Used(ResourceKind.Streams));
        var close = link.CloseAsync(new CloseInfo(CloseReason.LocalClose), new CancellationToken(canceled: true));
        await close.Soon();
        Assert.Equal(0, budget.Used(ResourceKind.Streams));
        await Assert.ThrowsAsync<ConnectionClosedException>(() => write.Soon());
        await Assert.ThrowsAsync<ConnectionClosedException>(() => read.Soon());
        await Assert.ThrowsAsync<ConnectionClosedException>(() => accept.Soon());
        await Assert.ThrowsAsync<ConnectionClosedException>(() => ping.Soon());
        await Assert.ThrowsAsync<ConnectionClosedException>(() => link.OpenStreamAsync().Soon());
        await Assert.ThrowsAsync<ConnectionClosedException>(() => link.PingAsync().Soon());
        await other.DisposeAsync();
    }

    [Fact]
    public async Task Link_closed_under_load_leaves_nobody_waiting()
    {
        for (var round = 0; round < 10; round++)
        {
            var (dialler, listener) = await LinkPair.ConnectAsync();
            var moving = new TaskCompletionSource();
            var work = Enumerable.Range(0, 8).Select(_ => Task.Run(() => UntilClosedAsync(() => TransferAsync(dialler, listener, moving)))).ToArray();
            var (victim, other) = round % 2 == 0 ? (dialler, listener) : (listener, dialler);
            await moving.Task.Soon();
            await victim.CloseAsync(new CloseInfo(CloseReason.NodeStopping)).Soon();
            await other.Closed.Soon();
            await Task.WhenAll(work).Soon();
        }
    }

    private static async Task TransferAsync(YamuxConnection dialler, YamuxConnection listener, TaskCompletionSource moving)
    {
        await using var near = await dialler.OpenStreamAsync();
        await Task.WhenAll(
            UntilClosedAsync(async () =>
            {
                while (true) await near.WriteAsync(new byte[50_000]);
            }),
            UntilClosedAsync(async () =>
            {
                var far = await listener.AcceptStreamAsync();
                var left = 1 << 20;
                while ((left -= await far.ReadAsync(new byte[10_000])) > 0) continue;
                moving.TrySetResult();
                while (true) await far.ReadAsync(new byte[10_000]);
            }));
    }

    private static async Task UntilClosedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (ConnectionClosedException)
        {
            return;
        }
    }
}
