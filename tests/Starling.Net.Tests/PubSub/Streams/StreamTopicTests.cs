using System.Buffers.Binary;
using Starling.Net.PubSub;

namespace Starling.Net.Tests.PubSub.Streams;

/// <summary>Stream topics over links: order, and each message once.</summary>
public sealed class StreamTopicTests
{
    private const int Count = 20_000;
    private static readonly SubscriptionOptions Lossless = new() { WhenFull = Overflow.Block, MaxMessages = 2000 };

    [Fact]
    public async Task A_message_shows_its_topic_origin_time_epoch_and_number()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync("prices").Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        var before = DateTimeOffset.UtcNow;

        var results = new List<PublishResult>();
        for (var i = 0; i < 3; i++) results.Add(await net.Topics[0].Say("prices", $"{i}").Soon());

        Assert.All(results, result => Assert.Equal(new PublishResult(PublishStatus.Sent, 1), result));
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await heard.WaitToReadAsync().Soon());
            Assert.True(heard.TryRead(out var message));
            Assert.Equal($"{i}", message.Text());
            Assert.Equal("prices", message.Topic);
            Assert.Equal(TopicKind.Stream, message.Kind);
            Assert.Equal(net.Hosts[0].LocalPeer, message.Origin);
            Assert.Equal(net.Hosts[0].LocalPeer, message.ReceivedFrom);
            Assert.Equal((ulong)i, message.SequenceNumber);
            Assert.Equal(0UL, message.Missed);
            Assert.False(message.IsReplayed);
            Assert.True(message.Epoch > 0);
            Assert.InRange(message.PublishedAt!.Value, before - TimeSpan.FromMilliseconds(1), DateTimeOffset.UtcNow);
        }
    }

    [Theory]
    [InlineData(3, 0, 1, 1, 2, 2, 0)]
    [InlineData(5, 0, 1, 1, 2, 2, 3, 3, 4)]
    public async Task Twenty_thousand_messages_arrive_once_and_in_order_everywhere(int size, params int[] links)
    {
        await using var net = TopicNetwork.Create(size, null, links);
        var subscriptions = new List<TopicSubscription>();
        for (var i = 1; i < size; i++) subscriptions.Add(await net.Topics[i].SubscribeAsync("prices", Lossless).Soon());
        for (var i = 0; i < size; i++)
        {
            var followers = Enumerable.Range(0, links.Length / 2).Count(link => (links[2 * link] == i && links[(2 * link) + 1] != 0) || (links[(2 * link) + 1] == i && links[2 * link] != 0));
            await net.Topics[i].WaitForSubscribersAsync("prices", followers).Soon();
        }

        var reading = subscriptions.Select(ReadAsync).ToList();
        var payload = new byte[100];
        for (var i = 0; i < Count; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(payload, i);
            Assert.True((await net.Topics[0].PublishAsync("prices", payload)).IsSent);
        }

        foreach (var read in reading) Assert.Equal(Enumerable.Range(0, Count), await read.Soon());
        Assert.All(subscriptions, subscription => Assert.Equal((0, 0), (subscription.Dropped, subscription.Lost)));
        Assert.All(net.Topics.Skip(1), topics => Assert.Equal(Count, topics.StreamCounters.Delivered));
        foreach (var subscription in subscriptions) await subscription.DisposeAsync().Soon();
    }

    private static async Task<List<int>> ReadAsync(TopicSubscription subscription)
    {
        var numbers = new List<int>();
        while (numbers.Count < Count && await subscription.WaitToReadAsync())
        {
            while (numbers.Count < Count && subscription.TryRead(out var message)) numbers.Add(BinaryPrimitives.ReadInt32LittleEndian(message.Data.Span));
        }

        return numbers;
    }
}
