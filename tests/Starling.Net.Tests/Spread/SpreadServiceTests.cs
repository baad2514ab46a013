using Starling.Net.Links;
using Starling.Net.Spread;
using Starling.Protocols.Spread;

namespace Starling.Net.Tests.Spread;

public sealed class SpreadServiceTests
{
    [Fact]
    public async Task An_item_travels_a_line_as_far_as_its_hops_reach()
    {
        await using var network = await SpreadNetwork.StartAsync(4, links: [0, 1, 1, 2, 2, 3]);
        Assert.Equal(new SpreadPublishResult(SpreadPublishStatus.Sent, 1, default) with { Key = default }, (await network[0].SayAsync(1, ttl: 2)) with { Key = default });
        await network[0].SayAsync(2);
        var first = await network[1].NextAsync();
        Assert.Equal((network[0].Node.Id, network[0].Node.Id, 2), (first.Origin, first.From, first.Item.Ttl));
        Assert.Equal(1, await network[2].NextByteAsync());
        Assert.Equal(2, await network[2].NextByteAsync());
        var last = await network[3].NextAsync();
        Assert.Equal((2, network[0].Node.Id, network[2].Node.Id), (last.Payload.Span[0], last.Origin, last.From));
    }

    [Fact]
    public async Task A_ring_and_a_triangle_bring_each_item_once_to_everyone()
    {
        await using var network = await SpreadNetwork.StartAsync(8, links: [0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 5, 6, 6, 7, 7, 5]);
        foreach (var group in new[] { new[] { 0, 1, 2, 3, 4 }, [5, 6, 7] })
        {
            for (byte i = 0; i < 50; i++) await network[group[i % group.Length]].SayAsync(i);
            foreach (var node in group)
            {
                var expected = Enumerable.Range(0, 50).Where(i => group[i % group.Length] != node).Select(i => (byte)i);
                var got = new List<byte>();
                foreach (var _ in expected) got.Add(await network[node].NextByteAsync());
                Assert.Equal(expected, got.Order());
            }
        }

        foreach (var node in network.Nodes) await node.Spread.FlushAsync().Soon();
        Assert.All(network.Nodes, node => Assert.Equal(0, node.Waiting));
        Assert.All(network.Nodes.Take(5), node => Assert.Equal(40, node.Spread.Counters.Delivered));
    }

    [Fact]
    public async Task Thirty_nodes_with_random_neighbours_all_get_what_three_of_them_send()
    {
        var random = RandomSource.Seeded(5);
        var links = new List<int>();
        for (var i = 1; i < 30; i++) links.AddRange([i, random.Next(i)]);
        for (var i = 0; i < 45; i++)
        {
            var (left, right) = (random.Next(30), random.Next(30));
            if (left != right) links.AddRange([left, right]);
        }

        await using var network = await SpreadNetwork.StartAsync(30, links: [.. links]);
        foreach (var (sender, what) in new[] { (3, (byte)1), (14, (byte)2), (29, (byte)3) }) Assert.Equal(SpreadPublishStatus.Sent, (await network[sender].SayAsync(what)).Status);
        for (var i = 0; i < 30; i++)
        {
            var got = new List<byte>();
            for (var count = i is 3 or 14 or 29 ? 2 : 3; count > 0; count--) got.Add(await network[i].NextByteAsync());
            Assert.Equal(got.Distinct().Count(), got.Count);
        }
    }

