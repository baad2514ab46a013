using Starling.Protocols.Spread;
using static Starling.Protocols.Tests.Spread.SpreadCoreTests;

namespace Starling.Protocols.Tests.Spread;

/// <summary>The gate in front of delivery, replies, and what is kept for neighbours to come.</summary>
public sealed class SpreadValidationTests
{
    private static readonly SpreadRules Gated = new(Deliver: true, Validate: true);

    [Fact]
    public void An_item_is_delivered_and_goes_on_once_it_is_accepted()
    {
        var graph = Line(3, rules: Gated);
        var item = graph.Publish(0);
        graph.Settle();
        Assert.Empty(graph.Nodes[1].Delivered);
        Assert.Equal(1, graph.Nodes[1].Core.Pending);
        graph.Judge(1, item.Key, SpreadVerdict.Accept);
        graph.Settle();
        Assert.Single(graph.Nodes[1].Delivered);
        graph.Judge(2, item.Key, SpreadVerdict.Accept);
        Assert.Single(graph.Nodes[2].Delivered);
    }

    [Fact]
    public void A_rejected_item_never_spreads_and_is_remembered_for_it()
    {
        var graph = Line(3, new SpreadOptions { SeenTime = TimeSpan.FromMinutes(1), RejectedTime = TimeSpan.FromHours(1), MaxSeen = 16 }, Gated);
        var item = Item(0, ttl: 5);
        graph.Inject(0, 1, frame => frame.Items.Add(item));
        graph.Judge(1, item.Key, SpreadVerdict.Reject);
        for (var i = 0; i < 100; i++)
        {
            graph.Inject(0, 1, frame => frame.Items.Add(Item(0, ttl: 1)));
            graph.Now += TimeSpan.FromSeconds(30);
        }

        graph.Inject(0, 1, frame => frame.Items.Add(item));
        graph.Settle();
        Assert.Empty(graph.Nodes[1].Delivered);
        Assert.Empty(graph.Nodes[2].Asked);
        Assert.Equal(1, graph.Nodes[1].Core.Counters.Refused(SpreadRefusal.RejectedBefore));
        graph.Now += TimeSpan.FromHours(1);
        graph.Inject(0, 1, frame => frame.Items.Add(item));
        Assert.Equal(2, graph.Nodes[1].Asked.Count(asked => asked.Id == item.Id));
    }

    [Fact]
    public void A_wait_for_a_verdict_ends_in_time_and_a_late_verdict_changes_nothing()
    {
        var graph = Line(3, new SpreadOptions { ValidationTimeout = TimeSpan.FromSeconds(3) }, Gated);
        var item = graph.Publish(0);
        graph.Settle();
        Assert.Equal(graph.Now + TimeSpan.FromSeconds(3), graph.Nodes[1].Core.NextTick);
        graph.Now += TimeSpan.FromSeconds(3);
        graph.Tick();
        Assert.Equal(item.Id, graph.Nodes[1].Stopped.Single().Id);
        graph.Judge(1, item.Key, SpreadVerdict.Accept);
        graph.Settle();
        Assert.Empty(graph.Nodes[1].Delivered);
        Assert.Empty(graph.Nodes[2].Asked);
        Assert.Equal((1, 0, 0), (graph.Nodes[1].Core.Counters.TimedOut, graph.Nodes[1].Core.Counters.Accepted, graph.Nodes[1].Core.Pending));
        Assert.Equal(Instant.Never, graph.Nodes[1].Core.NextTick);
    }

    [Fact]
    public void Waits_are_bounded_and_an_item_that_found_no_room_may_come_again()
    {
        var graph = Line(2, new SpreadOptions { MaxPendingValidations = 3 }, Gated);
        var items = Enumerable.Range(0, 5).Select(_ => Item(0, ttl: 2)).ToList();
        foreach (var item in items) graph.Inject(0, 1, frame => frame.Items.Add(item));
        Assert.Equal(3, graph.Nodes[1].Core.Pending);
        Assert.Equal(2, graph.Nodes[1].Core.Counters.Refused(SpreadRefusal.ValidationBusy));
        graph.Judge(1, items[0].Key, SpreadVerdict.Accept);
        graph.Inject(0, 1, frame => frame.Items.Add(items[4]));
        Assert.Equal(3, graph.Nodes[1].Core.Pending);
        Assert.Contains(graph.Nodes[1].Asked, asked => asked.Id == items[4].Id);
    }

    [Fact]
    public void A_better_copy_that_comes_while_waiting_gives_the_item_its_hops()
    {
        var graph = Line(4, rules: Gated);
        var item = Item(0, ttl: 1);
        graph.Inject(0, 1, frame => frame.Items.Add(item));
        graph.Inject(0, 1, frame => frame.Items.Add(item with { Ttl = 9 }));
        Assert.Single(graph.Nodes[1].Asked);
        graph.Judge(1, item.Key, SpreadVerdict.Accept);
        graph.Settle();
        Assert.Equal(8, graph.Nodes[2].Asked.Single().Ttl);
    }

