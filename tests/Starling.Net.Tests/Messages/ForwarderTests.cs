using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Net.Messages;
using Starling.Net.Tests.PubSub;
using Starling.Protocols.Messages;

namespace Starling.Net.Tests.Messages;

/// <summary>Forwarder, propagator and discoverer over real sockets.</summary>
public sealed class ForwarderTests
{
    private static readonly MessageOptions Proxy = new() { Forwarder = { Enabled = true, Interval = TimeSpan.FromMilliseconds(20) } };

    [Theory]
    [InlineData("line", 0, 1, 1, 2, 2, 3)]
    [InlineData("triangle", 0, 1, 1, 2, 2, 0)]
    [InlineData("square", 0, 1, 1, 2, 2, 3, 3, 0)]
    public async Task Proxies_bring_every_message_to_each_node_once(string shape, params int[] links)
    {
        await using var net = await Net.StartAsync(links.Max() + 1, links);
        const int count = 50;
        for (var i = 0; i < count; i++) Assert.All(await net.Nodes[0].Messages.SendAsync(net.Types[0].Create(BitConverter.GetBytes(i))).Soon(), result => Assert.True(result.IsSent));

        foreach (var (heard, node) in net.Heard.Zip(net.Nodes).Skip(1))
        {
            var seen = new HashSet<int>();
            while (seen.Count < count)
            {
                var message = await heard.NextAsync();
                Assert.Equal(net.Nodes[0].Id, message.Origin);
                Assert.True(seen.Add(BitConverter.ToInt32(message.Value.Span)), $"{shape}: twice at {node.Id}");
            }
        }

        Assert.Equal(0, net.Heard[0].Count);
        if (shape == "line") Assert.DoesNotContain(net.Nodes.SelectMany(node => node.Told()), happened => happened is MessageEvent.Duplicate);
    }