    [Fact]
    public async Task A_publish_says_what_became_of_it()
    {
        await using var network = await SpreadNetwork.StartAsync(2);
        var lonely = await network[0].SayAsync(1);
        Assert.Equal((SpreadPublishStatus.NoPeers, 0), (lonely.Status, lonely.Neighbours));
        var large = await network[0].Spread.PublishAsync(SpreadNetwork.News, new byte[(64 << 10) + 1]);
        Assert.Equal(SpreadPublishStatus.TooLarge, large.Status);
        await network.LinkAsync(0, 1);
        var id = new SpreadId(7);
        Assert.Equal(SpreadPublishStatus.Sent, (await network[0].Spread.PublishAsync(SpreadNetwork.News, new byte[64 << 10], id: id)).Status);
        Assert.Equal(SpreadPublishStatus.Duplicate, (await network[0].Spread.PublishAsync(SpreadNetwork.News, new byte[1], id: id)).Status);
        Assert.Equal(64 << 10, (await network[1].NextAsync()).Payload.Length);
    }

    [Fact]
    public async Task Relaying_is_switched_off_and_on_live_whole_and_by_kind_and_local_delivery_stays()
    {
        await using var network = await SpreadNetwork.StartAsync(3, links: [0, 1, 1, 2]);
        network[1].Spread.Relay = false;
        await network[0].SayAsync(1);
        Assert.Equal(1, await network[1].NextByteAsync());
        network[1].Spread.Relay = true;
        network[1].Spread.SetRelay(SpreadNetwork.News.Number, false);
        await network[0].SayAsync(2);
        Assert.Equal(2, await network[1].NextByteAsync());
        network[1].Spread.SetRelay(SpreadNetwork.News.Number, null);
        await network[0].SayAsync(3);
        Assert.Equal(3, await network[2].NextByteAsync());
        Assert.Equal(3, await network[1].NextByteAsync());
        Assert.Equal(2, network[1].Spread.Counters.NotRelayed);

        network[1].Registration.Dispose();
        var marker = SpreadKind.Named("test/marker");
        var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        network[1].Spread.Register(marker, new SpreadHandlers
        {
            OnItem = (_, _) =>
            {
                passed.SetResult();
                return ValueTask.CompletedTask;
            },
        });
        await network[0].SayAsync(4);
        await network[0].Spread.PublishAsync(marker, new byte[1], ttl: 1);
        await passed.Task.Soon();
        network[1].Spread.SetRelay(SpreadNetwork.News.Number, true);
        await network[0].SayAsync(5);
        Assert.Equal(5, await network[2].NextByteAsync());
        Assert.Equal(0, network[1].Waiting);
        Assert.Equal(1, network[1].Spread.Counters.Refused(SpreadRefusal.UnknownKind));
    }

    [Fact]
    public async Task A_validator_decides_what_is_delivered_and_goes_on()
    {
        var kind = SpreadKind.Named("test/gated") with { ValidationTimeout = TimeSpan.FromMinutes(5) };
        var stuck = SpreadKind.Named("test/stuck") with { ValidationTimeout = TimeSpan.FromMilliseconds(200) };
        await using var network = await SpreadNetwork.StartAsync(3, links: [0, 1, 1, 2]);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var got = System.Threading.Channels.Channel.CreateBounded<byte>(10);
        network[1].Spread.Register(kind, new SpreadHandlers
        {
            Validate = (item, _) =>
            {
                if (item.Payload.Span[0] == 2) throw new InvalidOperationException("a fault");
                return ValueTask.FromResult(item.Payload.Span[0] == 1 ? SpreadVerdict.Reject : SpreadVerdict.Accept);
            },
        });
        network[1].Spread.Register(stuck, new SpreadHandlers
        {
            Validate = async (_, cancelled) =>
            {
                await WaitForeverAsync(stopped, cancelled);
                return SpreadVerdict.Accept;
            },
        });
        network[2].Spread.Register(kind, new SpreadHandlers { OnItem = async (item, cancelled) => await got.Writer.WriteAsync(item.Payload.Span[0], cancelled) });
        for (byte what = 1; what <= 4; what++) await network[0].Spread.PublishAsync(what == 3 ? stuck : kind, new[] { what });
        Assert.Equal(4, await got.Reader.ReadAsync().Soon());
        await stopped.Task.Soon();
        await network[1].Spread.RunAsync(() => true);
        var counters = network[1].Spread.Counters;
        Assert.Equal((1, 1, 1, 1), (counters.Accepted, counters.Rejected, counters.Ignored, counters.TimedOut));
        Assert.Equal(1, network[2].Spread.Counters.Delivered);
    }

