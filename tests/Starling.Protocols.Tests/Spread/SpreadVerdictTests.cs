using Starling.Protocols.Spread;
using static Starling.Protocols.Tests.Spread.SpreadCoreTests;

namespace Starling.Protocols.Tests.Spread;

/// <summary>Several validators, rejections that last, and items that grow old.</summary>
public sealed class SpreadVerdictTests
{
    private static readonly SpreadRules Gated = new(Deliver: true, Validate: true, Keep: true);

    [Fact]
    public void An_item_goes_on_when_all_validators_have_judged_and_one_at_least_accepts()
    {
        var graph = Line(3, rules: Gated);
        foreach (var (verdicts, accepted) in new[]
        {
            (new[] { SpreadVerdict.Accept, SpreadVerdict.Ignore, SpreadVerdict.Accept }, true),
            ([SpreadVerdict.Ignore, SpreadVerdict.Ignore, SpreadVerdict.Accept], true),
            ([SpreadVerdict.Ignore, SpreadVerdict.Ignore, SpreadVerdict.Ignore], false),
        })
        {
            var item = graph.Publish(0);
            graph.Settle();
            graph.Nodes[1].Core.Expect(item.Key, 3);
            foreach (var verdict in verdicts)
            {
                Assert.DoesNotContain(graph.Nodes[1].Delivered, one => one.Item.Id == item.Id);
                graph.Judge(1, item.Key, verdict);
            }

            graph.Settle();
            Assert.Equal(accepted, graph.Nodes[1].Delivered.Any(one => one.Item.Id == item.Id));
            Assert.Equal(accepted, graph.Nodes[2].Asked.Any(one => one.Id == item.Id));
        }

        Assert.Equal((2, 1, 0), (graph.Nodes[1].Core.Counters.Accepted, graph.Nodes[1].Core.Counters.Ignored, graph.Nodes[1].Core.Pending));
    }

    [Fact]
    public void One_validator_that_rejects_decides_at_once_and_for_good()
    {
        var graph = Line(3, rules: Gated);
        var item = graph.Publish(0);
        graph.Settle();
        graph.Nodes[1].Core.Expect(item.Key, 3);
        graph.Judge(1, item.Key, SpreadVerdict.Accept);
        graph.Judge(1, item.Key, SpreadVerdict.Reject);
        Assert.Equal(item.Id, graph.Nodes[1].Stopped.Single().Id);
        graph.Judge(1, item.Key, SpreadVerdict.Accept);
        graph.Now += TimeSpan.FromHours(20);
        graph.Inject(2, 1, frame => frame.Items.Add(item with { Ttl = 5 }));
        graph.Settle();
        Assert.Empty(graph.Nodes[1].Delivered);
        Assert.Empty(graph.Nodes[2].Asked);
        Assert.Contains((graph.Nodes[2].Id, SpreadRefusal.RejectedBefore), graph.Nodes[1].Refusals);
    }

    [Theory]
    [InlineData(SpreadUndecided.Ignore, SpreadVerdict.Accept, false)]
    [InlineData(SpreadUndecided.AcceptIfAny, SpreadVerdict.Accept, true)]
    [InlineData(SpreadUndecided.AcceptIfAny, SpreadVerdict.Ignore, false)]
    public void When_the_time_is_over_the_kind_says_whether_one_acceptance_is_enough(SpreadUndecided undecided, SpreadVerdict first, bool goesOn)
    {
        var graph = Line(3, rules: Gated with { Undecided = undecided });
        var item = graph.Publish(0);
        graph.Settle();
        graph.Nodes[1].Core.Expect(item.Key, 2);
        graph.Judge(1, item.Key, first);
        graph.Now += graph.Options.ValidationTimeout;
        graph.Tick();
        graph.Settle();
        Assert.Equal(goesOn, graph.Nodes[1].Delivered.Count == 1);
        Assert.Equal(goesOn, graph.Nodes[2].Asked.Count == 1);
        var counters = graph.Nodes[1].Core.Counters;
        Assert.Equal(goesOn ? (1, 0) : (0, 1), (counters.Accepted, counters.TimedOut));
        Assert.Single(graph.Nodes[1].Stopped);
    }

    [Fact]
    public void A_rejection_holds_for_what_was_rejected_and_not_for_another_item_under_its_id()
    {
        var graph = Line(2, rules: Gated);
        var forged = Item(0, ttl: 5);
        graph.Inject(0, 1, frame => frame.Items.Add(forged));
        graph.Judge(1, forged.Key, SpreadVerdict.Reject);
        graph.Inject(0, 1, frame => frame.Items.Add(forged with { Payload = new byte[] { 9 } }));
        Assert.Equal(1, graph.Nodes[1].Core.Pending);
        graph.Judge(1, forged.Key, SpreadVerdict.Accept);
        Assert.Equal([9], graph.Nodes[1].Delivered.Single().Item.Payload.ToArray());
    }

