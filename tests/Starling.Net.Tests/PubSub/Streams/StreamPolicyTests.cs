using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub.Streams;

/// <summary>Slow subscribers and slow neighbours of stream topics, and what their publishers are told.</summary>
public sealed class StreamPolicyTests
{
    private const int Count = 1000;

    [Theory]
    [InlineData(Overflow.DropOldest, Count - 10, 10)]
    [InlineData(Overflow.DropNewest, 0, 10)]
    [InlineData(Overflow.Disconnect, 0, 10)]
    public async Task A_subscriber_that_does_not_read_loses_single_messages_by_its_policy(Overflow policy, int first, int left)
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var slow = await net.Topics[1].SubscribeAsync("prices", new SubscriptionOptions { MaxMessages = 10, WhenFull = policy }).Soon();
        await using var quick = await net.Topics[1].SubscribeAsync("prices", new SubscriptionOptions { MaxMessages = Count }).Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        for (var i = 0; i < Count; i++) await net.Topics[0].Say("prices", $"{i}").Soon();
        await quick.TakeAsync(Count).Soon();

        Assert.Equal(left, slow.Count);
        Assert.Equal(Enumerable.Range(first, left).Select(i => $"{i}"), await slow.TakeAsync(left).Soon());
        if (policy == Overflow.Disconnect) await Assert.ThrowsAsync<SubscriptionOverflowException>(() => slow.WaitToReadAsync().AsTask());
        else Assert.Equal((Count - left, Count - left), (slow.Dropped, net.Topics[1].DroppedForSlowSubscribers));
    }

    [Fact]
    public async Task A_full_topic_makes_publishers_wait_or_tells_them_so()
    {
        await using var host = new FakeHost();
        await using var topics = host.Start(new PubSubServiceOptions { MaxPeerQueueBytes = 2 << 20, PublishTimeout = TimeSpan.FromMinutes(1) });
        await using var stuck = new StuckPeer(host);
        await stuck.SubscribeAsync(TopicNames.ToWire("prices", isStream: true));
        await topics.WaitForSubscribersAsync("prices").Soon();
        var payload = new byte[10_000];
        var sent = 0;
        while (sent < 1000 && (await topics.PublishAsync("prices", payload, new PublishOptions { Timeout = TimeSpan.FromMilliseconds(300) }).Soon()).IsSent) sent++;

        Assert.InRange(sent, 50, 500);
        Assert.False(topics.TryPublish("prices", payload, out var refused));
        Assert.Equal(PublishStatus.Backpressured, refused.Status);
        Assert.Equal(PublishStatus.Backpressured, (await topics.PublishAsync("prices", payload, new PublishOptions { Wait = false }).Soon()).Status);
        using var cancel = new CancellationTokenSource();
        var waiting = topics.PublishAsync("prices", payload, cancellationToken: cancel.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Soon());
        Assert.Equal(PublishStatus.TooLarge, (await topics.PublishAsync("prices", new byte[2 << 20]).Soon()).Status);
        var stopping = topics.PublishAsync("prices", payload).AsTask();
        await topics.DisposeAsync().Soon();
        Assert.NotEqual(PublishStatus.Sent, (await stopping.Soon()).Status);
        Assert.Equal(PublishStatus.Rejected, (await topics.PublishAsync("prices", payload).Soon()).Status);
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing_and_a_disposed_subscription_ends_at_once()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        var heard = await net.Topics[1].SubscribeAsync("prices").Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        using var cancel = new CancellationTokenSource();
        var reading = heard.WaitToReadAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Soon());
        await net.Topics[0].Say("prices", "1").Soon();
        Assert.Equal(["1"], await heard.TakeAsync(1).Soon());
        var ending = heard.WaitToReadAsync().AsTask();
        await heard.DisposeAsync().Soon();
        Assert.False(await ending.Soon());
        Assert.Empty(net.Topics[1].Topics);
    }

    [Fact]
    public async Task A_thread_without_async_reads_the_same_sequence()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync("prices").Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        for (var i = 0; i < 10; i++) await net.Topics[0].Say("prices", $"{i}").Soon();
        var read = await Task.Run(() => heard.ToBlockingEnumerable().Take(10).Select(message => message.Text()).ToList()).Soon();
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i}"), read);
    }

    [Fact]
    public async Task A_message_in_the_steady_state_is_published_without_allocation()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync("prices").Soon();
        await net.Topics[0].WaitForSubscribersAsync("prices").Soon();
        var payload = new byte[100];
        Topic topic = "prices";
        for (var i = 0; i < 2000; i++) net.Topics[0].TryPublish(topic, payload, out _);
        await net.Topics[0].FlushAsync().Soon();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Assert.True(net.Topics[0].TryPublish(topic, payload, out _));
        var perMessage = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000.0;
        Assert.InRange(perMessage, 0, 60);
    }
}