    [Fact]
    public void Replies_go_back_along_the_path_to_the_origin_alone()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var graph = SpreadGraph.Random(size: 30, degree: 4, seed);
            var item = graph.Publish(0);
            graph.Settle();
            var answering = graph.Nodes.Where(node => node.Delivered.Count > 0).ToList();
            foreach (var node in answering) Assert.True(graph.Reply(node.Number, item, [(byte)node.Number]), $"seed {seed}");
            graph.Settle();
            Assert.Equal(answering.Select(node => (byte)node.Number), graph.Nodes[0].Replies.Select(reply => reply[0]).Order());
            Assert.All(graph.Nodes.Skip(1), node => Assert.Empty(node.Replies));
        }
    }

    [Fact]
    public void Replies_that_nobody_asked_for_are_refused_and_the_others_are_bounded()
    {
        var graph = Line(3, new SpreadOptions { MaxRepliesPerItem = 3 });
        var item = graph.Publish(0);
        graph.Settle();
        for (var i = 0; i < 5; i++) graph.Inject(2, 1, frame => frame.Replies.Add(new SpreadReply(item.Key, item.Kind, new byte[] { 1 })));
        graph.Inject(2, 1, frame => frame.Replies.Add(new SpreadReply(item.Key, item.Kind + 1, new byte[] { 1 })));
        graph.Inject(2, 1, frame => frame.Replies.Add(new SpreadReply(Item(0, 1).Key, item.Kind, new byte[] { 1 })));
        graph.Settle();
        Assert.Equal(3, graph.Nodes[0].Replies.Count);
        var counters = graph.Nodes[1].Core.Counters;
        Assert.Equal((2, 2), (counters.Refused(SpreadRefusal.TooManyReplies), counters.Refused(SpreadRefusal.StrayReply)));
    }

    [Fact]
    public void A_reply_whose_way_back_is_gone_is_counted()
    {
        var graph = Line(3);
        var item = graph.Publish(0);
        graph.Settle();
        graph.Unlink(0, 1);
        Assert.True(graph.Reply(2, item, [1]));
        graph.Settle();
        Assert.Empty(graph.Nodes[0].Replies);
        Assert.Equal(1, graph.Nodes[1].Core.Counters.RepliesLost);
    }

    [Fact]
    public void A_new_neighbour_gets_what_was_accepted_and_kept_and_nothing_else()
    {
        var graph = new SpreadGraph(4, rules: Gated with { Keep = true });
        graph.Link(0, 1);
        var (good, bad, open) = (graph.Publish(0), graph.Publish(0), graph.Publish(0));
        graph.Settle();
        graph.Judge(1, good.Key, SpreadVerdict.Accept);
        graph.Judge(1, bad.Key, SpreadVerdict.Reject);
        graph.Link(1, 2);
        graph.Settle();
        Assert.Equal([good.Id], graph.Nodes[2].Asked.Select(item => item.Id));
        graph.Judge(2, good.Key, SpreadVerdict.Accept);
        graph.Settle();
        Assert.Equal(good.Payload.ToArray(), graph.Nodes[2].Delivered.Single().Item.Payload.ToArray());
        Assert.Equal(good.Ttl == 0 ? graph.Options.MaxTtl - 1 : 0, graph.Nodes[2].Delivered.Single().Item.Ttl);

        graph.Judge(1, open.Key, SpreadVerdict.Accept);
        graph.Settle();
        graph.Unlink(1, 2);
        graph.Link(1, 2);
        graph.Settle();
        Assert.Equal([good.Id, open.Id], graph.Nodes[2].Asked.Select(item => item.Id));
        graph.Now += graph.Options.SeenTime;
        graph.Link(1, 3);
        graph.Settle();
        Assert.Empty(graph.Nodes[3].Asked);
    }

    [Fact]
    public void What_is_kept_is_bounded_by_count_and_bytes()
    {
        var graph = new SpreadGraph(2, options: new SpreadOptions { MaxKept = 5, MaxKeptBytes = 100 }, rules: new SpreadRules(Deliver: true, Keep: true));
        graph.Link(0, 1);
        for (var i = 0; i < 20; i++) graph.Publish(0, payload: new byte[10]);
        graph.Settle();
        Assert.Equal((5, 15), (graph.Nodes[1].Core.Kept, graph.Nodes[1].Core.Counters.KeptEvicted));
        for (var i = 0; i < 3; i++) graph.Publish(0, payload: new byte[40]);
        graph.Settle();
        Assert.Equal(2, graph.Nodes[1].Core.Kept);
        graph.Publish(0, payload: new byte[101]);
        graph.Settle();
        Assert.Equal(2, graph.Nodes[1].Core.Kept);
    }

    [Fact]
    public void A_neighbour_gets_no_more_kept_items_than_it_was_offered()
    {
        var graph = new SpreadGraph(3, rules: new SpreadRules(Deliver: true, Keep: true));
        var item = graph.Publish(0);
        graph.Link(0, 1);
        graph.Settle();
        Assert.Single(graph.Nodes[1].Delivered);
        var copies = graph.Copies;
        for (var i = 0; i < 10; i++) graph.Inject(1, 0, frame => frame.Want.Add(item.Key));
        Assert.Equal(copies, graph.Copies);
        Assert.Equal(10, graph.Nodes[0].Core.Counters.Refused(SpreadRefusal.Flooded));
    }
}
