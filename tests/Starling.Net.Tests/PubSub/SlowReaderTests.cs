using System.Text;
using Starling.Net.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>Readers that are slow: each overflow does what it says, and nobody else notices.</summary>
public sealed class SlowReaderTests
{
    private static readonly Topic Songs = Topic.Plain("songs");
    private const string Marker = "marker";

    [Theory]
    [InlineData(Overflow.DropOldest, "6,7,8,9", 6)]
    [InlineData(Overflow.DropNewest, "0,1,2,3", 6)]
    public async Task A_full_queue_drops_what_its_options_say_and_counts_it(Overflow overflow, string kept, int dropped)
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var slow = await net.Topics[1].SubscribeAsync(Songs, new SubscriptionOptions { MaxMessages = 4, WhenFull = overflow }).Soon();
        await PublishAsync(net, 10);

        Assert.Equal(kept, string.Join(',', await slow.TakeAsync(4)));
        Assert.Equal(dropped, slow.Dropped);
        Assert.Equal(dropped, net.Topics[1].DroppedForSlowSubscribers);
    }

    [Fact]
    public async Task A_queue_is_bounded_in_bytes_too()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var slow = await net.Topics[1].SubscribeAsync(Songs, new SubscriptionOptions { MaxBytes = 1000 }).Soon();
        await PublishAsync(net, 20);

        Assert.InRange(slow.Count, 1, 8);
        Assert.Equal(20, slow.Count + slow.Dropped);
    }

    [Fact]
    public async Task Disconnect_ends_the_subscription_with_its_reason_after_what_was_queued()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var slow = await net.Topics[1].SubscribeAsync(Songs, new SubscriptionOptions { MaxMessages = 4, WhenFull = Overflow.Disconnect }).Soon();
        await PublishAsync(net, 10);

        Assert.Equal(["0", "1", "2", "3"], await slow.TakeAsync(4));
        var error = await Assert.ThrowsAsync<SubscriptionOverflowException>(() => slow.WaitToReadAsync().AsTask());
        Assert.Contains(Songs.Name, error.Message);
        Assert.DoesNotContain(Songs, net.Topics[1].Topics);
    }

    [Fact]
    public async Task Block_loses_nothing_while_its_reader_goes_on_and_slows_the_publisher_down()
    {
        var options = new PubSubServiceOptions { MaxMessageBytes = 2000, MaxPeerQueueBytes = 4000, BatchBytes = 2000 };
        await using var net = TopicNetwork.Create(2, options, 0, 1);
        await using var slow = await net.Topics[1].SubscribeAsync(Songs, new SubscriptionOptions { MaxMessages = 2, WhenFull = Overflow.Block }).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        var publishing = Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++) Assert.True((await net.Topics[0].PublishAsync(Songs, Padded(i))).IsSent);
        });

        var texts = await slow.TakeAsync(500);

        await publishing.Soon();
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), texts.Select(text => text.Trim()));
        Assert.Equal(0, slow.Dropped);
    }

    [Fact]
    public async Task One_that_blocks_and_never_reads_costs_one_pause_and_then_only_its_own_messages()
    {
        var options = new SubscriptionOptions { MaxMessages = 2, WhenFull = Overflow.Block, BlockTimeout = TimeSpan.FromMilliseconds(50) };
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var dead = await net.Topics[1].SubscribeAsync(Songs, options).Soon();
        await using var alive = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();

        for (var i = 0; i < 300; i++) Assert.True((await net.Topics[0].PublishAsync(Songs, Padded(i)).Soon()).IsSent);

        Assert.Equal(300, (await alive.TakeAsync(300)).Count);
        Assert.Equal(300, dead.Count + dead.Dropped);
        await dead.TakeAsync(dead.Count);
        Assert.True((await net.Topics[0].Say(Songs, "last").Soon()).IsSent);
        Assert.Equal(["last"], await dead.TakeAsync(1));
    }

    [Fact]
    public async Task A_reader_that_keeps_its_thread_holds_up_neither_its_own_queue_nor_other_topics()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var stuck = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await using var other = await net.Topics[1].SubscribeAsync(Marker).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Marker).Soon();
        using var release = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = ReadAsync();
        await net.Topics[0].Say(Songs, "first").Soon();
        await entered.Task.Soon();

        for (var i = 0; i < 10; i++) await net.Topics[0].Say(Songs, $"{i}").Soon();
        await net.Topics[0].Say(Marker, "all out").Soon();
        Assert.Equal(["all out"], await other.TakeAsync(1));

        Assert.Equal(11, stuck.Count);
        release.Set();
        Assert.Equal("first", await reading.Soon());

        async Task<string> ReadAsync()
        {
            Assert.True(await stuck.WaitToReadAsync());
            entered.SetResult();
            release.Wait(TopicNetwork.Patience);
            Assert.True(stuck.TryRead(out var message));
            return message.Text();
        }
    }

    [Fact]
    public async Task Two_readers_that_wait_at_once_are_told_apart_so_that_neither_holds_up_the_other()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        using var release = new ManualResetEventSlim();
        var told = new SemaphoreSlim(0);
        Task[] readers = [ReadAsync(), ReadAsync()];

        await net.Topics[0].Say(Songs, "first").Soon();

        for (var i = 0; i < readers.Length; i++) Assert.True(await told.WaitAsync(TopicNetwork.Patience));
        release.Set();
        await Task.WhenAll(readers).Soon();

        async Task ReadAsync()
        {
            Assert.True(await heard.WaitToReadAsync());
            told.Release();
            release.Wait(TopicNetwork.Patience);
        }
    }

    [Fact]
    public async Task Disposing_ends_a_pending_read_at_once()
    {
        await using var net = TopicNetwork.Create(1);
        var subscription = await net.Topics[0].SubscribeAsync(Songs).Soon();
        var reading = Task.Run(async () =>
        {
            await foreach (var _ in subscription) Assert.Fail("nothing was published");
        });

        await subscription.DisposeAsync().Soon();

        await reading.Soon();
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing_and_a_thread_can_read_without_async()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs).Soon();
        using var cancel = new CancellationTokenSource();
        var reading = heard.WaitToReadAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Soon());
        await PublishAsync(net, 3);

        var texts = await Task.Run(() => heard.ToBlockingEnumerable().Take(3).Select(message => message.Text()).ToList()).Soon();

        Assert.Equal(["0", "1", "2"], texts);
    }

    [Fact]
    public async Task A_peer_that_does_not_read_backpressures_its_publisher_and_no_other_subscriber()
    {
        var options = new PubSubServiceOptions { MaxMessageBytes = 20_000, MaxPeerQueueBytes = 40_000, BatchBytes = 20_000, StopTimeout = TimeSpan.FromMilliseconds(100) };
        await using var net = TopicNetwork.Create(2, options, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs, new SubscriptionOptions { WhenFull = Overflow.Block }).Soon();
        await using var stuck = new StuckPeer(net.Hosts[0]);
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        await stuck.SubscribeAsync(Songs.Name);
        await net.Topics[0].WaitForSubscribersAsync(Songs, 2).Soon();
        var noWait = new PublishOptions { Wait = false };
        var data = new byte[10_000];

        var results = new List<PublishResult>();
        for (var i = 0; i < 100; i++)
        {
            results.Add(await net.Topics[0].PublishAsync(Songs, data, noWait).Soon());
            await heard.TakeAsync(1);
        }

        Assert.Contains(results, result => result is { Status: PublishStatus.Sent, Recipients: 2 });
        Assert.Equal(new PublishResult(PublishStatus.Backpressured, 1, 1), results[^1]);

        var timedOut = await net.Topics[0].PublishAsync(Songs, data, new PublishOptions { Timeout = TimeSpan.FromMilliseconds(50) }).Soon();
        Assert.Equal(new PublishResult(PublishStatus.Backpressured, 1, 1), timedOut);
        using var cancel = new CancellationTokenSource();
        var waiting = net.Topics[0].PublishAsync(Songs, data, null, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Soon());
    }

    [Fact]
    public async Task Relaying_to_a_peer_that_does_not_read_sheds_the_oldest_and_counts_it()
    {
        var options = new PubSubServiceOptions { MaxMessageBytes = 20_000, MaxPeerQueueBytes = 40_000, BatchBytes = 20_000, StopTimeout = TimeSpan.FromMilliseconds(100) };
        await using var net = TopicNetwork.Create(2, options, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs, new SubscriptionOptions { WhenFull = Overflow.Block }).Soon();
        await using var stuck = new StuckPeer(net.Hosts[1]);
        await stuck.SubscribeAsync(Songs.Name);
        await net.Topics[1].WaitForSubscribersAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        var reading = heard.TakeAsync(100);

        for (var i = 0; i < 100; i++) Assert.True((await net.Topics[0].PublishAsync(Songs, new byte[10_000]).Soon()).IsSent);

        Assert.Equal(100, (await reading).Count);
        Assert.InRange(net.Topics[1].DroppedForSlowPeers, 80, 99);
    }

    private static byte[] Padded(int number) => Encoding.UTF8.GetBytes($"{number}".PadRight(1000));

    private static async Task PublishAsync(TopicNetwork net, int count)
    {
        await using var marker = await net.Topics[1].SubscribeAsync(Marker).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Marker).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        for (var i = 0; i < count; i++) Assert.True((await net.Topics[0].Say(Songs, $"{i}").Soon()).IsSent);
        Assert.True((await net.Topics[0].Say(Marker, "all out").Soon()).IsSent);
        await marker.TakeAsync(1);
    }
}
