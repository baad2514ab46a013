using System.Collections.Concurrent;
using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub.Streams;

/// <summary>What is lost on the way comes out of a neighbour's log, or is told.</summary>
public sealed class RecoveryTests
{
    [Fact]
    public async Task What_was_published_while_the_link_was_gone_is_recovered_in_order()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync("prices").Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await SayAsync(net.Topics[0], 0, 10);
        Assert.Equal(10, (await heard.TakeAsync(10).Soon()).Count);

        FakeHost.Unlink(net.Hosts[0], net.Hosts[1]);
        await SayAsync(net.Topics[0], 10, 200);
        FakeHost.Link(net.Hosts[0], net.Hosts[1]);
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await SayAsync(net.Topics[0], 200, 201);

        Assert.Equal(Enumerable.Range(10, 191).Select(i => $"{i}"), await heard.TakeAsync(191).Soon());
        Assert.Equal((201L, 0L, 0L), (net.Topics[1].StreamCounters.Delivered, net.Topics[1].StreamCounters.Missed, heard.Lost));
    }

    [Fact]
    public async Task What_no_log_holds_is_told_with_exact_counts_and_delivery_goes_on()
    {
        var none = new PubSubServiceOptions { Streams = { MaxLogBytes = 0, ReorderTimeout = TimeSpan.FromMilliseconds(150) } };
        await using var net = TopicNetwork.Create(2, none, 0, 1);
        var told = new ConcurrentQueue<MissedMessages>();
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var observing = net.Topics[1].Observe(missed =>
        {
            told.Enqueue(missed);
            first.TrySetResult();
        });
        await using var heard = await net.Topics[1].SubscribeAsync("prices").Soon();
        await using var other = await net.Topics[1].SubscribeAsync("prices").Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await SayAsync(net.Topics[0], 0, 3);
        await heard.TakeAsync(3).Soon();

        FakeHost.Unlink(net.Hosts[0], net.Hosts[1]);
        await SayAsync(net.Topics[0], 3, 10);

        // A bundle that still waits would go out on the new link.
        await net.Topics[0].FlushAsync(TestContext.Current.CancellationToken).Soon();
        FakeHost.Link(net.Hosts[0], net.Hosts[1]);
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await SayAsync(net.Topics[0], 10, 11);

        Assert.True(await heard.WaitToReadAsync().Soon());
        Assert.True(heard.TryRead(out var next));
        Assert.Equal(("10", 7UL, 10UL), (next.Text(), next.Missed, next.SequenceNumber));
        await first.Task.Soon();
        Assert.Equal([new MissedMessages("prices", net.Hosts[0].LocalPeer, next.Epoch, 3, 7)], told);
        Assert.Equal((7L, 7L, 7L), (heard.Lost, other.Lost, net.Topics[1].StreamCounters.Missed));
    }

    [Fact]
    public async Task The_loss_of_the_very_last_messages_is_seen_and_mended()
    {
        await using var net = TopicNetwork.Create(3, new PubSubServiceOptions { Streams = { MarkDelay = TimeSpan.FromMilliseconds(300) } }, 0, 1, 0, 2);
        await using var heard = await net.Topics[1].SubscribeAsync("prices").Soon();
        await using var other = await net.Topics[2].SubscribeAsync("prices").Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices", 2).Soon();
        await SayAsync(net.Topics[0], 0, 1);
        await heard.TakeAsync(1).Soon();
        FakeHost.Unlink(net.Hosts[0], net.Hosts[1]);
        await SayAsync(net.Topics[0], 1, 5);
        FakeHost.Link(net.Hosts[0], net.Hosts[1]);
        await net.Topics[0].WaitForSubscribersAsync("prices", 2).Soon();

        Assert.Equal(["1", "2", "3", "4"], await heard.TakeAsync(4).Soon());
    }

    [Fact]
    public async Task A_relay_that_sheds_for_a_slow_neighbour_mends_it_from_its_log()
    {
        const int Count = 20_000;
        await using var net = TopicNetwork.Create(3, new PubSubServiceOptions { MaxMessageBytes = 70 << 10, MaxPeerQueueBytes = 140 << 10 }, 0, 1, 1, 2);
        await using var near = await net.Topics[1].SubscribeAsync("prices", new SubscriptionOptions { MaxMessages = Count }).Soon();
        await using var far = await net.Topics[2].SubscribeAsync("prices", new SubscriptionOptions { MaxMessages = 100, WhenFull = Overflow.Block }).Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await net.Topics[1].WaitForSubscribersAsync("prices").Soon();
        var payload = new byte[100];
        for (var i = 0; i < Count; i++)
        {
            BitConverter.TryWriteBytes(payload, i);
            Assert.True((await net.Topics[0].PublishAsync("prices", payload)).IsSent);
        }

        await NumbersAsync(near, Count);
        Assert.True(net.Topics[1].DroppedForSlowPeers > 0);
        Assert.Equal(Enumerable.Range(0, Count), await NumbersAsync(far, Count));
        Assert.Equal((0L, 0L), (far.Lost, far.Dropped));
        Assert.True(net.Topics[2].StreamCounters.Recovered > 0);
    }

    [Fact]
    public async Task A_publisher_that_starts_anew_is_followed_in_its_new_epoch()
    {
        await using var listener = new FakeHost();
        await using var speaker = new FakeHost();
        await using var topics = listener.Start();
        await using var heard = await topics.SubscribeAsync("prices").Soon();
        await using (var before = speaker.Start())
        {
            FakeHost.Link(listener, speaker);
            await before.WaitForSubscribersAsync("prices").Soon();
            await SayAsync(before, 0, 2);
            Assert.Equal(["0", "1"], await heard.TakeAsync(2).Soon());
        }

        FakeHost.Unlink(listener, speaker);
        await using var after = speaker.Start();
        FakeHost.Link(listener, speaker);
        await after.WaitForSubscribersAsync("prices").Soon();
        await SayAsync(after, 5, 7);
        Assert.Equal(["5", "6"], await heard.TakeAsync(2).Soon());
        Assert.Equal(0, heard.Lost);
    }

    [Fact]
    public async Task Who_keeps_a_topic_hands_it_on_and_answers_from_its_log()
    {
        await using var net = TopicNetwork.Create(3, null, 0, 1);
        using var keeping = net.Topics[1].Keep("prices");
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await SayAsync(net.Topics[0], 0, 10);
        await net.Topics[0].FlushAsync().Soon();
        var there = await net.Topics[1].SubscribeAsync("prices", new SubscriptionOptions { Last = 10 }).Soon();
        await there.TakeAsync(10).Soon();
        await there.DisposeAsync().Soon();
        FakeHost.Unlink(net.Hosts[0], net.Hosts[1]);
        FakeHost.Link(net.Hosts[1], net.Hosts[2]);

        await using var late = await net.Topics[2].SubscribeAsync("prices", new SubscriptionOptions { Last = 3 }).Soon();
        Assert.Equal(["7", "8", "9"], await late.TakeAsync(3).Soon());
        Assert.Throws<ArgumentException>(() => net.Topics[1].Keep(Topic.Plain("prices")));
    }

    [Fact]
    public async Task A_gossip_message_that_is_no_envelope_is_refused_and_counted()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync("prices").Soon();
        var forged = Topic.Plain(TopicNames.ToWire("prices", isStream: true));
        await net.Topics[0].WaitForSubscribersAsync(forged).Soon();
        foreach (byte[] bad in (byte[][])[[], [9, 9], [1, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 7, 1], [1, 1, 0, 0, 1, 0]]) Assert.True((await net.Topics[0].PublishAsync(forged, bad).Soon()).IsSent);
        await SayAsync(net.Topics[0], 0, 1);
        Assert.Equal(["0"], await heard.TakeAsync(1).Soon());
        Assert.Equal(4, net.Topics[1].StreamCounters.Refused);
    }

    private static async Task SayAsync(PubSubService topics, int from, int to)
    {
        for (var i = from; i < to; i++) await topics.Say("prices", $"{i}").Soon();
    }

    private static async Task<List<int>> NumbersAsync(TopicSubscription subscription, int count)
    {
        var numbers = new List<int>();
        while (numbers.Count < count && await subscription.WaitToReadAsync().Soon())
        {
            while (numbers.Count < count && subscription.TryRead(out var message)) numbers.Add(BitConverter.ToInt32(message.Data.Span));
        }

        return numbers;
    }
}
