using Starling.Protocols.Yamux;

namespace Starling.Protocols.Tests.Yamux;

public sealed class YamuxCoreTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Every_byte_of_every_stream_arrives_in_order_under_any_schedule(int seed)
    {
        for (var run = 0; run < 8; run++) RandomSession(RandomSource.Seeded((ulong)((seed * 1000) + run)), $"seed {(seed * 1000) + run}");
    }

    [Fact]
    public void Opening_rides_on_the_first_data_and_the_acknowledgement_on_the_reply()
    {
        var (dialler, listener) = (new CoreEnd(true), new CoreEnd(false));
        var stream = dialler.Open();
        Assert.Equal(0, dialler.Send());
        dialler.Core.Offer(stream, 5);
        Assert.Equal(1, dialler.Send());
        Assert.Equal(YamuxFlags.Syn, YamuxHeader.Read(dialler.Wire.ToArray()).Flags);
        dialler.Deliver(listener, int.MaxValue);
        Assert.Equal(0, listener.Send());
        listener.Core.Offer(listener.Streams.Single(), 5);
        Assert.Equal(1, listener.Send());
        Assert.Equal(YamuxFlags.Ack, YamuxHeader.Read(listener.Wire.ToArray()).Flags);
    }

    [Fact]
    public void Credit_is_given_when_the_application_reads_and_not_before()
    {
        var (dialler, listener) = (new CoreEnd(true), new CoreEnd(false));
        var stream = dialler.Open();
        dialler.Core.Offer(stream, 1 << 20);
        dialler.Send();
        Assert.Equal(YamuxOptions.InitialWindow, dialler.Sent(stream));
        dialler.Deliver(listener, int.MaxValue);
        Assert.Equal(0, listener.Send());
        var inbound = listener.Streams.Single();
        listener.Consume(inbound, YamuxOptions.InitialWindow / 2);
        Assert.Equal(1, listener.Send());
        listener.Deliver(dialler, int.MaxValue);
        dialler.Send();
        Assert.Equal(YamuxOptions.InitialWindow * 3 / 2, dialler.Sent(stream));
    }

    [Fact]
    public void Window_grows_when_the_sender_starves_and_the_reader_keeps_up_inside_every_budget()
    {
        var budget = new ResourceBudget(new ResourceBudgetOptions { MaxWindowBytes = 512 << 10 });
        var (dialler, listener) = (new CoreEnd(true), new CoreEnd(false, budget: budget));
        var stream = dialler.Open();
        for (var round = 0; round < 20; round++)
        {
            dialler.Core.Offer(stream, 32 << 20);
            dialler.Send();
            dialler.Deliver(listener, int.MaxValue);
            var inbound = listener.Streams.Single();
            listener.Consume(inbound, listener.Unread(inbound));
            listener.Send();
            listener.Deliver(dialler, int.MaxValue);
        }

        Assert.Equal(YamuxOptions.InitialWindow * 2, listener.Streams.Single().ReceiveWindow);
        Assert.True(listener.Core.Statistics.WindowGrowthsRefused > 0);
        dialler.Core.Reset(stream);
        dialler.Send();
        dialler.Deliver(listener, int.MaxValue);
        Assert.Equal(0, budget.Used(ResourceKind.WindowBytes));
        Assert.Equal(0, budget.Used(ResourceKind.Streams));
    }

    [Fact]
    public void Small_message_waits_for_a_frame_of_a_bulk_stream_at_most()
    {
        var dialler = new CoreEnd(true);
        var (bulk, small) = (dialler.Open(), dialler.Open());
        dialler.Core.Offer(bulk, 200_000);
        dialler.Send(1);
        dialler.Core.Offer(small, 10);
        dialler.Send(2);
        Assert.Equal(10, dialler.Sent(small));
    }

    [Fact]
    public void Pings_are_answered_with_their_value_and_before_data()
    {
        var end = new CoreEnd(false);
        end.Core.Offer(end.Open(), 1000);
        end.Receive(Frame(YamuxFrameType.Ping, YamuxFlags.Syn, 0, 0xDEADBEEF));
        end.Send(1);
        Assert.Equal(new YamuxHeader(YamuxFrameType.Ping, YamuxFlags.Ack, 0, 0xDEADBEEF), YamuxHeader.Read(end.Wire.ToArray()));
    }

    [Fact]
    public void Frames_of_a_stream_that_is_gone_are_dropped_with_their_body()
    {
        var end = new CoreEnd(false);
        end.Receive(Frame(YamuxFrameType.Data, YamuxFlags.Syn, 1, 0));
        end.Core.Reset(end.Streams.Single());
        end.Receive([.. Frame(YamuxFrameType.Data, YamuxFlags.None, 1, 300), .. new byte[300], .. Frame(YamuxFrameType.Ping, YamuxFlags.Syn, 0, 7)]);
        Assert.Null(end.Closed);
        Assert.Equal(300, end.Core.Statistics.BytesDropped);
        Assert.Equal(2, end.Send());
    }

    [Fact]
    public void Streams_over_a_limit_are_reset_and_counted_and_the_others_live_on()
    {
        var end = new CoreEnd(false, new YamuxOptions { MaxInboundStreams = 2 });
        for (var id = 1u; id <= 7; id += 2) end.Receive(Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, id, 0));
        Assert.Equal(2, end.Core.StreamCount);
        Assert.Equal(2, end.Core.Statistics.StreamsRefused);
        end.Send();
        Assert.Equal(new YamuxHeader(YamuxFrameType.WindowUpdate, YamuxFlags.Rst, 5, 0), YamuxHeader.Read(end.Wire.ToArray()));
    }

    [Fact]
    public void Backlog_stops_opening_until_the_peer_acknowledges()
    {
        var (dialler, listener) = (new CoreEnd(true, new YamuxOptions { OutboundBacklog = 3, EarlyBacklog = 2 }), new CoreEnd(false));
        var first = dialler.Open();
        dialler.Open();
        Assert.False(dialler.Core.CanOpen);
        dialler.Core.Announce(first);
        dialler.Send();
        dialler.Deliver(listener, int.MaxValue);
        listener.Core.Announce(listener.Streams.Single());
        listener.Send();
        listener.Deliver(dialler, int.MaxValue);
        Assert.True(dialler.Core.CanOpen);
    }

    [Fact]
    public void Stream_leaves_the_table_once_both_sides_ended()
    {
        var (dialler, listener) = (new CoreEnd(true), new CoreEnd(false));
        var stream = dialler.Open();
        dialler.Core.Offer(stream, 100);
        dialler.Send();
        dialler.Core.Finish(stream);
        dialler.Send();
        dialler.Deliver(listener, int.MaxValue);
        var inbound = listener.Streams.Single();
        Assert.True(listener.Ended(inbound));
        Assert.Equal(100, listener.Received(inbound));
        listener.Core.Finish(inbound);
        Assert.Equal(1, listener.Core.StreamCount);
        listener.Send();
        Assert.Equal(0, listener.Core.StreamCount);
        listener.Deliver(dialler, int.MaxValue);
        Assert.Equal(0, dialler.Core.StreamCount);
    }

    [Fact]
    public void Reset_does_not_overtake_the_end_that_was_to_be_sent()
    {
        var (dialler, listener) = (new CoreEnd(true), new CoreEnd(false));
        var stream = dialler.Open();
        dialler.Core.Offer(stream, 100);
        dialler.Send();
        dialler.Core.Finish(stream);
        dialler.Core.Reset(stream);
        Assert.Equal(2, dialler.Send());
        dialler.Deliver(listener, int.MaxValue);
        Assert.Equal([YamuxEventKind.Opened, YamuxEventKind.Ended, YamuxEventKind.Reset], listener.Events.Select(static happened => happened.Kind));
    }

    [Fact]
    public void Silent_peer_is_pinged_and_then_given_up()
    {
        var end = new CoreEnd(true);
        Assert.Null(end.Core.OnTimer(end.Now));
        Assert.Equal(1, end.Send());
        end.Now = end.Core.Deadline;
        Assert.Equal(CloseReason.KeepAliveTimeout, end.Core.OnTimer(end.Now)?.Close?.Reason);
    }

    [Fact]
    public void Side_that_was_held_up_gives_the_peer_its_time_again()
    {
        var end = new CoreEnd(true);
        end.Core.OnTimer(end.Now);
        end.Send();
        end.Now = end.Core.Deadline + TimeSpan.FromSeconds(30);
        Assert.Null(end.Core.OnTimer(end.Now));
        Assert.Equal(end.Now + new YamuxOptions().KeepAliveTimeout, end.Core.Deadline);
        end.Now = end.Core.Deadline;
        Assert.Equal(CloseReason.KeepAliveTimeout, end.Core.OnTimer(end.Now)?.Close?.Reason);
    }

    [Fact]
    public void Peer_that_talks_but_never_answers_a_ping_has_three_times_as_long()
    {
        var options = new YamuxOptions();
        var end = new CoreEnd(true, options);
        end.Core.OnTimer(end.Now);
        end.Send();
        while (end.Now < new Instant(0) + (options.KeepAliveTimeout * 2.5))
        {
            end.Now += TimeSpan.FromSeconds(1);
            end.Receive(Frame(YamuxFrameType.WindowUpdate, YamuxFlags.None, 2, 0));
            Assert.Null(end.Core.OnTimer(end.Now));
        }

        end.Now = end.Core.Deadline;
        Assert.Equal(CloseReason.KeepAliveTimeout, end.Core.OnTimer(end.Now)?.Close?.Reason);
    }

    internal static byte[] Frame(YamuxFrameType type, YamuxFlags flags, uint stream, uint length)
    {
        var bytes = new byte[YamuxHeader.Size];
        new YamuxHeader(type, flags, stream, length).Write(bytes);
        return bytes;
    }

    private static void RandomSession(RandomSource random, string name)
    {
        var (left, right) = (new CoreEnd(true), new CoreEnd(false));
        for (var step = 0; step < 600; step++)
        {
            var (end, other) = random.Next(2) == 0 ? (left, right) : (right, left);
            end.Now += TimeSpan.FromMicroseconds(random.Next(500));
            Step(random, end, other);
            Assert.Null(end.Closed);
            foreach (var stream in end.Streams)
                Assert.True(stream.Unread <= stream.ReceiveWindow && stream.Unread + stream.ReceiveLeft <= stream.ReceiveWindow, $"The window was exceeded ({name}).");
        }

        Drain(left, right);
        foreach (var (end, other) in new[] { (left, right), (right, left) })
        {
            foreach (var stream in end.Streams)
            {
                var twin = other.Streams.SingleOrDefault(twin => twin.Id == stream.Id);
                if (twin is null) Assert.Equal(0, end.Sent(stream));
                else Assert.True(end.Sent(stream) == other.Received(twin) && stream.LocalEnded == other.Ended(twin), $"Stream {stream.Id} differs ({name}).");
            }
        }
    }

    private static void Step(RandomSource random, CoreEnd end, CoreEnd other)
    {
        var streams = end.Streams.Where(static stream => !stream.Gone).ToList();
        var stream = streams.Count == 0 ? null : streams[random.Next(streams.Count)];
        switch (random.Next(8))
        {
            case 0 when streams.Count < 6 && end.Core.CanOpen: end.Open(); break;
            case 1 or 2 when stream is { LocalEnded: false, Queued: 0 }: end.Core.Offer(stream, 1 + random.Next(random.Next(2) == 0 ? 100 : 400_000)); break;
            case 3 when stream is { LocalEnded: false, Queued: 0 } && random.Next(10) == 0: end.Core.Finish(stream); break;
            case 4 when stream is not null: end.Consume(stream, random.Next((int)end.Unread(stream) + 1)); break;
            case 5 when stream is not null && random.Next(2) == 0: end.Core.SetPriority(stream, (StreamPriority)random.Next(4)); break;
            case 5: end.Core.Ping(end.Now); break;
            case 6: end.Send(random.Next(5)); break;
            default: end.Deliver(other, random.Next(random.Next(2) == 0 ? 20 : 100_000)); break;
        }
    }

    private static void Drain(CoreEnd left, CoreEnd right)
    {
        int moved;
        do
        {
            moved = left.Send() + right.Send() + left.Wire.Count + right.Wire.Count;
            left.Deliver(right, int.MaxValue);
            right.Deliver(left, int.MaxValue);
            foreach (var end in new[] { left, right })
                foreach (var stream in end.Streams.ToList()) end.Consume(stream, end.Unread(stream));
        }
        while (moved > 0);
    }
}
