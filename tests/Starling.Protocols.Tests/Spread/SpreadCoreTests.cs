using Starling.Protocols.Spread;

namespace Starling.Protocols.Tests.Spread;

public sealed class SpreadCoreTests
{
    [Fact]
    public void Every_node_within_the_hops_gets_an_item_once_and_no_other_does_whatever_the_order()
    {
        for (ulong seed = 1; seed <= 60; seed++)
        {
            var graph = SpreadGraph.Random(size: 40, degree: 3, seed);
            var ttl = 1 + (int)(seed % 7);
            graph.Publish(0, ttl);
            graph.Settle();
            var distances = graph.Distances(0);
            foreach (var node in graph.Nodes)
            {
                var reached = distances.TryGetValue(node.Number, out var hops) && hops > 0 && hops <= ttl;
                Assert.True(node.Delivered.Count == (reached ? 1 : 0), $"seed {seed}: node {node.Number}, {hops} hops away with ttl {ttl}, got it {node.Delivered.Count} times");
                Assert.Equal(0, node.Core.Counters.Refused(SpreadRefusal.OwnOrigin));
            }
        }
    }

    [Fact]
    public void The_hops_are_counted_down_and_the_last_one_still_delivers()
    {
        var graph = Line(6);
        graph.Publish(0, ttl: 3);
        graph.Settle();
        Assert.Equal([0, 3, 2, 1, 0, 0], graph.Nodes.Select(node => node.Delivered.Select(one => one.Item.Ttl).SingleOrDefault()));
    }

    [Fact]
    public void No_limit_of_its_own_means_the_most_that_is_allowed()
    {
        foreach (var asked in new[] { 0, 4, 255 })
        {
            var graph = Line(8, new SpreadOptions { Degree = 0, MaxTtl = 4 });
            graph.Publish(0, asked);
            graph.Settle();
            Assert.Equal([0, 1, 1, 1, 1, 0, 0, 0], graph.Nodes.Select(node => node.Delivered.Count));
        }
    }

    [Fact]
    public void More_hops_than_allowed_are_cut_and_counted()
    {
        var graph = Line(8, new SpreadOptions { Degree = 0, MaxTtl = 3 });
        graph.Inject(0, 1, frame => frame.Items.Add(Item(0, ttl: 255)));
        graph.Settle();
        Assert.Equal([0, 1, 1, 1, 0, 0, 0, 0], graph.Nodes.Select(node => node.Delivered.Count));
        Assert.Equal(1, graph.Nodes[1].Core.Counters.TtlClamped);
    }

    [Fact]
    public void Neither_the_one_that_brought_an_item_nor_its_origin_gets_it_back()
    {
        var graph = new SpreadGraph(3);
        graph.Link(0, 1);
        graph.Link(1, 2);
        graph.Link(2, 0);
        graph.Publish(0);
        graph.Settle();
        Assert.Equal(0, graph.Nodes[0].Core.Counters.Duplicates);
        Assert.All([1, 2], number => Assert.Single(graph.Nodes[number].Delivered));
        Assert.Equal(4, graph.Copies);
    }

    [Fact]
    public void An_item_goes_to_so_many_random_neighbours_and_to_all_when_there_are_fewer()
    {
        var chosen = new HashSet<PeerId>();
        for (ulong seed = 1; seed <= 50; seed++)
        {
            var graph = Star(12, new SpreadOptions { Degree = 4 }, seed);
            graph.Publish(0);
            graph.Settle();
            var reached = graph.Nodes.Where(node => node.Delivered.Count > 0).ToList();
            Assert.Equal(4, reached.Count);
            chosen.UnionWith(reached.Select(node => node.Id));
        }

        Assert.Equal(11, chosen.Count);
        var all = Star(4, new SpreadOptions { Degree = 100 });
        all.Publish(0);
        all.Settle();
        Assert.Equal(3, all.Nodes.Count(node => node.Delivered.Count == 1));
    }

    [Fact]
    public void Six_random_neighbours_of_eight_reach_nearly_all()
    {
        for (ulong seed = 1; seed <= 3; seed++)
        {
            var graph = SpreadGraph.Random(size: 300, degree: 8, seed, new SpreadOptions());
            graph.Publish(0);
            graph.Settle();
            var reachable = graph.Distances(0).Count - 1;
            var reached = graph.Nodes.Sum(node => node.Delivered.Count);
            Assert.True(reached >= reachable * 0.99, $"seed {seed}: {reached} of {reachable}");
        }
    }

