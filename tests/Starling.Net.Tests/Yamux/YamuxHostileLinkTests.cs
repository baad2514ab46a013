using Starling.Protocols.Yamux;

namespace Starling.Net.Tests.Yamux;

public sealed class YamuxHostileLinkTests
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task Overrun_window_closes_with_a_protocol_error_that_the_peer_is_told()
    {
        await using var peer = await RawPeer.DialAsync();
        await peer.DataAsync(1, YamuxOptions.InitialWindow, YamuxFlags.Syn);
        var stream = await peer.Link.AcceptStreamAsync().Soon();
        await peer.SendAsync(YamuxFrameType.Data, YamuxFlags.None, 1, 1, 1);
        await peer.UntilAsync(static header => header is { Type: YamuxFrameType.GoAway, Length: 1 });
        await peer.Wire.DisposeAsync();
        await peer.AssertClosedAsync(CloseReason.ProtocolError);
        Assert.Equal(YamuxOptions.InitialWindow, await CountAsync(stream));
    }

    [Fact]
    public async Task Announcing_four_gibibytes_costs_nothing_and_ends_the_link()
    {
        await using var peer = await RawPeer.DialAsync();
        await peer.SendAsync(YamuxFrameType.Data, YamuxFlags.Syn, 1, uint.MaxValue);
        await peer.UntilAsync(static header => header.Type == YamuxFrameType.GoAway);
        await peer.Wire.DisposeAsync();
        await peer.AssertClosedAsync(CloseReason.ProtocolError);
    }

    [Fact]
    public async Task Streams_without_end_are_refused_and_then_end_the_link_and_no_other()
    {
        var (dialler, listener) = await LinkPair.ConnectAsync();
        await using var peer = await RawPeer.DialAsync(new YamuxOptions { WasteBurst = 300, CloseTimeout = AtOnce });
        try
        {
            for (var id = 1u; id < 4000; id += 2) await peer.OpenAsync(id);
        }
        catch (IOException)
        {
            Assert.True(peer.Link.Statistics.StreamsRefused > 0);
        }

        await peer.AssertClosedAsync(CloseReason.ProtocolError);
        Assert.True(peer.Link.Statistics.StreamsAccepted <= new YamuxOptions().AcceptBacklog);
        var serve = YamuxConnectionTests.EchoOneAsync(listener);
        await using var stream = await dialler.OpenStreamAsync().Soon();
        await YamuxConnectionTests.WriteAndEndAsync(stream, new byte[100]);
        Assert.Equal(100, (await YamuxConnectionTests.ReadAllAsync(stream)).Length);
        await serve.Soon();
        await dialler.DisposeAsync().Soon();
        await listener.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Resets_without_end_close_the_link_and_never_crowd_out_an_honest_stream()
    {
        await using var peer = await RawPeer.DialAsync(new YamuxOptions { WasteBurst = 1000, AcceptBacklog = 4, CloseTimeout = AtOnce });
        for (var id = 1u; id < 40; id += 2)
        {
            await peer.OpenAsync(id);
            await peer.SendAsync(YamuxFrameType.WindowUpdate, YamuxFlags.Rst, id, 0);
        }

        await peer.SendAsync(YamuxFrameType.Ping, YamuxFlags.Syn, 0, 1);
        await peer.UntilAsync(static header => header is { Type: YamuxFrameType.Ping, Flags: YamuxFlags.Ack });
        var accept = peer.Link.AcceptStreamAsync();
        await peer.OpenAsync(101);
        Assert.Equal(101u, (await accept.Soon()).Id);
        try
        {
            for (var id = 201u; id < 9000; id += 2)
            {
                await peer.OpenAsync(id);
                await peer.SendAsync(YamuxFrameType.WindowUpdate, YamuxFlags.Rst, id, 0);
            }
        }
        catch (IOException)
        {
            Assert.True(peer.Link.Statistics.ResetsIn + peer.Link.Statistics.StreamsRefused > 900);
        }

        await peer.AssertClosedAsync(CloseReason.ProtocolError);
    }

    [Fact]
    public async Task Silent_peer_is_found_by_keep_alive()
    {
        var clock = new ManualClock();
        var options = new YamuxOptions();
        await using var peer = await RawPeer.DialAsync(options, clock);
        var stream = await peer.Link.OpenStreamAsync().Soon();
        var read = stream.ReadAsync(new byte[1]);
        await peer.UntilAsync(static header => header is { Type: YamuxFrameType.Ping, Flags: YamuxFlags.Syn });
        clock.Advance(options.KeepAliveTimeout);
        await peer.AssertClosedAsync(CloseReason.KeepAliveTimeout);
        Assert.Equal(CloseReason.KeepAliveTimeout, (await Assert.ThrowsAsync<ConnectionClosedException>(() => read.Soon())).Info.Reason);
    }

    [Fact]
    public async Task Answered_keep_alive_goes_on()
    {
        var clock = new ManualClock();
        var options = new YamuxOptions();
        await using var peer = await RawPeer.DialAsync(options, clock);
        for (var round = 0; round < 3; round++)
        {
            var ping = await peer.UntilAsync(static header => header is { Type: YamuxFrameType.Ping, Flags: YamuxFlags.Syn });
            var answered = peer.Link.PingAsync();
            clock.Advance(TimeSpan.FromMilliseconds(3));
            await peer.SendAsync(YamuxFrameType.Ping, YamuxFlags.Ack, 0, ping.Length);
            Assert.Equal(TimeSpan.FromMilliseconds(3), await answered.Soon());
            clock.Advance(options.KeepAliveInterval);
        }

        Assert.False(peer.Link.Closed.IsCompleted);
    }

    [Fact]
    public async Task Byte_stream_that_ends_without_a_good_bye_fails_what_waits_and_keeps_what_came()
    {
        await using var peer = await RawPeer.DialAsync();
        await peer.DataAsync(1, 10, YamuxFlags.Syn);
        await peer.DataAsync(3, 5, YamuxFlags.Syn | YamuxFlags.Fin);
        var cut = await peer.Link.AcceptStreamAsync().Soon();
        var whole = await peer.Link.AcceptStreamAsync().Soon();
        await peer.SendAsync(YamuxFrameType.Data, YamuxFlags.None, 1, 100, 50);
        await peer.Wire.DisposeAsync();
        await peer.AssertClosedAsync(CloseReason.EndOfStream);
        Assert.Equal(5, await CountAsync(whole));
        Assert.Equal(60, await CountAsync(cut));
        await Assert.ThrowsAsync<ConnectionClosedException>(() => cut.ReadAsync(new byte[1]).Soon());
        await Assert.ThrowsAsync<ConnectionClosedException>(() => peer.Link.AcceptStreamAsync().Soon());
    }

    [Fact]
    public async Task Frame_as_large_as_the_window_is_streamed_to_the_reader_as_it_comes()
    {
        await using var peer = await RawPeer.DialAsync();
        await peer.SendAsync(YamuxFrameType.Data, YamuxFlags.Syn, 1, YamuxOptions.InitialWindow, 100);
        var stream = await peer.Link.AcceptStreamAsync().Soon();
        Assert.Equal(100, await stream.ReadAsync(new byte[1000]).Soon());
        await peer.Wire.WriteAsync(new byte[YamuxOptions.InitialWindow - 100]).Soon();
        await peer.DataAsync(1, 0, YamuxFlags.Fin);
        Assert.Equal(YamuxOptions.InitialWindow - 100, await CountAsync(stream));
    }

    [Fact]
    public async Task Peer_that_does_not_read_blocks_no_cancellation_and_no_close()
    {
        await using var peer = await RawPeer.DialAsync(new YamuxOptions { CloseTimeout = AtOnce });
        await peer.OpenAsync(1);
        await peer.SendAsync(YamuxFrameType.WindowUpdate, YamuxFlags.None, 1, 64 << 20);
        await using var stream = await peer.Link.AcceptStreamAsync().Soon();
        using var cancel = new CancellationTokenSource();
        var write = stream.WriteAsync(new byte[64 << 20], cancel.Token);
        Assert.False(write.IsCompleted);
        await cancel.CancelAsync();
        var canceled = await Assert.ThrowsAsync<WriteCanceledException>(() => write.Soon());
        Assert.InRange(canceled.BytesAccepted, 1, (64 << 20) - 1);
        var next = stream.WriteAsync(new byte[10]);
        await peer.Link.CloseAsync(new CloseInfo(CloseReason.LocalClose)).Soon();
        await Assert.ThrowsAsync<ConnectionClosedException>(() => next.Soon());
        await peer.AssertClosedAsync(CloseReason.LocalClose);
    }

    private static async Task<int> CountAsync(IStream stream)
    {
        var buffer = new byte[100_000];
        var total = 0;
        try
        {
            int count;
            while ((count = await stream.ReadAsync(buffer).Soon()) > 0) total += count;
        }
        catch (ConnectionClosedException)
        {
            return total;
        }

        return total;
    }
}
