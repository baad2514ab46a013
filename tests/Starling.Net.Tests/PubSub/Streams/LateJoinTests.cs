using Starling.Net.PubSub;

namespace Starling.Net.Tests.PubSub.Streams;

/// <summary>The past first, then the present, without a message twice and without a hole.</summary>
public sealed class LateJoinTests
{
    [Fact]
    public async Task The_last_N_come_from_a_publisher_that_nobody_followed()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        for (var i = 0; i < 20; i++) Assert.Equal(PublishStatus.NoPeers, (await net.Topics[0].Say("prices", $"{i}").Soon()).Status);

        await using var late = await net.Topics[1].SubscribeAsync("prices", new SubscriptionOptions { Last = 5 }).Soon();

        Assert.Equal(["15", "16", "17", "18", "19"], await late.TakeAsync(5).Soon());
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await net.Topics[0].Say("prices", "20").Soon();
        Assert.True(await late.WaitToReadAsync().Soon());
        Assert.True(late.TryRead(out var live));
        Assert.Equal(("20", false, 20UL), (live.Text(), live.IsReplayed, live.SequenceNumber));
    }

    [Fact]
    public async Task Who_joins_while_messages_flow_gets_every_one_from_the_first_once()
    {
        const int Count = 5000;
        await using var net = TopicNetwork.Create(3, null, 0, 1, 1, 2);
        await using var early = await net.Topics[1].SubscribeAsync("prices", new SubscriptionOptions { WhenFull = Overflow.Block }).Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        for (var i = 0; i < 1000; i++) await net.Topics[0].Say("prices", $"{i}").Soon();
        await early.TakeAsync(1000).Soon();
        var reading = early.TakeAsync(Count - 1000);
        var publishing = Task.Run(async () =>
        {
            for (var i = 1000; i < Count; i++)
            {
                await net.Topics[0].Say("prices", $"{i}");
                if (i % 50 == 0) await Task.Yield();
            }
        });

        var since = new SubscriptionOptions { Since = TimeSpan.FromHours(1), WhenFull = Overflow.Block };
        await using var late = await net.Topics[2].SubscribeAsync("prices", since).Soon();
        await using var second = await net.Topics[2].SubscribeAsync("prices", since).Soon();

        await publishing.Soon();
        await reading.Soon();
        var expected = Enumerable.Range(0, Count).Select(i => $"{i}").ToList();
        Assert.Equal(expected, await late.TakeAsync(Count).Soon());
        Assert.Equal(expected, await second.TakeAsync(Count).Soon());
        Assert.Equal((0L, 0L), (late.Lost, second.Lost));
    }

    [Fact]
    public async Task Without_anybody_to_ask_a_late_join_begins_with_the_present()
    {
        await using var net = TopicNetwork.Create(2, new PubSubServiceOptions { Streams = { JoinTimeout = TimeSpan.FromMilliseconds(50) } });
        await using var late = await net.Topics[1].SubscribeAsync("prices", new SubscriptionOptions { Last = 5 }).Soon();
        FakeHost.Link(net.Hosts[0], net.Hosts[1]);
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await net.Topics[0].Say("prices", "first").Soon();
        Assert.Equal(["first"], await late.TakeAsync(1).Soon());
    }

    [Fact]
    public async Task A_plain_topic_has_no_past()
    {
        await using var net = TopicNetwork.Create(1);
        await Assert.ThrowsAsync<ArgumentException>(() => net.Topics[0].SubscribeAsync(Topic.Plain("prices"), new SubscriptionOptions { Last = 5 }).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => net.Topics[0].SubscribeAsync("prices", new SubscriptionOptions { Last = 0 }).AsTask());
    }
}
