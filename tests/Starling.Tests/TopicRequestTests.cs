using System.Text;
using Starling.Net.PubSub.Groups;
using Starling.Protocols.Groups;

namespace Starling.Tests;

/// <summary>Requests over topics, and queue groups, between real nodes.</summary>
public sealed class TopicRequestTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_of_several_responders_answers_and_another_one_when_that_has_gone()
    {
        await using var network = await NodesAsync(3);
        var (asker, answered) = (network[0], new int[3]);
        for (var i = 1; i <= 2; i++)
        {
            var number = i;
            await network[i].RespondTopicAsync("math", (request, _) =>
            {
                Interlocked.Increment(ref answered[number]);
                return new ValueTask<ReadOnlyMemory<byte>>(Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetString(request.Data.Span)}!"));
            }, new RespondOptions { GroupOptions = Quick() });
        }

        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            var answer = await AskAsync(asker, "math", $"{i}");
            Assert.Equal($"{i}!", Encoding.UTF8.GetString(answer.Data.Span));
        }));

        // A group handles at least once: on a busy machine a second member may have taken some over, and the asker got one answer to each all the same.
        Assert.InRange(answered.Sum(), 40, 79);
        Assert.All(answered[1..], count => Assert.True(count > 0));

        await network[1].StopAsync().WaitAsync(Patience, Cancelled);
        for (var i = 0; i < 10; i++) Assert.Equal(network[2].PeerId, (await AskAsync(asker, "math", "x")).From);
        Assert.Equal(0, asker.TopicRequests.Waiting);
    }

    [Fact]
    public async Task A_request_that_nobody_answers_is_told_at_once()
    {
        await using var network = await NodesAsync(2);
        await using var follower = await network[1].SubscribeAsync("math", cancellationToken: Cancelled);
        await network[0].WaitForSubscribersAsync("math", 1, Cancelled).WaitAsync(Patience, Cancelled);

        var error = await Assert.ThrowsAsync<TopicRequestException>(() => network[0].RequestTopicAsync("math", default, TimeSpan.FromHours(1), Cancelled).AsTask().WaitAsync(Patience, Cancelled));

        Assert.Equal(TopicRequestFailure.NoResponders, error.Failure);
        Assert.Equal(0, follower.Count);
    }

    [Fact]
    public async Task Answers_of_all_responders_are_gathered_up_to_as_many_as_wanted()
    {
        await using var network = await NodesAsync(4);
        for (var i = 1; i <= 3; i++)
        {
            var node = network[i];
            await node.RespondTopicAsync("who", (_, _) => new ValueTask<ReadOnlyMemory<byte>>(node.PeerId.Bytes.ToArray()), new RespondOptions { Group = null });
        }

        await FollowedAsync(network[0], "who", 3);
        List<PeerId> all = [];
        await foreach (var answer in network[0].GatherTopicAsync("who", default, 3, Patience, Cancelled))
        {
            Assert.Equal(answer.From, PeerId.FromBytes(answer.Data.Span));
            all.Add(answer.From);
        }

        Assert.Equal(network.Nodes.Skip(1).Select(node => node.PeerId).Order(), all.Order());
        var two = 0;
        await foreach (var _ in network[0].GatherTopicAsync("who", default, 2, Patience, Cancelled)) two++;
        Assert.Equal(2, two);
        var late = 0;
        await foreach (var _ in network[0].GatherTopicAsync("who", default, 100, TimeSpan.FromSeconds(1), Cancelled)) late++;
        Assert.Equal(3, late);
    }

    [Fact]
    public async Task An_answer_reaches_an_asker_that_is_no_neighbour()
    {
        await using var network = await NodesAsync(3, (0, 1), (1, 2));
        await network[1].RespondTopicAsync("far", (_, _) => throw new InvalidOperationException("I only relay"), new RespondOptions { Group = null });
        await network[2].RespondTopicAsync("far", (_, _) => new ValueTask<ReadOnlyMemory<byte>>("here"u8.ToArray()), new RespondOptions { Group = null });
        await FollowedAsync(network[0], "far", 1);
        await FollowedAsync(network[1], "far", 1);

        TopicAnswer? answer = null;
        await foreach (var one in network[0].GatherTopicAsync("far", default, 2, Patience, Cancelled))
        {
            answer = one;
            break;
        }

        Assert.Equal((network[2].PeerId, "here"), (answer!.From, Encoding.UTF8.GetString(answer.Data.Span)));
    }

    [Fact]
    public async Task Who_claims_to_wait_for_weeks_takes_no_turn_of_a_responder_for_good()
    {
        await using var network = await NodesAsync(2);
        var asked = 0;
        await network[1].RespondTopicAsync("echo", (request, _) =>
        {
            Interlocked.Increment(ref asked);
            return new ValueTask<ReadOnlyMemory<byte>>(request.Data);
        }, new RespondOptions { Group = null, MaxInFlight = 1 });
        await FollowedAsync(network[0], "echo", 1);
        for (var i = 0u; i < 100; i++)
        {
            var forever = new AskFrame(AskKind.Ask, i, network[0].PeerId, uint.MaxValue, "forever"u8.ToArray());
            Assert.True((await network[0].PublishAsync("$ask/echo", forever.Encode(), cancellationToken: Cancelled)).IsSent);
        }

        Assert.Equal("now", Encoding.UTF8.GetString((await network[0].RequestTopicAsync("echo", "now"u8.ToArray(), Patience, Cancelled)).Data.Span));
        Assert.Equal(101, asked);
    }

    [Fact]
    public async Task A_failure_is_told_to_the_asker_and_a_deadline_and_a_cancellation_to_the_responder()
    {
        await using var network = await NodesAsync(2);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<TaskCompletionSource> ended = [new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously)];
        await network[1].RespondTopicAsync("slow", async (request, cancelled) =>
        {
            if (request.Data.Length == 0) throw new InvalidOperationException("nothing asked");
            var which = request.Data.Span[0];
            if (which == 1) begun.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancelled).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended[which].SetResult();
            cancelled.ThrowIfCancellationRequested();
            return default;
        }, new RespondOptions { Group = null });
        await FollowedAsync(network[0], "slow", 1);

        var failed = await Assert.ThrowsAsync<TopicRequestException>(() => network[0].RequestTopicAsync("slow", default, Patience, Cancelled).AsTask());
        Assert.Equal(TopicRequestFailure.Failed, failed.Failure);
        Assert.Contains("nothing asked", failed.Message, StringComparison.Ordinal);

        var late = await Assert.ThrowsAsync<TopicRequestException>(() => network[0].RequestTopicAsync("slow", new byte[] { 0 }, TimeSpan.FromMilliseconds(300), Cancelled).AsTask());
        Assert.Equal(TopicRequestFailure.Timeout, late.Failure);
        await ended[0].Task.WaitAsync(Patience, Cancelled);

        using var cancel = new CancellationTokenSource();
        var asking = network[0].RequestTopicAsync("slow", new byte[] { 1 }, TimeSpan.FromHours(1), cancel.Token).AsTask();
        await begun.Task.WaitAsync(Patience, Cancelled);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.WaitAsync(Patience, Cancelled));
        await ended[1].Task.WaitAsync(Patience, Cancelled);
        Assert.Equal(0, network[0].TopicRequests.Waiting);
    }

    [Fact]
    public async Task A_group_of_nodes_handles_each_message_once_and_a_stopping_member_hands_over()
    {
        await using var network = await NodesAsync(3);
        var handled = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var i = 1; i <= 2; i++)
        {
            await network[i].JoinGroupAsync("jobs", "workers", (message, _) =>
            {
                handled.AddOrUpdate(Encoding.UTF8.GetString(message.Data.Span), 1, (_, count) => count + 1);
                if (handled.Count == 300) done.TrySetResult();
                return ValueTask.CompletedTask;
            }, Quick());
        }

        await network[0].WaitForSubscribersAsync("jobs", 2, Cancelled).WaitAsync(Patience, Cancelled);
        for (var i = 0; i < 300; i++)
        {
            Assert.True((await network[0].PublishAsync("jobs", Encoding.UTF8.GetBytes($"{i}"), Cancelled)).IsSent);
            if (i == 150) await network[1].StopAsync().WaitAsync(Patience, Cancelled);
        }

        await done.Task.WaitAsync(Patience, Cancelled);
    }

    [Fact]
    public async Task Wrong_topics_and_times_are_refused()
    {
        await using var node = await StarlingNode.StartAsync(cancellationToken: Cancelled);
        await Assert.ThrowsAsync<ArgumentException>(() => node.RequestTopicAsync("a.*", default, null, Cancelled).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => node.RespondTopicAsync("a.>", (_, _) => default, null, Cancelled).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => node.RequestTopicAsync("a", default, TimeSpan.Zero, Cancelled).AsTask());
        Assert.Throws<ArgumentOutOfRangeException>(() => node.GatherTopicAsync("a", default, 0));
        await using (await node.RespondTopicAsync("a", (_, _) => default, null, Cancelled)) await Assert.ThrowsAsync<InvalidOperationException>(() => node.RespondTopicAsync("a", (_, _) => default, null, Cancelled).AsTask());
    }

    [Fact]
    public async Task An_answer_that_is_too_large_for_the_way_is_told_as_a_failure_and_the_responder_answers_on()
    {
        await using var network = await NodesAsync(2);
        await network[1].RespondTopicAsync("size", (request, _) => new ValueTask<ReadOnlyMemory<byte>>(new byte[request.Data.Length == 0 ? 64 << 20 : 1]), new RespondOptions { Group = null, MaxInFlight = 1 });
        await FollowedAsync(network[0], "size", 1);

        for (var i = 0; i < 2; i++)
        {
            var error = await Assert.ThrowsAsync<TopicRequestException>(() => network[0].RequestTopicAsync("size", default, Patience, Cancelled).AsTask());
            Assert.Equal(TopicRequestFailure.Failed, error.Failure);
            Assert.Contains("larger", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, (await AskAsync(network[0], "size", "x")).Data.Length);
    }

    [Fact]
    public async Task A_responder_whose_token_callback_throws_hears_of_later_cancellations_too()
    {
        await using var network = await NodesAsync(2);
        var begun = new TaskCompletionSource[] { new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously) };
        var ended = new TaskCompletionSource[] { new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously) };
        await network[1].RespondTopicAsync("slow", async (request, cancelled) =>
        {
            var which = request.Data.Span[0];
            using var first = cancelled.Register(() => throw new InvalidOperationException("a callback of the user's"));
            begun[which].SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancelled).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended[which].SetResult();
            return default;
        }, new RespondOptions { Group = null });
        await FollowedAsync(network[0], "slow", 1);

        for (byte i = 0; i < 2; i++)
        {
            using var cancel = new CancellationTokenSource();
            var asking = network[0].RequestTopicAsync("slow", new[] { i }, TimeSpan.FromHours(1), cancel.Token).AsTask();
            await begun[i].Task.WaitAsync(Patience, Cancelled);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.WaitAsync(Patience, Cancelled));
            await ended[i].Task.WaitAsync(Patience, Cancelled);
        }
    }

    [Fact]
    public async Task A_responder_whose_turns_are_all_taken_stops_at_once_and_cancels_them()
    {
        await using var network = await NodesAsync(2);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var responding = await network[1].RespondTopicAsync("busy", async (_, cancelled) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancelled).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended.TrySetResult();
            cancelled.ThrowIfCancellationRequested();
            return default;
        }, new RespondOptions { Group = null, MaxInFlight = 1 });
        await FollowedAsync(network[0], "busy", 1);
        using var cancel = new CancellationTokenSource();
        var asking = Enumerable.Range(0, 20).Select(_ => network[0].RequestTopicAsync("busy", default, TimeSpan.FromHours(1), cancel.Token).AsTask()).ToList();
        await begun.Task.WaitAsync(Patience, Cancelled);

        await responding.DisposeAsync().AsTask().WaitAsync(Patience, Cancelled);
        await ended.Task.WaitAsync(Patience, Cancelled);

        await cancel.CancelAsync();
        foreach (var one in asking) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one.WaitAsync(Patience, Cancelled));
    }

    [Fact]
    public async Task Gathering_again_asks_anew_whatever_came_of_the_first_time()
    {
        await using var network = await NodesAsync(2);
        var asked = 0;
        await network[1].RespondTopicAsync("again", (_, _) => Interlocked.Increment(ref asked) == 1 ? throw new InvalidOperationException("not yet") : new ValueTask<ReadOnlyMemory<byte>>(new byte[1]), new RespondOptions { Group = null });
        await FollowedAsync(network[0], "again", 1);
        var gathering = network[0].GatherTopicAsync("again", default, 1, Patience, Cancelled);

        Assert.Equal(0, await gathering.CountAsync(Cancelled));
        Assert.Equal(1, await gathering.CountAsync(Cancelled));
    }

    private static GroupJoinOptions Quick() => new()
    {
        BeatInterval = TimeSpan.FromMilliseconds(100),
        SettleTime = TimeSpan.FromMilliseconds(500),
        MemberTimeout = TimeSpan.FromSeconds(15),
        TakeoverAfter = TimeSpan.FromSeconds(15),
    };

    private static async Task<TopicAnswer> AskAsync(StarlingNode asker, string topic, string text)
    {
        await FollowedAsync(asker, topic, 1);
        return await asker.RequestTopicAsync(topic, Encoding.UTF8.GetBytes(text), Patience, Cancelled).AsTask().WaitAsync(Patience, Cancelled);
    }

    /// <summary>Waits until so many neighbours are known to answer.</summary>
    private static Task FollowedAsync(StarlingNode asker, string topic, int count) => asker.TopicRequests.WaitForRespondersAsync(topic, count, Cancelled).WaitAsync(Patience, Cancelled);

    private static async Task<Network> NodesAsync(int count, params (int One, int Other)[] links)
    {
        List<StarlingNode> nodes = [];
        for (var i = 0; i < count; i++) nodes.Add(await StarlingNode.StartAsync(cancellationToken: Cancelled));
        if (links.Length == 0) links = [.. from one in Enumerable.Range(0, count) from other in Enumerable.Range(one + 1, count - one - 1) select (one, other)];
        foreach (var (one, other) in links) await nodes[one].ConnectAsync(nodes[other].Addresses[0], Cancelled).WaitAsync(Patience, Cancelled);
        return new Network(nodes);
    }

    private sealed class Network(IReadOnlyList<StarlingNode> nodes) : IAsyncDisposable
    {
        public IReadOnlyList<StarlingNode> Nodes => nodes;

        public StarlingNode this[int index] => nodes[index];

        public async ValueTask DisposeAsync()
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }
}
