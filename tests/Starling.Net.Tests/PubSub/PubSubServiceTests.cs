using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>Topics over links: who gets what, and what publishers and subscribers are told.</summary>
public sealed class PubSubServiceTests
{
    private static readonly Topic Songs = Topic.Plain("songs");

    [Fact]
    public async Task A_message_reaches_a_linked_subscriber_with_its_origin_and_number()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();

        var result = await net.Topics[0].Say(Songs, "tweet").Soon();

        Assert.Equal(new PublishResult(PublishStatus.Sent, 1), result);
        Assert.True(await heard.WaitToReadAsync().Soon());
        Assert.True(heard.TryRead(out var message));
        Assert.Equal("tweet", message.Text());
        Assert.Equal(Songs.Name, message.Topic);
        Assert.Equal(net.Hosts[0].LocalPeer, message.Origin);
        Assert.Equal(net.Hosts[0].LocalPeer, message.ReceivedFrom);
        Assert.Equal(message.Id, new MessageId(message.Origin, message.SequenceNumber));
    }

    [Theory]
    [InlineData("line", 0, 1, 1, 2)]
    [InlineData("triangle", 0, 1, 1, 2, 2, 0)]
    public async Task Ten_thousand_messages_arrive_once_and_identical_at_every_node(string shape, params int[] links)
    {
        const int Count = 10_000;
        await using var net = TopicNetwork.Create(3, new PubSubServiceOptions { MaxPeerQueueBytes = 16 << 20 }, links);
        var lossless = new SubscriptionOptions { WhenFull = Overflow.Block, MaxMessages = 500 };
        await using var near = await net.Topics[1].SubscribeAsync(Songs, lossless).Soon();
        await using var far = await net.Topics[2].SubscribeAsync(Songs, lossless).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs, shape == "line" ? 1 : 2).Soon();
        await net.Topics[1].WaitForSubscribersAsync(Songs).Soon();
        var reading = new[] { near.TakeAsync(Count), far.TakeAsync(Count) };

        for (var i = 0; i < Count; i++) Assert.True((await net.Topics[0].Say(Songs, $"message {i}").Soon()).IsSent);

        var expected = Enumerable.Range(0, Count).Select(i => $"message {i}").ToList();
        Assert.Equal(expected, await reading[0].Soon());
        var distant = await reading[1].Soon();
        if (shape == "line") Assert.Equal(expected, distant);
        else Assert.Equal(expected.Order(), distant.Order());
        Assert.Equal(Count, net.Topics[2].Counters.Delivered);
        Assert.Equal(0, net.Topics[1].DroppedForSlowPeers);
    }

    [Fact]
    public async Task A_publish_says_what_became_of_the_message()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        Assert.Equal(PublishStatus.NoPeers, (await net.Topics[0].Say(Songs, "x").Soon()).Status);
        Assert.Equal(PublishStatus.TooLarge, (await net.Topics[0].PublishAsync(Songs, new byte[1 << 20]).Soon()).Status);
        await Assert.ThrowsAsync<ArgumentException>(() => net.Topics[0].Say("", "x").AsTask());

        await net.Topics[0].DisposeAsync().Soon();
        Assert.Equal(PublishStatus.Rejected, (await net.Topics[0].Say(Songs, "x").Soon()).Status);
    }

    [Fact]
    public async Task The_largest_message_passes()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        var data = new byte[(1 << 20) - 300];
        RandomSource.Seeded(1).Fill(data);

        Assert.True((await net.Topics[0].PublishAsync(Songs, data).Soon()).IsSent);

        Assert.True(await heard.WaitToReadAsync().Soon());
        Assert.True(heard.TryRead(out var message));
        Assert.True(message.Data.Span.SequenceEqual(data));
    }

    [Fact]
    public async Task An_unsubscribe_is_seen_and_only_the_last_subscription_of_a_topic_leaves_it()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        var first = await net.Topics[1].SubscribeAsync(Songs).Soon();
        var second = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        await first.DisposeAsync().Soon();
        await using var marker = await net.Topics[1].SubscribeAsync(Topic.Plain("marker")).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Topic.Plain("marker")).Soon();
        Assert.Equal([net.Hosts[1].LocalPeer], net.Topics[0].Subscribers(Songs));

        await second.DisposeAsync().Soon();
        await using var after = await net.Topics[1].SubscribeAsync(Topic.Plain("after")).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Topic.Plain("after")).Soon();

        Assert.Empty(net.Topics[0].Subscribers(Songs));
        Assert.Equal(["after", "marker"], net.Topics[1].Topics.Select(topic => topic.Name).Order());
    }

    [Fact]
    public async Task A_link_that_goes_takes_its_subscriber_along_and_brings_it_back()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();

        FakeHost.Unlink(net.Hosts[0], net.Hosts[1]);
        Assert.Equal(PublishStatus.NoPeers, (await net.Topics[0].Say(Songs, "nobody").Soon()).Status);

        FakeHost.Link(net.Hosts[0], net.Hosts[1]);
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        Assert.True((await net.Topics[0].Say(Songs, "again").Soon()).IsSent);
        Assert.Equal(["again"], await heard.TakeAsync(1));
    }

    [Fact]
    public async Task A_stream_that_is_reset_is_opened_anew_and_said_again()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        Assert.True((await net.Topics[0].Say(Songs, "one").Soon()).IsSent);
        Assert.Equal(["one"], await heard.TakeAsync(1));

        net.Hosts[0].OpenedTo(net.Hosts[1])[^1].Reset();
        net.Hosts[1].OpenedTo(net.Hosts[0])[^1].Reset();
        Assert.True((await net.Topics[0].Say(Songs, "two").Soon()).IsSent);

        Assert.Equal(["two"], await heard.TakeAsync(1));
        await using var other = await net.Topics[1].SubscribeAsync(Topic.Plain("other")).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Topic.Plain("other")).Soon();
    }

    [Fact]
    public async Task A_peer_that_serves_topics_later_is_found_by_its_identify_push()
    {
        await using var left = new FakeHost();
        await using var right = new FakeHost();
        await using var early = left.Start();
        FakeHost.Link(left, right);
        await using var late = right.Start();
        await using var heard = await late.SubscribeAsync(Songs).Soon();
        left.Identified(right);
        right.Identified(left);

        await early.WaitForSubscribersAsync(Songs).Soon();
        Assert.True((await early.Say(Songs, "hello").Soon()).IsSent);
        Assert.Equal(["hello"], await heard.TakeAsync(1));
    }

    [Fact]
    public async Task Stopping_writes_what_is_queued_and_ends_subscriptions_and_waits()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await using var own = await net.Topics[0].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        var waiting = net.Topics[0].WaitForSubscribersAsync(Topic.Plain("nobody"));
        for (var i = 0; i < 1000; i++) Assert.True((await net.Topics[0].Say(Songs, $"{i}").Soon()).IsSent);

        await net.Topics[0].DisposeAsync().Soon();

        Assert.Equal(1000, (await heard.TakeAsync(1000)).Count);
        Assert.False(await own.WaitToReadAsync().Soon());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.Soon());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => net.Topics[0].SubscribeAsync(Songs).AsTask());
    }

    [Fact]
    public async Task Two_linked_nodes_stop_one_after_the_other_without_waiting_for_a_deadline()
    {
        var clock = new ManualClock();
        await using var left = new FakeHost();
        await using var right = new FakeHost();
        var first = left.Start(clock: clock);
        var second = right.Start(clock: clock);
        FakeHost.Link(left, right);
        await using var heard = await second.SubscribeAsync(Songs).Soon();
        await first.WaitForSubscribersAsync(Songs).Soon();

        await first.DisposeAsync().Soon();
        await second.DisposeAsync().Soon();
    }

    [Fact]
    public async Task A_cancelled_wait_for_subscribers_ends_with_its_token()
    {
        await using var net = TopicNetwork.Create(1);
        using var cancel = new CancellationTokenSource();
        var waiting = net.Topics[0].WaitForSubscribersAsync(Songs, 1, cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Soon());
    }

    [Fact]
    public async Task Several_threads_publish_and_every_message_arrives_with_rising_numbers()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs, new SubscriptionOptions { WhenFull = Overflow.Block }).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();

        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
        {
            for (var i = 0; i < 250; i++) Assert.True((await net.Topics[0].Say(Songs, $"{thread}")).IsSent);
        }))).Soon();

        var last = 0ul;
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(await heard.WaitToReadAsync().Soon());
            Assert.True(heard.TryRead(out var message));
            Assert.True(message.SequenceNumber > last);
            last = message.SequenceNumber;
        }
    }
}