    [Fact]
    public async Task A_slow_handler_loses_its_oldest_items_and_holds_up_nobody()
    {
        await using var network = await SpreadNetwork.StartAsync(3, new SpreadServiceOptions { Degree = 0, MaxQueued = 10 }, links: [0, 1, 1, 2]);
        var slow = SpreadKind.Named("test/slow");
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handled = new List<byte>();
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        network[1].Spread.Register(slow, new SpreadHandlers
        {
            OnItem = async (item, cancelled) =>
            {
                entered.TrySetResult();
                await go.Task.WaitAsync(cancelled);
                handled.Add(item.Payload.Span[0]);
                if (item.Payload.Span[0] == 50) last.SetResult();
                if (item.Payload.Span[0] == 45) throw new InvalidOperationException("a fault");
            },
        });
        await network[0].Spread.PublishAsync(slow, new byte[] { 0 });
        await entered.Task.Soon();
        for (byte i = 1; i <= 50; i++)
        {
            await network[0].Spread.PublishAsync(slow, new[] { i });
            await network[0].Spread.FlushAsync().Soon();
        }

        await network[0].SayAsync(99);
        Assert.Equal(99, await network[2].NextByteAsync());
        go.SetResult();
        await last.Task.Soon();
        Assert.Equal([0, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50], handled);
        Assert.Equal(40, network[1].Spread.DroppedForSlowHandlers);
    }

    [Fact]
    public async Task Replies_come_back_to_the_one_that_asked()
    {
        var kind = SpreadKind.Named("test/question");
        await using var network = await SpreadNetwork.StartAsync(4, links: [0, 1, 1, 2, 2, 3]);
        var answers = System.Threading.Channels.Channel.CreateBounded<SpreadAnswer>(100);
        network[0].Spread.Register(kind, new SpreadHandlers { OnReply = async (answer, cancelled) => await answers.Writer.WriteAsync(answer, cancelled) });
        for (var i = 1; i < 4; i++)
        {
            var node = network[i];
            node.Spread.Register(kind, new SpreadHandlers
            {
                OnItem = async (item, _) => Assert.True(await node.Spread.ReplyAsync(item, new[] { (byte)node.Node.Address.ToString().Length })),
                CheckReply = reply => reply.Payload.Length == 1,
            });
        }

        var asked = await network[0].Spread.PublishAsync(kind, new byte[] { 1 });
        for (var i = 0; i < 3; i++) Assert.Equal(asked.Key, (await answers.Reader.ReadAsync().Soon()).To);
        Assert.Equal(2, network[1].Spread.Counters.RepliesForwarded);
    }

    [Fact]
    public async Task A_signed_kind_proves_its_origin_over_many_hops()
    {
        var kind = SpreadNetwork.News with { Signed = true };
        await using var network = await SpreadNetwork.StartAsync(3, kind: kind, links: [0, 1, 1, 2]);
        await network[0].SayAsync(1);
        await network[0].Spread.PublishAsync(kind, new byte[] { 2 });
        var item = await network[2].NextAsync();
        Assert.Equal((2, network[0].Node.Id, true), (item.Payload.Span[0], item.Origin, item.Item.IsSigned));
        Assert.Equal(1, network[1].Spread.Counters.Refused(SpreadRefusal.Unsigned));
    }

