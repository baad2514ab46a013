using Starling.Net.Messages;

namespace Starling.Net.Tests.Messages;

/// <summary>Handlers that are slow, full inboxes, cancelled sends, large messages to many.</summary>
public sealed class SlowHandlerTests
{
    [Theory]
    [InlineData(FullInbox.DropOldest, "0,6,7,8,9")]
    [InlineData(FullInbox.DropNewest, "0,1,2,3,4")]
    public async Task A_full_inbox_drops_what_its_options_say_and_tells_each(FullInbox policy, string kept)
    {
        await using var pair = await Slow.StartAsync(new MessageOptions { MaxInboxMessages = 4, WhenInboxFull = policy });
        await pair.SendAsync("0");
        await pair.Handling.Task.Soon();
        for (var i = 1; i < 10; i++) await pair.SendAsync($"{i}");
        for (var i = 0; i < 5; i++) await pair.Receiver.NextAsync<MessageEvent.Dropped>();
        pair.Go.SetResult();

        var heard = new List<string>();
        while (heard.Count < 5) heard.Add((await pair.Heard.NextAsync()).Value.Text());
        Assert.Equal(kept, string.Join(',', heard));
    }

    [Fact]
    public async Task Block_loses_nothing_however_long_the_handler_takes()
    {
        await using var pair = await Slow.StartAsync(new MessageOptions { MaxInboxMessages = 4, WhenInboxFull = FullInbox.Block });
        var sends = Enumerable.Range(0, 200).Select(i => pair.SendAsync($"{i}".PadRight(10_000))).ToList();
        await pair.Handling.Task.Soon();
        pair.Go.SetResult();

        for (var i = 0; i < 200; i++) Assert.Equal($"{i}", (await pair.Heard.NextAsync()).Value.Text().Trim());
        await Task.WhenAll(sends).Soon();
        Assert.DoesNotContain(pair.Receiver.Told(), happened => happened is MessageEvent.Dropped);
    }

    [Fact]
    public async Task What_still_waits_when_the_node_stops_is_told_and_not_handled()
    {
        await using var pair = await Slow.StartAsync(new MessageOptions());
        await pair.SendAsync("handled");
        await pair.Handling.Task.Soon();
        await pair.SendAsync("large enough to be acknowledged".PadRight(40_000));

        await pair.Receiver.Messages.DisposeAsync().AsTask().Soon();

        Assert.Contains("stopped", (await pair.Receiver.NextAsync<MessageEvent.Dropped>()).Why);
        Assert.Equal(0, pair.Heard.Count);
        Assert.Equal(0, pair.Receiver.Budget.Used(ResourceKind.QueueBytes));
        Assert.Equal(SendStatus.Rejected, (await pair.Receiver.Messages.SendAsync(pair.Sender.Id, pair.Receiver.Messages.Create("x", null, "late".Bytes())).Soon()).Status);
    }

    [Fact]
    public async Task Cancelling_in_the_middle_of_a_large_message_withdraws_it_and_the_next_one_arrives()
    {
        await using var pair = await Slow.StartAsync(new MessageOptions { MaxInboxMessages = 1, WhenInboxFull = FullInbox.Block });
        await pair.SendAsync("first");
        await pair.SendAsync("second");
        using var cancel = new CancellationTokenSource();
        var large = pair.Sender.Messages.SendAsync(pair.Receiver.Id, pair.Type.Create(RandomSource.Seeded(3).Bytes(4 << 20)), null, cancel.Token);
        await pair.Handling.Task.Soon();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large.Soon());
        pair.Go.SetResult();

        Assert.True((await pair.Sender.Messages.SendAsync(pair.Receiver.Id, pair.Type.Create("third".Bytes())).Soon()).IsSent);
        while ((await pair.Heard.NextAsync()).Value.Text() != "third") continue;
    }

    [Fact]
    public async Task A_model_of_64_MiB_reaches_four_neighbours_with_bounded_memory()
    {
        const int size = 64 << 20;
        await using var sender = await MessageNode.StartAsync();
        var receivers = new List<MessageNode>();
        var done = new List<TaskCompletionSource<(int Length, ulong Sum)>>();
        for (var i = 0; i < 4; i++)
        {
            var receiver = await MessageNode.StartAsync();
            receivers.Add(receiver);
            var heard = new TaskCompletionSource<(int, ulong)>();
            done.Add(heard);
            receiver.Messages.On(receiver.Messages.RegisterBytes("model"), (message, _) =>
            {
                heard.SetResult((message.Value.Length, Sum(message.Value.Span)));
                return default;
            });
            await sender.LinkAsync(receiver);
        }

        var model = RandomSource.Seeded(9).Bytes(size);
        var expected = Sum(model);
        GC.Collect();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var results = await sender.Messages.SendAsync(sender.Messages.RegisterBytes("model").Create(model)).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(4, results.Count);
        Assert.All(results, result => Assert.True(result.IsSent, result.ToString()));
        foreach (var heard in done) Assert.Equal((size, expected), await heard.Task.Soon());

        // The sender holds no copy; each receiver needs the model and, while it grows, half of it again.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 5L * size);
        foreach (var receiver in receivers)
        {
            await receiver.DisposeAsync();
            Assert.Equal(0, receiver.Budget.Used(ResourceKind.QueueBytes));
        }
    }

    private static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0UL;
        foreach (var one in bytes) sum = (sum * 31) + one;
        return sum;
    }

    /// <summary>A sender and a receiver whose handler waits, once it has begun, until the test lets it go.</summary>
    private sealed class Slow : IAsyncDisposable
    {
        public required MessageNode Sender { get; init; }

        public required MessageNode Receiver { get; init; }

        public required MessageType<ReadOnlyMemory<byte>> Type { get; init; }

        public required Heard<ReadOnlyMemory<byte>> Heard { get; init; }

        public TaskCompletionSource Handling { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Go { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public static async Task<Slow> StartAsync(MessageOptions options)
        {
            var (sender, receiver) = await MessageNode.PairAsync(null, options);
            var type = receiver.Messages.RegisterBytes("x");
            Slow? slow = null;
            receiver.Messages.On(type, async (_, cancelled) =>
            {
                slow!.Handling.TrySetResult();
                await slow.Go.Task.WaitAsync(cancelled);
            });
            return slow = new Slow { Sender = sender, Receiver = receiver, Type = sender.Messages.RegisterBytes("x"), Heard = new Heard<ReadOnlyMemory<byte>>(receiver, type) };
        }

        public async Task SendAsync(string text) => Assert.True((await Sender.Messages.SendAsync(Receiver.Id, Type.Create(text.Bytes())).Soon()).IsSent);

        public async ValueTask DisposeAsync()
        {
            Go.TrySetResult();
            await Sender.DisposeAsync();
            await Receiver.DisposeAsync();
        }
    }
}
