using Starling.Protocols.PubSub;
using Starling.Protocols.PubSub.Scoring;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>Who gets into a mesh and out of it (gossipsub 1.0 and 1.1), one router at a time.</summary>
public sealed class GraftTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Following_a_topic_grafts_as_many_followers_as_the_mesh_wants_and_tells_everybody()
    {
        var lone = new Lone().With(10).Follow();

        Assert.Equal(6, lone.Mesh().Length);
        Assert.Equal(lone.Mesh(), lone.To(PubSubEffectKind.Graft));
        Assert.Equal(lone.Mesh(), lone.To(PubSubEffectKind.MeshAdded));
        Assert.Equal(10, lone.To(PubSubEffectKind.AnnounceSubscribe).Length);
    }

    [Fact]
    public void Leaving_a_topic_prunes_the_mesh_with_the_short_backoff_and_does_not_graft_again_before_its_end()
    {
        var lone = new Lone().With(3).Follow();
        lone.Do(core => core.Unsubscribe(Lone.Topic, lone.Now, lone.Effects));

        Assert.Empty(lone.Mesh());
        Assert.Equal([0, 1, 2], lone.To(PubSubEffectKind.Prune));
        Assert.Equal([0, 1, 2], lone.To(PubSubEffectKind.MeshRemoved));
        Assert.Equal(TimeSpan.FromSeconds(10), lone.PruneTo(0).Backoff);

        lone.Follow();
        Assert.Empty(lone.Mesh());
        lone.Beat(11);
        Assert.Empty(lone.Mesh());
        lone.Beat();
        Assert.Equal([0, 1, 2], lone.Mesh());
    }

    [Fact]
    public void A_thin_mesh_takes_a_new_follower_at_once()
    {
        var lone = new Lone().Follow();
        lone.Link(1);
        lone.Says(1, Lone.Topic);

        Assert.Equal([1], lone.To(PubSubEffectKind.Graft));
        lone.Says(1, Lone.Topic, subscribe: false);
        Assert.Equal([1], lone.To(PubSubEffectKind.MeshRemoved));
    }

    [Fact]
    public void A_mesh_below_its_low_bound_is_filled_at_the_heartbeat()
    {
        var lone = new Lone().With(10).Follow();
        foreach (var peer in lone.Mesh().Take(3)) lone.Prunes(peer, Minute);
        Assert.Equal(3, lone.Mesh().Length);

        lone.Beat();
        Assert.Equal(6, lone.Mesh().Length);
        Assert.Equal(3, lone.To(PubSubEffectKind.Graft).Length);
    }

    [Fact]
    public void A_mesh_above_its_high_bound_is_cut_to_its_degree_and_keeps_outbound_neighbours()
    {
        var lone = new Lone().Follow().With(12);
        for (var i = 0; i < 12; i++) lone.Grafts(i);
        lone.With(2, isOutbound: true, from: 20);
        lone.Grafts(20);
        lone.Grafts(21);
        Assert.Equal(14, lone.Mesh().Length);

        lone.Beat();
        Assert.Equal(6, lone.Mesh().Length);
        Assert.Contains(20, lone.Mesh());
        Assert.Contains(21, lone.Mesh());
        Assert.Equal(8, lone.To(PubSubEffectKind.Prune).Length);
    }

    [Fact]
    public void A_full_mesh_refuses_who_dialled_in_and_takes_whom_this_node_dialled()
    {
        var lone = new Lone().Follow().With(13);
        for (var i = 0; i < 13; i++) lone.Grafts(i);

        Assert.Equal(12, lone.Mesh().Length);
        Assert.Equal([12], lone.To(PubSubEffectKind.Prune));
        Assert.Equal(Minute, lone.PruneTo(12).Backoff);
        Assert.Equal(1, lone.Refused(PubSubRefusal.MeshFull));

        lone.With(1, isOutbound: true, from: 20);
        lone.Grafts(20);
        Assert.Contains(20, lone.Mesh());
    }

    [Fact]
    public void A_mesh_without_neighbours_that_this_node_dialled_gets_some()
    {
        var lone = new Lone().Follow().With(6);
        for (var i = 0; i < 6; i++) lone.Grafts(i);
        lone.With(4, isOutbound: true, from: 20);

        lone.Beat();
        Assert.Equal(2, lone.Mesh().Count(peer => peer >= 20));
    }

    [Fact]
    public void A_pruned_neighbour_is_not_grafted_before_its_backoff_and_the_slack_have_passed()
    {
        var lone = new Lone().With(1).Follow();
        lone.Prunes(0, TimeSpan.FromSeconds(20));
        Assert.Empty(lone.Mesh());

        lone.Beat(21);
        Assert.Empty(lone.Mesh());
        lone.Beat();
        Assert.Equal([0], lone.Mesh());
    }

    [Fact]
    public void A_prune_without_a_backoff_means_a_minute()
    {
        var lone = new Lone().With(1, PubSubPeerKind.Mesh10).Follow();
        lone.Prunes(0);
        lone.Beat(61);
        Assert.Empty(lone.Mesh());
        lone.Beat();
        Assert.Equal([0], lone.Mesh());
    }

    [Fact]
    public void A_backoff_of_all_time_saturates_and_neither_overflows_nor_stays_for_ever()
    {
        var lone = new Lone().With(1).Follow();
        lone.Prunes(0, TimeSpan.MaxValue);
        lone.Beat(3600);
        Assert.Empty(lone.Mesh());
        lone.Beat(3);
        Assert.Equal([0], lone.Mesh());
    }

    [Fact]
    public void A_graft_during_the_backoff_is_pruned_penalised_and_makes_it_longer()
    {
        var lone = new Lone(score: Scored()).With(1).Follow();
        lone.Prunes(0, TimeSpan.FromSeconds(30));
        lone.Beat(29);
        lone.Grafts(0);

        Assert.Empty(lone.Mesh());
        Assert.Equal(Minute, lone.PruneTo(0).Backoff);
        Assert.Equal(1, lone.Refused(PubSubRefusal.EarlyGraft));
        Assert.Equal(-1, lone.Core.Score!.Score(Lone.Peer(0)), 3);

        lone.Beat(59);
        lone.Grafts(0);
        Assert.Equal(2, lone.Refused(PubSubRefusal.EarlyGraft));
    }

    [Fact]
    public void The_answers_to_a_graft_flood_are_bounded()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxRefusedGrafts = 10 } }).With(1).Follow();
        lone.Prunes(0, Minute);
        var answers = 0;
        for (var i = 0; i < 100; i++)
        {
            lone.Grafts(0);
            answers += lone.To(PubSubEffectKind.Prune).Length;
        }

        Assert.Equal(10, answers);
        Assert.Equal(90, lone.Refused(PubSubRefusal.GraftFlood));
        Assert.Empty(lone.Mesh());
        lone.Beat();
        lone.Grafts(0);
        Assert.Equal([0], lone.To(PubSubEffectKind.Prune));
    }

    [Fact]
    public void A_graft_flood_costs_two_penalties_each_until_nothing_of_the_neighbour_is_heard()
    {
        var lone = new Lone(score: Scored()).With(1).Follow();
        lone.Prunes(0, Minute);
        lone.Grafts(0);
        Assert.Equal(-4, lone.Core.Score!.Score(Lone.Peer(0)), 3);
        for (var i = 0; i < 99; i++) lone.Grafts(0);

        Assert.Equal(-100, lone.Core.Score!.Score(Lone.Peer(0)), 3);
        Assert.Equal(95, lone.Refused(PubSubRefusal.Graylisted));
        lone.Brings(0);
        Assert.Empty(lone.Effects);
    }

    [Fact]
    public void A_graft_of_a_topic_that_is_not_followed_is_not_answered()
    {
        var lone = new Lone().With(1);
        lone.Grafts(0);
        lone.Grafts(0, "unheard of");

        Assert.Empty(lone.Effects);
        Assert.Equal(2, lone.Refused(PubSubRefusal.UnknownGraft));
    }

    [Fact]
    public void A_graft_tells_that_its_sender_follows_the_topic()
    {
        var lone = new Lone(new PubSubOptions { MaxTopicsPerPeer = 1 }).Follow();
        lone.Link(0);
        lone.Grafts(0);
        Assert.Equal([0], lone.Mesh());
        Assert.Equal([Lone.Peer(0)], lone.Core.Followers(Lone.Topic));

        lone.Link(1);
        lone.Says(1, "another");
        lone.Grafts(1);
        Assert.Equal([1], lone.To(PubSubEffectKind.Prune));
        Assert.Equal([0], lone.Mesh());
    }

    [Fact]
    public void Explicit_peers_stay_outside_the_mesh_and_get_everything()
    {
        var lone = new Lone();
        lone.Do(core => core.AddExplicitPeer(Lone.Peer(0), lone.Now, lone.Effects));
        Assert.Equal([0], lone.To(PubSubEffectKind.Connect));
        Assert.Null(lone.Of(PubSubEffectKind.Connect).Single().Detail);

        lone.With(2).Follow();
        Assert.Equal([1], lone.Mesh());
        lone.Grafts(0);
        Assert.Equal([0], lone.To(PubSubEffectKind.Prune));
        lone.Brings(1);
        Assert.Equal([0], lone.To(PubSubEffectKind.Send));

        lone.Core.RemoveExplicitPeer(Lone.Peer(0));
        lone.Beat(70);
        Assert.Equal([0, 1], lone.Mesh());
    }

    [Fact]
    public void A_mesh_neighbour_that_is_made_explicit_leaves_the_mesh()
    {
        var lone = new Lone().With(2).Follow();
        lone.Do(core => core.AddExplicitPeer(Lone.Peer(0), lone.Now, lone.Effects));
        Assert.Equal([1], lone.Mesh());
        Assert.Equal([0], lone.To(PubSubEffectKind.Prune));
    }

    [Fact]
    public void An_explicit_peer_that_is_not_there_is_asked_for_again_every_five_minutes()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { ExplicitConnectTicks = 10 } });
        lone.Do(core => core.AddExplicitPeer(Lone.Peer(0), lone.Now, lone.Effects));
        lone.Beat(20);
        Assert.Equal([0, 0], lone.To(PubSubEffectKind.Connect));
        lone.Link(0);
        lone.Beat(20);
        Assert.Empty(lone.To(PubSubEffectKind.Connect));
    }

    [Fact]
    public void Floodsub_neighbours_get_everything_and_no_control_messages()
    {
        var lone = new Lone().With(3, PubSubPeerKind.FloodSub).With(1, from: 10).Follow();
        Assert.Equal([10], lone.Mesh());
        lone.Brings(10);
        Assert.Equal([0, 1, 2], lone.To(PubSubEffectKind.Send));
        lone.Beat(3);
        Assert.DoesNotContain(lone.Effects, effect => GossipControl.From(effect) is not null);
    }

    [Fact]
    public void A_neighbour_of_a_negative_score_is_pruned_and_neither_grafted_nor_taken()
    {
        var scores = new Dictionary<PeerId, double>();
        var lone = new Lone(score: Scored(peer => scores.GetValueOrDefault(peer))).With(3).Follow();
        scores[Lone.Peer(1)] = -1;

        lone.Beat();
        Assert.Equal([0, 2], lone.Mesh());
        Assert.Equal([1], lone.To(PubSubEffectKind.Prune));
        lone.Beat(62);
        lone.Grafts(1);
        Assert.Equal(1, lone.Refused(PubSubRefusal.ScoreTooLow));
        Assert.Equal([0, 2], lone.Mesh());
    }

    [Fact]
    public void A_cut_mesh_keeps_its_best_scored_neighbours()
    {
        var scores = new Dictionary<PeerId, double> { [Lone.Peer(3)] = 5, [Lone.Peer(5)] = 6, [Lone.Peer(7)] = 7, [Lone.Peer(9)] = 8 };
        var lone = new Lone(new PubSubOptions { Gossip = { MeshHigh = 8 } }, Scored(peer => scores.GetValueOrDefault(peer))).Follow().With(12, isOutbound: true);
        for (var i = 0; i < 12; i++) lone.Grafts(i);
        Assert.Equal(12, lone.Mesh().Length);

        lone.Beat();
        Assert.Equal(6, lone.Mesh().Length);
        Assert.Subset(lone.Mesh().ToHashSet(), new HashSet<int> { 3, 5, 7, 9 });
    }

    [Fact]
    public void A_mesh_whose_median_score_is_low_is_bettered_now_and_then()
    {
        var scores = new Dictionary<PeerId, double>();
        var lone = new Lone(new PubSubOptions { Gossip = { OpportunisticGraftTicks = 10 } }, Scored(peer => scores.GetValueOrDefault(peer))).With(6).Follow();
        Assert.Equal(6, lone.Mesh().Length);
        lone.With(4, from: 20);
        for (var i = 20; i < 24; i++) scores[Lone.Peer(i)] = 3;

        lone.Beat(9);
        Assert.DoesNotContain(lone.Mesh(), peer => peer >= 20);
        lone.Beat();
        Assert.Equal(2, lone.Mesh().Count(peer => peer >= 20));
    }

    [Fact]
    public void A_prune_names_other_followers_with_their_records_only_where_that_is_wanted_and_understood()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { PeerExchange = true, MaxExchangedPeers = 3 } }).Follow().With(12);
        lone.Core.RecordOf = peer => peer.Bytes[^1..].ToArray();
        for (var i = 0; i < 12; i++) lone.Grafts(i);
        lone.With(1, from: 20);
        lone.Grafts(20);

        var detail = lone.PruneTo(20);
        Assert.Equal(3, detail.Peers.Count);
        Assert.All(detail.Peers, peer => Assert.Equal(peer.Peer.Bytes[^1], peer.SignedRecord.Span[0]));

        lone.With(1, PubSubPeerKind.Mesh10, from: 21);
        lone.Grafts(21);
        Assert.Equal((null, 0), (lone.PruneTo(21).Backoff, lone.PruneTo(21).Peers.Count));

        var silent = new Lone().Follow().With(13);
        for (var i = 0; i < 13; i++) silent.Grafts(i);
        Assert.Empty(silent.PruneTo(12).Peers);
    }

    [Fact]
    public void Peers_named_in_a_prune_are_linked_to_within_bounds_and_only_on_a_good_neighbours_word()
    {
        var scores = new Dictionary<PeerId, double>();
        var lone = new Lone(new PubSubOptions { Gossip = { MaxConnects = 4, MaxExchangedPeers = 3 } }, Scored(peer => scores.GetValueOrDefault(peer))).With(4).Follow();
        ExchangedPeer[] named = [.. Enumerable.Range(100, 5).Select(i => new ExchangedPeer(Lone.Peer(i), new byte[] { (byte)i }))];

        lone.Prunes(0, Minute, [new(Lone.Peer(1), default), new(Lone.Peer(250), default), .. named]);
        Assert.Equal([100], lone.To(PubSubEffectKind.Connect));
        Assert.Equal(100, ((ReadOnlyMemory<byte>)lone.Of(PubSubEffectKind.Connect).Single().Detail!).Span[0]);
        lone.Prunes(1, Minute, named);
        Assert.Equal([100, 101, 102], lone.To(PubSubEffectKind.Connect));
        lone.Prunes(2, Minute, named);
        Assert.Empty(lone.To(PubSubEffectKind.Connect));
        Assert.Equal(1, lone.Refused(PubSubRefusal.TooManyExchanged));

        lone.Beat();
        scores[Lone.Peer(3)] = -1;
        lone.Prunes(3, Minute, named);
        Assert.Empty(lone.To(PubSubEffectKind.Connect));
        Assert.Equal(1, lone.Refused(PubSubRefusal.UntrustedExchange));
    }

    [Fact]
    public void Backoffs_are_bounded_and_the_first_to_end_make_room()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxBackoffs = 5 } }).With(10).Follow();
        for (var i = 0; i < 10; i++) lone.Prunes(i, TimeSpan.FromSeconds(100 - i));
        Assert.Equal(5, lone.Core.Counters.BackoffEvicted);
    }

    [Fact]
    public void A_new_stream_says_grafts_again()
    {
        var lone = new Lone().With(2).Follow();
        lone.Do(core => core.Announce(Lone.Peer(1), lone.Now, lone.Effects));
        Assert.Equal([PubSubEffectKind.AnnounceSubscribe, PubSubEffectKind.Graft], lone.Effects.Select(effect => effect.Kind));
    }

    [Fact]
    public void The_heartbeat_begins_with_the_first_neighbour_or_topic_and_goes_on_in_its_interval()
    {
        var lone = new Lone();
        Assert.Equal(Instant.Never, lone.Core.NextTick);
        lone.Follow();
        Assert.InRange(lone.Core.NextTick - lone.Now, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        lone.Beat();
        Assert.Equal(lone.Now + TimeSpan.FromSeconds(1), lone.Core.NextTick);
    }

    internal static PeerScoreOptions Scored(Func<PeerId, double>? application = null) => new()
    {
        ApplicationScore = application,
        ApplicationScoreWeight = 1,
        BehaviourPenaltyWeight = -1,
        BehaviourPenaltyDecay = 0.99999,
        BehaviourPenaltyThreshold = 0,
    };
}