    [Fact]
    public async Task A_new_neighbour_gets_what_was_kept_and_a_link_that_comes_again_carries_on()
    {
        var kind = SpreadNetwork.News with { Keep = true };
        await using var network = await SpreadNetwork.StartAsync(3, kind: kind, links: [0, 1]);
        await network[0].Spread.PublishAsync(kind, new byte[] { 7 });
        Assert.Equal(7, await network[1].NextByteAsync());
        await network.LinkAsync(1, 2);
        var item = await network[2].NextAsync();
        Assert.Equal((7, network[0].Node.Id, network[1].Node.Id), (item.Payload.Span[0], item.Origin, item.From));

        await network[1].Node.Swarm.DisconnectAsync(network[2].Node.Id).Soon();
        while (!(await network[2].Node.NextEventAsync()).StartsWith("disconnected", StringComparison.Ordinal)) continue;
        await network.LinkAsync(2, 1);
        await network[0].SayAsync(8);
        Assert.Equal(8, await network[2].NextByteAsync());
    }

    [Fact]
    public async Task Stopping_writes_what_is_queued_and_ends_what_hangs()
    {
        await using var network = await SpreadNetwork.StartAsync(2, links: [0, 1]);
        var hanging = SpreadKind.Named("test/hanging");
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        network[1].Spread.Register(hanging, new SpreadHandlers
        {
            OnItem = async (_, cancelled) => await WaitForeverAsync(entered, cancelled),
        });
        await network[0].Spread.PublishAsync(hanging, new byte[] { 1 });
        for (byte i = 0; i < 200; i++) await network[0].SayAsync(i);
        await network[0].Spread.DisposeAsync().AsTask().Soon();
        for (byte i = 0; i < 200; i++) Assert.Equal(i, await network[1].NextByteAsync());
        await network[1].Spread.DisposeAsync().AsTask().Soon();
        await network[1].Spread.DisposeAsync().AsTask().Soon();
        await entered.Task.Soon();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await network[0].SayAsync(1));
    }

    [Fact]
    public async Task A_number_is_registered_once_and_options_are_checked()
    {
        await using var network = await SpreadNetwork.StartAsync(1);
        var error = Assert.Throws<InvalidOperationException>(() => network[0].Spread.Register(SpreadNetwork.News with { Name = "other" }, new SpreadHandlers()));
        Assert.Contains("test/news", error.Message, StringComparison.Ordinal);
        Assert.True(SpreadKind.Named("a").Number >= 0x8000_0000);
        Assert.NotEqual(SpreadKind.Named("a").Number, SpreadKind.Named("b").Number);
        var problems = new OptionProblems("Spread");
        new SpreadServiceOptions { Degree = -1, MaxTtl = 256, MaxPeerQueueBytes = 1, BatchBytes = 1, MaxKept = -1 }.Check(problems);
        Assert.Equal(5, problems.All.Count);
        Assert.Contains("Spread:MaxTtl", problems.All[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Random_direct_neighbours_are_picked_evenly_and_each_once()
    {
        await using var network = await SpreadNetwork.StartAsync(5, links: [0, 1, 0, 2, 0, 3, 0, 4]);
        var random = RandomSource.Seeded(3);
        var counts = new Dictionary<PeerId, int>();
        for (var i = 0; i < 400; i++)
        {
            var picked = NeighbourPicker.Pick(network[0].Node.Swarm, random, 2);
            Assert.Equal(2, picked.Select(link => link.Peer).Distinct().Count());
            foreach (var link in picked) counts[link.Peer] = counts.GetValueOrDefault(link.Peer) + 1;
        }

        Assert.Equal(4, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 150, 250));
        Assert.Equal(4, NeighbourPicker.Pick(network[0].Node.Swarm, random, 0).Count);
        Assert.Equal(4, NeighbourPicker.Pick(network[0].Node.Swarm, random, 9).Count);
        Assert.Single(NeighbourPicker.Pick(network[0].Node.Swarm, random, 9, link => link.Peer.Equals(network[3].Node.Id)));
    }

    private static async Task WaitForeverAsync(TaskCompletionSource ended, CancellationToken cancellationToken)
    {
        var forever = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await forever.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            ended.TrySetResult();
        }
    }
}