    [Fact]
    public void A_kind_may_have_the_same_payload_refused_whatever_its_id_and_origin()
    {
        var graph = Line(3, rules: Gated with { RejectContent = true });
        var item = Item(0, ttl: 5);
        graph.Inject(0, 1, frame => frame.Items.Add(item));
        graph.Judge(1, item.Key, SpreadVerdict.Reject);
        var again = Item(2, ttl: 5);
        Assert.NotEqual(item.Id, again.Id);
        graph.Inject(2, 1, frame => frame.Items.Add(again));
        graph.Inject(2, 1, frame => frame.Items.Add(again with { Payload = new byte[] { 9 } }));
        Assert.Equal(1, graph.Nodes[1].Core.Pending);
        Assert.Equal(1, graph.Nodes[1].Core.Counters.Refused(SpreadRefusal.RejectedBefore));
        Assert.True(graph.Nodes[1].Core.IsRejected(again));
    }

    [Fact]
    public void What_is_rejected_after_it_was_sent_is_offered_no_more()
    {
        var graph = Line(3, rules: new SpreadRules(Deliver: true, Keep: true));
        var (own, other) = (graph.Publish(1), graph.Publish(0));
        graph.Settle();
        Assert.Equal(2, graph.Nodes[1].Core.Kept);
        Assert.True(graph.Reject(1, own.Key));
        Assert.True(graph.Reject(1, other.Key));
        Assert.False(graph.Reject(1, other.Key));
        Assert.Equal(0, graph.Nodes[1].Core.Kept);
        var copies = graph.Copies;
        graph.Unlink(1, 2);
        graph.Link(1, 2);
        graph.Settle();
        Assert.Equal(copies, graph.Copies);
    }

    /// <summary>Nodes that come and go hand kept items on to each other; without ages, such an item would live for ever and come again to those who forgot it.</summary>
    [Fact]
    public void Kept_items_die_everywhere_when_their_time_is_over_and_come_to_no_node_twice()
    {
        var reached = 0;
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var random = RandomSource.Seeded(seed);
            var graph = new SpreadGraph(8, seed, rules: new SpreadRules(Deliver: true, Keep: true, Lifetime: TimeSpan.FromMinutes(10)));
            graph.Link(0, 1);
            graph.Publish(0);
            graph.Settle();
            for (var minute = 0; minute < 40; minute++)
            {
                graph.Now += TimeSpan.FromMinutes(1);
                var (left, right) = (random.Next(8), random.Next(8));
                if (left == right) continue;
                graph.Unlink(left, right);
                graph.Link(left, right);
                graph.Settle();
            }

            Assert.All(graph.Nodes, node => Assert.True(node.Delivered.Count <= 1, $"seed {seed}: node {node.Number} got it {node.Delivered.Count} times"));
            reached += graph.Nodes.Count(node => node.Delivered.Count == 1);
        }

        Assert.InRange(reached, 60, 140);
    }

    [Fact]
    public void An_item_that_is_older_than_its_kind_allows_is_refused()
    {
        var graph = Line(2, rules: new SpreadRules(Deliver: true, Lifetime: TimeSpan.FromMinutes(1)));
        graph.Inject(0, 1, frame => frame.Items.Add(Item(0, ttl: 5) with { Age = TimeSpan.FromMinutes(1) }));
        graph.Inject(0, 1, frame => frame.Items.Add(Item(0, ttl: 5) with { Age = TimeSpan.FromSeconds(59) }));
        Assert.Single(graph.Nodes[1].Delivered);
        Assert.Equal(1, graph.Nodes[1].Core.Counters.Refused(SpreadRefusal.TooOld));
    }

    [Fact]
    public void A_kind_has_hops_of_its_own()
    {
        var graph = Line(4, rules: new SpreadRules(Deliver: true, MaxTtl: 2));
        graph.Publish(0);
        graph.Publish(0, ttl: 30);
        graph.Settle();
        Assert.Equal([0, 2, 2, 0], graph.Nodes.Select(node => node.Delivered.Count));
        graph.Inject(0, 1, frame => frame.Items.Add(Item(0, ttl: 9)));
        graph.Settle();
        Assert.Equal([0, 3, 3, 0], graph.Nodes.Select(node => node.Delivered.Count));
        Assert.Equal(1, graph.Nodes[1].Core.Counters.TtlClamped);
    }

    [Fact]
    public void Rejections_are_bounded_and_the_oldest_is_forgotten_first()
    {
        var graph = Line(2, new SpreadOptions { MaxRejected = 100, Burst = 100_000 }, Gated with { RejectContent = true });
        var items = Enumerable.Range(0, 1000).Select(i => Item(0, ttl: 5) with { Payload = BitConverter.GetBytes(i) }).ToList();
        foreach (var item in items)
        {
            graph.Inject(0, 1, frame => frame.Items.Add(item));
            graph.Judge(1, item.Key, SpreadVerdict.Reject);
        }

        Assert.Equal(100, graph.Nodes[1].Core.Remembered);
        Assert.Equal(Enumerable.Range(900, 100), Enumerable.Range(0, 1000).Where(i => graph.Nodes[1].Core.IsRejected(items[i])));
    }
}