    [Fact]
    public void Transient_neighbours_get_nothing_unless_the_sender_has_no_others()
    {
        var graph = new SpreadGraph(4);
        graph.Link(0, 1);
        graph.Link(1, 2, direct: false);
        graph.Publish(0);
        graph.Settle();
        Assert.Equal([0, 1, 0, 0], graph.Nodes.Select(node => node.Delivered.Count));

        graph.Publish(2);
        graph.Settle();
        Assert.Equal([1, 2, 0, 0], graph.Nodes.Select(node => node.Delivered.Count));
    }

    [Fact]
    public void A_node_that_does_not_relay_still_receives_and_sends_its_own()
    {
        var graph = Line(3);
        graph.Nodes[1].Core.Relay = false;
        graph.Publish(0);
        graph.Publish(1);
        graph.Settle();
        Assert.Equal([1, 1, 1], graph.Nodes.Select(node => node.Delivered.Count));
        Assert.Equal(1, graph.Nodes[1].Core.Counters.NotRelayed);

        graph.Nodes[1].Core.Relay = true;
        graph.Publish(0);
        graph.Settle();
        Assert.Equal(2, graph.Nodes[2].Delivered.Count);
    }

    [Fact]
    public void A_kind_is_relayed_by_choice_and_an_unknown_one_only_where_that_is_allowed()
    {
        var graph = Line(3);
        graph.Nodes[1].Core.SetKind(SpreadGraph.News, new SpreadRules(Relay: false, Deliver: true));
        graph.Publish(0);
        graph.Settle();
        Assert.Equal([0, 1, 0], graph.Nodes.Select(node => node.Delivered.Count));

        graph.Nodes[1].Core.SetKind(SpreadGraph.News, null);
        graph.Publish(0);
        graph.Settle();
        Assert.Equal([0, 1, 0], graph.Nodes.Select(node => node.Delivered.Count));
        Assert.Equal(1, graph.Nodes[1].Core.Counters.Refused(SpreadRefusal.UnknownKind));

        var open = Line(3, new SpreadOptions { RelayUnknownKinds = true });
        open.Nodes[1].Core.SetKind(SpreadGraph.News, null);
        open.Publish(0);
        open.Settle();
        Assert.Equal([0, 0, 1], open.Nodes.Select(node => node.Delivered.Count));
        Assert.Equal(1, open.Nodes[1].Core.Counters.Refused(SpreadRefusal.UnknownKind));
    }

