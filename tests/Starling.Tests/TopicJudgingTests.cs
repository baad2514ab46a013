using System.Collections.Concurrent;
using System.Text;
using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Tests;

/// <summary>Validators, meshes and logs of topics between whole nodes.</summary>
public sealed class TopicJudgingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(TopicKind.Plain)]
    [InlineData(TopicKind.Stream)]
    public async Task Only_accepted_messages_are_delivered_whatever_was_ignored_or_rejected_before_them(TopicKind kind)
    {
        var topic = kind == TopicKind.Plain ? Topic.Plain("prices") : Topic.Stream("prices");
        await using var speaker = await StarlingNode.StartAsync();
        await using var judge = await StarlingNode.StartAsync(new StarlingOptions { Topics = { Streams = { ReorderTimeout = TimeSpan.FromMilliseconds(200) } } });
        var seen = new ConcurrentQueue<string>();
        var judging = judge.Validate(topic, (message, _) =>
        {
            var text = Encoding.UTF8.GetString(message.Data.Span);
            seen.Enqueue(text);
            return ValueTask.FromResult(text[0] switch { 'a' => PubSubVerdict.Accept, 'i' => PubSubVerdict.Ignore, _ => PubSubVerdict.Reject });
        });
        await using var heard = await judge.SubscribeAsync(topic);
        await speaker.ConnectAsync(judge.Addresses[0]).WaitAsync(Patience);
        await speaker.WaitForSubscribersAsync(topic).WaitAsync(Patience);
        foreach (var text in (string[])["a1", "r2", "i3", "a4"])
        {
            // One bundle each, so that each is judged alone.
            Assert.True((await speaker.PublishAsync(topic, Encoding.UTF8.GetBytes(text))).IsSent);
            await speaker.Topics.FlushAsync().WaitAsync(Patience);
        }

        Assert.Equal("a1", await NextAsync(heard));
        Assert.Equal("a4", await NextAsync(heard));
        Assert.Equal(["a1", "a4", "i3", "r2"], seen.Distinct().Order(StringComparer.Ordinal));
        if (kind == TopicKind.Plain) Assert.Equal(PublishStatus.Rejected, (await judge.PublishAsync(topic, "r5"u8.ToArray())).Status);

        judging.Dispose();
        await speaker.PublishAsync(topic, "r6"u8.ToArray());
        Assert.Equal("r6", await NextAsync(heard));
        Assert.DoesNotContain("r6", seen);
    }

    [Fact]
    public async Task The_link_of_a_mesh_neighbour_weighs_more_while_it_is_in_the_mesh()
    {
        await using var near = await StarlingNode.StartAsync(new StarlingOptions { FollowAll = false });
        await using var far = await StarlingNode.StartAsync(new StarlingOptions { FollowAll = false });
        await near.ConnectAsync(far.Addresses[0]).WaitAsync(Patience);
        await using var there = await far.SubscribeAsync("news");
        await near.WaitForSubscribersAsync("news").WaitAsync(Patience);
        Assert.Equal(0, WeightOf(near, far));

        await using (await near.SubscribeAsync("news")) Assert.Equal(10, WeightOf(near, far));
        Assert.Equal(0, WeightOf(near, far));
    }

    [Fact]
    public async Task A_source_that_dies_in_the_middle_of_its_answer_is_replaced_by_the_next()
    {
        await using var speaker = await StarlingNode.StartAsync();
        await using var late = await StarlingNode.StartAsync();
        var dying = await StarlingNode.StartAsync(new StarlingOptions { Topics = { Streams = { ServeReplay = false } } });
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var answering = dying.Handle("/starling/replay/1.0.0", async (stream, cancelled) =>
        {
            // A frame of 1,000 bytes is announced, and ten of them come.
            await stream.WriteAsync(new byte[] { 0xE8, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, cancelled);
            asked.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancelled);
        });
        for (var i = 0; i < 5; i++) await speaker.PublishAsync("news", Encoding.UTF8.GetBytes($"{i}"));
        var following = await dying.SubscribeAsync("news");
        await late.ConnectAsync(speaker.Addresses[0]).WaitAsync(Patience);
        await late.ConnectAsync(dying.Addresses[0]).WaitAsync(Patience);
        await late.WaitForSubscribersAsync("news").WaitAsync(Patience);

        // Who follows the topic is asked first, then the others.
        await using var heard = await late.SubscribeAsync("news", new SubscriptionOptions { Last = 5 });
        await asked.Task.WaitAsync(Patience);
        await following.DisposeAsync();
        await dying.DisposeAsync();
        for (var i = 0; i < 5; i++) Assert.Equal($"{i}", await NextAsync(heard));
        Assert.Equal((0L, 0L), (heard.Lost, heard.Dropped));
    }

    private static int WeightOf(StarlingNode node, StarlingNode peer) =>
        node.LinkManager.Find(peer.PeerId)!.Tags.Where(tag => tag.Key.StartsWith("topics/", StringComparison.Ordinal)).Sum(tag => tag.Value);

    private static async Task<string> NextAsync(TopicSubscription subscription)
    {
        Assert.True(await subscription.WaitToReadAsync().AsTask().WaitAsync(Patience));
        Assert.True(subscription.TryRead(out var message));
        return Encoding.UTF8.GetString(message.Data.Span);
    }
}