    [Fact]
    public async Task A_stop_tells_of_the_message_in_hand_and_gives_back_what_it_held()
    {
        await using var host = new FakeHost();
        await using var neighbour = new FakeHost();
        FakeHost.Link(host, neighbour);
        await using var service = new MessageService(host);
        var type = service.RegisterBytes("news", forwardable: true);
        var budget = new ResourceBudget();
        using var stop = new CancellationTokenSource();
        using var metrics = new MessageMetrics(null, () => 0);
        var tasks = new BackgroundTasks(error => Assert.Fail(error.ToString()));
        var options = new MessageOptions { Forwarder = { Enabled = true } };
        var context = new MessageContext(host, options, budget, TimeProvider.System, RandomSource.Seeded(1), new MessageLog(NullLogger.Instance), metrics, tasks, stop.Token);
        var (sending, sent) = (new SemaphoreSlim(0), new TaskCompletionSource<IReadOnlyList<SendResult>>(TaskCreationOptions.RunContinuationsAsynchronously));
        var dropped = new TaskCompletionSource<ReceivedMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var forwarder = new Forwarder(
            context,
            (_, _) =>
            {
                sending.Release();
                return sent.Task;
            },
            (message, _) => dropped.TrySetResult(message));

        // As many as may be under way, and one that waits for its turn in hand.
        using var author = NodeIdentity.Generate();
        for (var number = 0; number <= Forwarder.MaxUnderWay; number++)
        {
            var envelope = new MessageEnvelope { Id = MessageUid.Create(context.Random), Type = "news", Payload = new byte[100] };
            var message = type.Read(envelope, author.PeerId, DateTimeOffset.UnixEpoch);
            forwarder.Offer(new MessageKey(author.PeerId, envelope.Id), message, envelope);
            if (number < Forwarder.MaxUnderWay) await sending.WaitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20));
        }

        while (forwarder.Queued > 0) await Task.Yield();
        await stop.CancelAsync();
        Assert.NotNull(await dropped.Task.WaitAsync(TimeSpan.FromSeconds(20)));
        sent.SetResult([]);
        await tasks.WhenEmpty().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, budget.Used(ResourceKind.QueueBytes));
    }

    [Fact]
    public async Task A_forwarder_that_is_switched_off_hands_nothing_on_until_it_is_switched_on()
    {
        await using var net = await Net.StartAsync(3, 0, 1, 1, 2);
        net.Nodes[1].Messages.Forwarder.Enabled = false;
        await net.Nodes[0].Messages.SendAsync(net.Types[0].Create("silence".Bytes())).Soon();
        Assert.Equal("silence", (await net.Heard[1].NextAsync()).Value.Text());
        net.Nodes[1].Messages.Forwarder.Enabled = true;
        await net.Nodes[0].Messages.SendAsync(net.Types[0].Create("song".Bytes())).Soon();

        var message = await net.Heard[2].NextAsync();
        Assert.Equal(("song", 1, net.Nodes[1].Id), (message.Value.Text(), message.Hops, message.ReceivedFrom));
    }

    [Fact]
    public async Task A_type_that_is_not_forwardable_stays_with_the_neighbours_and_a_full_queue_is_told()
    {
        var tight = new MessageOptions { Forwarder = { Enabled = true, Interval = TimeSpan.FromMinutes(1), MessagesPerCycle = 1, MaxQueuedMessages = 1 } };
        await using var net = await Net.StartAsync(3, tight, 0, 1, 1, 2);
        var privately = net.Nodes[0].Messages.RegisterBytes("private");
        var near = new Heard<ReadOnlyMemory<byte>>(net.Nodes[1], net.Nodes[1].Messages.RegisterBytes("private", forwardable: false));
        await net.Nodes[0].Messages.SendAsync(privately.Create("hush".Bytes())).Soon();
        Assert.Equal("hush", (await near.NextAsync()).Value.Text());

        await net.Nodes[0].Messages.SendAsync(net.Types[0].Create("0".Bytes())).Soon();
        Assert.Equal("0", (await net.Heard[2].NextAsync()).Value.Text());
        for (var i = 1; i < 4; i++) await net.Nodes[0].Messages.SendAsync(net.Types[0].Create($"{i}".Bytes())).Soon();
        Assert.Contains("full", (await net.Nodes[1].NextAsync<MessageEvent.Dropped>()).Why);
        Assert.Contains("full", (await net.Nodes[1].NextAsync<MessageEvent.Dropped>()).Why);
        Assert.Equal(1, net.Nodes[1].Messages.Forwarder.Queued);
    }

    [Fact]
    public async Task The_propagator_reaches_all_neighbours_beside_its_caller_and_ends_for_the_right_reason()
    {
        await using var net = await Net.StartAsync(3, 0, 1, 0, 2);
        var quick = new PropagationOptions { Interval = TimeSpan.FromMilliseconds(5), UnchangedRounds = 2 };
        var messages = net.Nodes[0].Messages;

        var first = await messages.Propagator.Start("initialization", round => net.Types[0].Create("state".Bytes()), quick).Completion.Soon();
        Assert.Equal((PropagationEnd.Finished, 2), (first.End, first.Reached.Count));
        Assert.Equal("state", (await net.Heard[1].NextAsync()).Value.Text());
        Assert.Equal("state", (await net.Heard[2].NextAsync()).Value.Text());

        var same = net.Types[0].Create("stable".Bytes());
        Assert.Equal(PropagationEnd.Unchanged, (await messages.Propagator.Start("stable", _ => same, quick).Completion.Soon()).End);
        var failed = await messages.Propagator.Start("stable", _ => throw new InvalidOperationException("no model"), quick).Completion.Soon();
        Assert.Equal((PropagationEnd.Failed, "no model"), (failed.End, failed.Error!.Message));
        var slow = messages.Propagator.Start("stable", _ => same, new PropagationOptions { Interval = TimeSpan.FromHours(1) });
        slow.Cancel();
        Assert.Equal(PropagationEnd.Cancelled, (await slow.Completion.Soon()).End);
        Assert.Contains("initialization, stable", Assert.Throws<ArgumentException>(() => messages.Propagator.Start("nonsense", _ => same)).Message);
    }

    [Fact]
    public async Task The_discoverer_tells_at_once_again_when_its_interval_shrinks_and_no_more_after_the_stop()
    {
        await using var net = await Net.StartAsync(2, 0, 1);
        var discoverer = net.Nodes[0].Messages.Discoverer;
        var count = 0;
        discoverer.Interval = TimeSpan.FromHours(1);
        discoverer.About = () => net.Types[0].Create($"{++count}".Bytes());
        Assert.Equal("1", (await net.Heard[1].NextAsync()).Value.Text());
        discoverer.Interval = TimeSpan.FromMilliseconds(10);
        Assert.Equal("2", (await net.Heard[1].NextAsync()).Value.Text());
        Assert.Equal("3", (await net.Heard[1].NextAsync()).Value.Text());
        Assert.True(discoverer.IsRunning);

        await net.Nodes[0].Messages.DisposeAsync().AsTask().Soon();
        Assert.False(discoverer.IsRunning);
        Assert.Equal(discoverer.Rounds, count);
    }

    [Fact]
    public async Task A_message_goes_to_some_neighbours_by_lot_and_to_chosen_ones_with_a_pause()
    {
        await using var net = await Net.StartAsync(5, 0, 1, 0, 2, 0, 3, 0, 4);
        var messages = net.Nodes[0].Messages;
        for (var i = 0; i < 20; i++)
        {
            var some = await messages.SendAsync(net.Types[0].Create("lot".Bytes()), SendTargets.Random(2)).Soon();
            Assert.Equal(2, some.Select(result => result.Peer).Distinct().Count());
        }

        Assert.Equal(4, (await messages.SendAsync(net.Types[0].Create("lot".Bytes()), SendTargets.Random(99)).Soon()).Count);
        net.Nodes[0].Node.Swarm.Find(net.Nodes[3].Id)!.Priority = LinkPriority.High;
        net.Nodes[0].Node.Swarm.Find(net.Nodes[1].Id)!.Priority = LinkPriority.Low;
        var chosen = await messages.SendAsync(net.Types[0].Create("x".Bytes()), SendTargets.To(net.Nodes[1].Id, net.Nodes[2].Id, net.Nodes[3].Id, net.Nodes[2].Id), new SendOptions { Interval = TimeSpan.FromMilliseconds(5) }).Soon();
        Assert.Equal([net.Nodes[3].Id, net.Nodes[2].Id, net.Nodes[1].Id], chosen.Select(result => result.Peer));
    }

    private sealed class Net : IAsyncDisposable
    {
        public List<MessageNode> Nodes { get; } = [];

        public List<MessageType<ReadOnlyMemory<byte>>> Types { get; } = [];

        public List<Heard<ReadOnlyMemory<byte>>> Heard { get; } = [];

        public static Task<Net> StartAsync(int count, params int[] links) => StartAsync(count, Proxy, links);

        public static async Task<Net> StartAsync(int count, MessageOptions options, params int[] links)
        {
            var net = new Net();
            for (var i = 0; i < count; i++)
            {
                var node = await MessageNode.StartAsync(options);
                net.Nodes.Add(node);
                net.Types.Add(node.Messages.RegisterBytes("song"));
                net.Heard.Add(new Heard<ReadOnlyMemory<byte>>(node, net.Types[i]));
            }

            for (var i = 0; i < links.Length; i += 2) await net.Nodes[links[i]].LinkAsync(net.Nodes[links[i + 1]]);
            return net;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var node in Nodes) await node.DisposeAsync();
        }
    }
}