    [Fact]
    public void A_replayed_item_is_known_until_its_time_is_over()
    {
        var graph = Line(3, new SpreadOptions { Degree = 0, SeenTime = TimeSpan.FromMinutes(1) });
        var item = Item(0, ttl: 5);
        for (var i = 0; i < 10; i++) graph.Inject(0, 1, frame => frame.Items.Add(item));
        graph.Now += TimeSpan.FromSeconds(59);
        graph.Inject(0, 1, frame => frame.Items.Add(item));
        graph.Settle();
        Assert.Single(graph.Nodes[1].Delivered);
        Assert.Equal(10, graph.Nodes[1].Core.Counters.Duplicates);
        graph.Now += TimeSpan.FromSeconds(2);
        graph.Inject(0, 1, frame => frame.Items.Add(item));
        Assert.Equal(2, graph.Nodes[1].Delivered.Count);
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_the_oldest_goes_first()
    {
        var graph = Line(2, new SpreadOptions { MaxSeen = 16, Burst = 1_000_000 });
        var first = Item(0, ttl: 1);
        graph.Inject(0, 1, frame => frame.Items.Add(first));
        for (var i = 0; i < 5000; i++) graph.Inject(0, 1, frame => frame.Items.Add(Item(0, ttl: 1)));
        Assert.Equal(16, graph.Nodes[1].Core.Remembered);
        Assert.Equal(4985, graph.Nodes[1].Core.Counters.SeenEvicted);
        graph.Inject(0, 1, frame => frame.Items.Add(first));
        Assert.Equal(5002, graph.Nodes[1].Delivered.Count);
    }

    [Fact]
    public void Another_item_by_the_same_id_and_origin_is_refused_and_by_another_origin_is_not()
    {
        var graph = Line(3);
        var item = Item(0, ttl: 5);
        graph.Inject(0, 1, frame => frame.Items.Add(item));
        graph.Inject(0, 1, frame => frame.Items.Add(item with { Payload = new byte[] { 9 }, Ttl = 9 }));
        graph.Inject(0, 1, frame => frame.Items.Add(item with { Origin = SpreadGraph.IdOf(77) }));
        graph.Settle();
        Assert.Equal(2, graph.Nodes[1].Delivered.Count);
        Assert.Equal(2, graph.Nodes[2].Delivered.Count);
        Assert.Equal(1, graph.Nodes[1].Core.Counters.Refused(SpreadRefusal.IdCollision));
    }

    [Fact]
    public void An_own_item_that_others_make_up_is_refused()
    {
        var graph = Line(2);
        graph.Inject(0, 1, frame => frame.Items.Add(Item(1, ttl: 5)));
        Assert.Empty(graph.Nodes[1].Delivered);
        Assert.Equal(1, graph.Nodes[1].Core.Counters.Refused(SpreadRefusal.OwnOrigin));
    }

    [Fact]
    public void A_neighbour_that_floods_is_cut_to_its_share_and_others_are_heard()
    {
        var graph = Star(3, new SpreadOptions { Burst = 100, BurstRecovery = TimeSpan.FromSeconds(10) });
        for (var i = 0; i < 1000; i++) graph.Inject(1, 0, frame => frame.Items.Add(Item(1, ttl: 1)));
        Assert.Equal(100, graph.Nodes[0].Delivered.Count);
        Assert.Equal(900, graph.Nodes[0].Core.Counters.Refused(SpreadRefusal.Flooded));
        graph.Inject(2, 0, frame => frame.Items.Add(Item(2, ttl: 1)));
        Assert.Equal(101, graph.Nodes[0].Delivered.Count);
        graph.Now += TimeSpan.FromSeconds(1);
        for (var i = 0; i < 1000; i++) graph.Inject(1, 0, frame => frame.Items.Add(Item(1, ttl: 1)));
        Assert.Equal(111, graph.Nodes[0].Delivered.Count);
    }

    [Fact]
    public void A_signed_kind_takes_only_what_its_origin_signed()
    {
        using var identity = NodeIdentity.Generate();
        var graph = new SpreadGraph(3, rules: new SpreadRules(Deliver: true, RequireSignature: true));
        graph.Link(0, 1);
        graph.Link(1, 2);
        var plain = Item(0, ttl: 5) with { Origin = identity.PeerId };
        var signed = SpreadSignature.Sign(plain, identity);
        graph.Inject(0, 1, frame => frame.Items.Add(plain));
        graph.Inject(0, 1, frame => frame.Items.Add(signed with { Payload = new byte[] { 6 } }));
        graph.Inject(0, 1, frame => frame.Items.Add(signed with { Kind = SpreadGraph.News + 1 }));
        graph.Inject(0, 1, frame => frame.Items.Add(signed with { Id = new SpreadId(7) }));
        graph.Inject(0, 1, frame => frame.Items.Add(signed with { Origin = SpreadGraph.IdOf(5) }));
        Assert.Empty(graph.Nodes[1].Delivered);
        graph.Inject(0, 1, frame => frame.Items.Add(signed));
        graph.Settle();
        Assert.Equal(signed.Id, graph.Nodes[1].Delivered.Single().Item.Id);
        Assert.Equal(signed.Id, graph.Nodes[2].Delivered.Single().Item.Id);
        var counters = graph.Nodes[1].Core.Counters;
        Assert.Equal((1, 2, 1, 1), (counters.Refused(SpreadRefusal.Unsigned), counters.Refused(SpreadRefusal.BadSignature), counters.Refused(SpreadRefusal.BadKey), counters.Refused(SpreadRefusal.UnknownKind)));
    }

    [Theory]
    [InlineData(KeyType.Ecdsa)]
    [InlineData(KeyType.Ed25519)]
    public void A_signature_of_any_kind_of_key_is_verified(KeyType type)
    {
        if (type == KeyType.Ed25519 && !NodeIdentity.SupportsEd25519) Assert.Skip("There is no libcrypto.");
        using var identity = NodeIdentity.Generate(type);
        var signed = SpreadSignature.Sign(Item(0, ttl: 5) with { Origin = identity.PeerId }, identity);
        Assert.Equal(SpreadRefusal.None, SpreadSignature.Verify(signed));
        Assert.Equal(SpreadRefusal.None, SpreadSignature.Verify(signed with { Ttl = 1 }));
        Assert.Equal(SpreadRefusal.BadSignature, SpreadSignature.Verify(signed with { Kind = 1 }));
        Assert.Equal(SpreadRefusal.Unsigned, SpreadSignature.Verify(signed with { Signature = default }));
    }

    internal static SpreadGraph Line(int size, SpreadOptions? options = null, SpreadRules? rules = null)
    {
        var graph = new SpreadGraph(size, options: options, rules: rules);
        for (var i = 1; i < size; i++) graph.Link(i - 1, i);
        return graph;
    }

    internal static SpreadItem Item(int origin, int ttl) => new(SpreadId.New(RandomSource.System), SpreadGraph.IdOf(origin), SpreadGraph.News, ttl, new byte[] { 1, 2 });

    private static SpreadGraph Star(int size, SpreadOptions options, ulong seed = 1)
    {
        var graph = new SpreadGraph(size, seed, options);
        for (var i = 1; i < size; i++) graph.Link(0, i);
        return graph;
    }
}
