using Starling.Net.PubSub;

namespace Starling.Net.Tests.PubSub.Streams;

/// <summary>Patterns, several topics in one subscription, and many topics.</summary>
public sealed class PatternTests
{
    [Theory]
    [InlineData(TopicKind.Stream)]
    [InlineData(TopicKind.Plain)]
    public async Task A_pattern_brings_the_messages_of_every_topic_that_it_means(TopicKind kind)
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        Topic Of(string name) => kind == TopicKind.Stream ? Topic.Stream(name) : Topic.Plain(name);
        await using var one = await net.Topics[1].SubscribeAsync(Of("prices.*")).Soon();
        await using var all = await net.Topics[1].SubscribeAsync(Of("prices.>")).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Of("prices.eur")).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Of("prices.eur.spot")).Soon();

        Assert.True((await net.Topics[0].Say(Of("prices.eur"), "1").Soon()).IsSent);
        Assert.True((await net.Topics[0].Say(Of("prices.usd"), "2").Soon()).IsSent);
        Assert.Equal(PublishStatus.NoPeers, (await net.Topics[0].Say(Of("rates.eur"), "no").Soon()).Status);
        Assert.True((await net.Topics[0].Say(Of("prices.eur.spot"), "3").Soon()).IsSent);
        Assert.True((await net.Topics[0].Say(Of("prices.eur"), "4").Soon()).IsSent);

        Assert.Equal(["prices.eur:1", "prices.eur:4", "prices.usd:2"], (await WithTopicsAsync(one, 3)).Order());
        Assert.Equal(["prices.eur.spot:3", "prices.eur:1", "prices.eur:4", "prices.usd:2"], (await WithTopicsAsync(all, 4)).Order(StringComparer.Ordinal));
        await Assert.ThrowsAsync<ArgumentException>(() => net.Topics[0].Say(Of("prices.*"), "x").AsTask());
    }

    [Fact]
    public async Task A_pattern_and_its_topic_side_by_side_get_each_message_once()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var pattern = await net.Topics[1].SubscribeAsync("prices.*").Soon();
        await using var exact = await net.Topics[1].SubscribeAsync("prices.eur").Soon();
        await using var marker = await net.Topics[1].SubscribeAsync("marker").Soon();
        await net.Topics[0].WaitForSubscribersAsync("marker").Soon();
        for (var i = 0; i < 100; i++) Assert.True((await net.Topics[0].Say("prices.eur", $"{i}").Soon()).IsSent);

        var expected = Enumerable.Range(0, 100).Select(i => $"{i}").ToList();
        Assert.Equal(expected, await pattern.TakeAsync(100).Soon());
        Assert.Equal(expected, await exact.TakeAsync(100).Soon());
        Assert.Equal((0, 0), (pattern.Count, exact.Count));
    }

    [Fact]
    public async Task Several_topics_of_different_kinds_are_read_in_one_sequence()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var both = await net.Topics[1].SubscribeAsync([Topic.Plain("news"), "prices", "prices"]).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Topic.Plain("news")).Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        await net.Topics[0].Say(Topic.Plain("news"), "1").Soon();
        await net.Topics[0].Say("prices", "2").Soon();

        Assert.Equal(["news:1", "prices:2"], (await WithTopicsAsync(both, 2)).Order());
        await both.DisposeAsync().Soon();
        Assert.Empty(net.Topics[1].Topics);
        await Assert.ThrowsAsync<ArgumentException>(() => net.Topics[1].SubscribeAsync([]).AsTask());
    }

    [Fact]
    public async Task A_thousand_topics_each_bring_their_own()
    {
        const int Topics = 1000;
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        var subscriptions = new List<TopicSubscription>();
        for (var i = 0; i < Topics; i++) subscriptions.Add(await net.Topics[1].SubscribeAsync($"topic{i}").Soon());
        for (var i = 0; i < Topics; i++) await net.Topics[0].WaitForSubscribersAsync($"topic{i}").Soon();
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < Topics; i++) Assert.True((await net.Topics[0].Say($"topic{i}", $"{i}/{round}").Soon()).IsSent);
        }

        for (var i = 0; i < Topics; i++) Assert.Equal([$"{i}/0", $"{i}/1", $"{i}/2"], await subscriptions[i].TakeAsync(3).Soon());
        foreach (var subscription in subscriptions) await subscription.DisposeAsync().Soon();
    }

    private static async Task<List<string>> WithTopicsAsync(TopicSubscription subscription, int count)
    {
        var read = new List<string>();
        while (read.Count < count && await subscription.WaitToReadAsync().Soon())
        {
            while (subscription.TryRead(out var message)) read.Add($"{message.Topic}:{message.Text()}");
        }

        return read;
    }

    [Fact]
    public async Task Names_that_a_neighbour_makes_up_take_no_room_from_topics_of_this_node_nor_from_each_other()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var few = new FakeHost();
        await using var topics = few.Start(new PubSubServiceOptions { Streams = { MaxTopics = 4 } });
        FakeHost.Link(few, net.Hosts[0]);
        await using var pattern = await topics.SubscribeAsync("prices.*").Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices.eur").Soon();
        for (var i = 0; i < 20; i++)
        {
            Assert.True((await net.Topics[0].Say($"prices.made-up-{i}", $"{i}").Soon()).IsSent);
            Assert.Equal([$"{i}"], await pattern.TakeAsync(1));
        }

        Assert.Equal(16, topics.StreamCounters.TopicsForgotten);
        for (var i = 0; i < 4; i++) await (await topics.SubscribeAsync($"own.{i}").Soon()).DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => topics.SubscribeAsync("own.4").Soon());
    }
}
