using System.Text;
using Starling.Net.PubSub;

namespace Starling.Tests;

/// <summary>Topics between whole nodes: TCP, TLS, yamux, identify and all.</summary>
public class TopicsTests
{
    private const int Count = 10_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("line", 0, 1, 1, 2)]
    [InlineData("triangle", 0, 1, 1, 2, 2, 0)]
    public async Task Ten_thousand_messages_of_one_node_reach_the_two_others_once_and_identical(string shape, params int[] links)
    {
        await using var first = await StarlingNode.StartAsync();
        await using var second = await StarlingNode.StartAsync();
        await using var third = await StarlingNode.StartAsync();
        StarlingNode[] nodes = [first, second, third];
        for (var i = 0; i < links.Length; i += 2) await nodes[links[i]].ConnectAsync(nodes[links[i + 1]].Addresses[0]).WaitAsync(Patience);
        var lossless = new SubscriptionOptions { WhenFull = Overflow.Block };
        await using var near = await second.Topics.SubscribeAsync("songs", lossless);
        await using var far = await third.Topics.SubscribeAsync("songs", lossless);
        await first.Topics.WaitForSubscribersAsync("songs", shape == "line" ? 1 : 2).WaitAsync(Patience);
        await second.Topics.WaitForSubscribersAsync("songs").WaitAsync(Patience);
        var reading = new[] { TakeAsync(near), TakeAsync(far) };

        for (var i = 0; i < Count; i++)
        {
            var result = await first.Topics.PublishAsync("songs", Encoding.UTF8.GetBytes($"message {i}")).AsTask().WaitAsync(Patience);
            Assert.Equal(PublishStatus.Sent, result.Status);
        }

        var expected = Enumerable.Range(0, Count).Select(i => $"message {i}").ToList();
        Assert.Equal(expected, await reading[0].WaitAsync(Patience));
        Assert.Equal(expected, await reading[1].WaitAsync(Patience));
        Assert.Equal(Count, third.Topics.StreamCounters.Delivered);
    }

    [Fact]
    public async Task A_message_to_everybody_passes_nodes_that_subscribe_to_nothing()
    {
        await using var first = await StarlingNode.StartAsync();
        await using var second = await StarlingNode.StartAsync();
        await using var third = await StarlingNode.StartAsync();
        await first.ConnectAsync(second.Addresses[0]).WaitAsync(Patience);
        await third.ConnectAsync(second.Addresses[0]).WaitAsync(Patience);
        await using var heard = await third.SubscribeAsync([Topic.All, "other"]);
        await first.WaitForSubscribersAsync(Topic.All).WaitAsync(Patience);
        await second.WaitForSubscribersAsync(Topic.All, 2).WaitAsync(Patience);

        Assert.Equal(new PublishResult(PublishStatus.Sent, 1), await first.PublishAsync(Topic.All, "hello"u8.ToArray()).AsTask().WaitAsync(Patience));

        await foreach (var message in heard)
        {
            Assert.Equal((Topic.All.Name, first.PeerId, "hello"), (message.Topic, message.Origin, Encoding.UTF8.GetString(message.Data.Span)));
            break;
        }
    }

    [Fact]
    public async Task A_node_that_joins_late_gets_the_past_and_a_link_topic_stays_among_its_members()
    {
        await using var first = await StarlingNode.StartAsync();
        await using var second = await StarlingNode.StartAsync();
        var topic = Topic.Link("songs", [first.PeerId, second.PeerId]);
        for (byte i = 0; i < 10; i++) await first.PublishAsync(topic, new[] { i });
        await second.ConnectAsync(first.Addresses[0]).WaitAsync(Patience);
        await using var late = await second.SubscribeAsync(topic, new SubscriptionOptions { Last = 3 });
        await first.WaitForSubscribersAsync(topic).WaitAsync(Patience);
        await using var messages = late.GetAsyncEnumerator();
        for (byte i = 7; i <= 10; i++)
        {
            // What is published while the past is asked for would be one of the last three.
            if (i == 10) Assert.True(first.TryPublish(topic, [10], out var result) && result.IsSent);
            Assert.True(await messages.MoveNextAsync().AsTask().WaitAsync(Patience));
            Assert.Equal(i, messages.Current.Data.Span[0]);
        }
    }

    [Fact]
    public async Task The_program_of_the_page_on_topics_reads_the_past()
    {
        await using var publisher = await StarlingNode.StartAsync();
        await using var node = await StarlingNode.StartAsync();
        await node.ConnectAsync(publisher.Addresses[0]).WaitAsync(Patience);
        var payload = new byte[] { 1 };
        for (var i = 0; i < 2; i++) await publisher.PublishAsync("prices.eur", payload);
        var program = Task.Run(async () =>
        {
            PublishResult result = await publisher.PublishAsync("prices.eur", payload);
            await using var prices = await node.SubscribeAsync("prices.eur", new SubscriptionOptions { Last = 100 });
            await foreach (var message in prices)
            {
                Console.WriteLine($"{message.Topic} {message.Origin} {message.SequenceNumber} {message.PublishedAt}");
                if (message.SequenceNumber == 2) break;
            }

            return result.Status;
        });
        Assert.Equal(PublishStatus.NoPeers, await program.WaitAsync(Patience));
    }

    private static async Task<List<string>> TakeAsync(TopicSubscription subscription)
    {
        var texts = new List<string>();
        await foreach (var message in subscription)
        {
            texts.Add(Encoding.UTF8.GetString(message.Data.Span));
            if (texts.Count == Count) break;
        }

        return texts;
    }
}
