using Starling.Protocols.PubSub;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>IHAVE, IWANT and IDONTWANT, their limits and what it costs to pass them; fanout; the history of messages.</summary>
public sealed class GossipTests
{
    [Fact]
    public void Followers_outside_the_mesh_are_told_of_new_messages_for_three_heartbeats()
    {
        var lone = new Lone().With(12).Follow();
        var message = lone.Brings(lone.Mesh()[0]);

        for (var beat = 0; beat < 3; beat++)
        {
            lone.Beat();
            Assert.Equal(6, lone.To(PubSubEffectKind.IHave).Length);
            Assert.DoesNotContain(lone.To(PubSubEffectKind.IHave), lone.Mesh().Contains);
            Assert.All(lone.Of(PubSubEffectKind.IHave), effect => Assert.Equal([message.Id], (MessageId[])effect.Detail!));
        }

        lone.Beat();
        Assert.Empty(lone.To(PubSubEffectKind.IHave));
    }

    [Fact]
    public void A_quarter_of_many_followers_is_told()
    {
        var lone = new Lone().With(46).Follow();
        lone.Brings(0);
        lone.Beat();
        Assert.Equal(10, lone.To(PubSubEffectKind.IHave).Length);
    }

    [Fact]
    public void What_is_new_is_asked_for_and_what_is_known_is_not()
    {
        var lone = new Lone().With(2).Follow();
        var known = lone.Brings(0);
        var unknown = lone.Message();
        lone.Has(1, known.Id, unknown.Id, unknown.Id, lone.Own().Id);

        Assert.Equal([unknown.Id], (MessageId[])lone.Of(PubSubEffectKind.IWant).Single().Detail!);
        lone.Has(1, known.Id);
        Assert.Empty(lone.Effects);
    }

    [Fact]
    public void Gossip_of_topics_that_are_not_followed_is_ignored()
    {
        var lone = new Lone().With(1);
        lone.Has(0, lone.Message().Id);
        Assert.Empty(lone.Effects);
    }

    [Fact]
    public void A_message_is_sent_to_one_that_asks_three_times_and_no_more()
    {
        var lone = new Lone().With(2).Follow();
        var message = lone.Brings(0);
        for (var i = 0; i < 3; i++)
        {
            lone.Wants(1, message.Id);
            Assert.Same(message, lone.Of(PubSubEffectKind.Send).Single().Message);
        }

        lone.Wants(1, message.Id, message.Id);
        Assert.Empty(lone.Effects);
        Assert.Equal(2, lone.Refused(PubSubRefusal.RepeatedIWant));
        Assert.Equal(3, lone.Core.Counters.Served);
        lone.Wants(0, message.Id);
        Assert.Single(lone.Effects);
    }

    [Fact]
    public void A_message_can_be_asked_for_during_five_heartbeats()
    {
        var lone = new Lone().With(2).Follow();
        var message = lone.Brings(0);
        lone.Beat(4);
        lone.Wants(1, message.Id);
        Assert.Single(lone.Effects);
        lone.Beat();
        lone.Wants(1, message.Id);
        Assert.Empty(lone.Effects);
        Assert.Equal((0, 0L), (lone.Core.HistoryCount, lone.Core.HistoryBytes));
    }

    [Fact]
    public void A_flood_of_IHAVE_is_cut_in_number_and_in_ids_until_the_next_heartbeat()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxIHaves = 5, MaxGossipIds = 20 } }).With(2).Follow();
        var asked = 0;
        for (var i = 0; i < 10; i++)
        {
            lone.Has(0, Ids(lone, 3));
            asked += lone.Of(PubSubEffectKind.IWant).Sum(effect => ((MessageId[])effect.Detail!).Length);
        }

        Assert.Equal(15, asked);
        Assert.Equal(5, lone.Refused(PubSubRefusal.TooMuchGossip));
        lone.Has(1, Ids(lone, 100));
        Assert.Equal(20, ((MessageId[])lone.Of(PubSubEffectKind.IWant).Single().Detail!).Length);
        lone.Has(1, Ids(lone, 1));
        Assert.Empty(lone.Effects);
        lone.Beat();
        lone.Has(1, Ids(lone, 1));
        Assert.Single(lone.Effects);
    }

    [Fact]
    public void What_one_neighbour_asks_for_between_two_heartbeats_is_bounded()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxGossipIds = 10 } }).With(2).Follow();
        var messages = Enumerable.Range(0, 20).Select(_ => lone.Brings(0)).ToList();
        lone.Wants(1, [.. messages.Select(message => message.Id)]);
        Assert.Equal(10, lone.Effects.Count);
        lone.Wants(1, messages[^1].Id);
        Assert.Empty(lone.Effects);
        Assert.Equal(2, lone.Refused(PubSubRefusal.TooManyIWants));
        lone.Beat();
        lone.Wants(1, messages[^1].Id);
        Assert.Single(lone.Effects);
    }

    [Fact]
    public void A_promise_that_is_not_kept_in_time_costs_a_penalty_and_one_that_anybody_keeps_does_not()
    {
        var lone = new Lone(score: GraftTests.Scored()).With(2).Follow();
        var (kept, broken) = (lone.Message(), lone.Message());
        lone.Has(0, kept.Id);
        lone.Has(1, broken.Id);
        lone.Brings(1, kept);

        lone.Beat(2);
        Assert.Equal(0, lone.Core.Score!.Score(Lone.Peer(1)));
        lone.Beat();
        Assert.Equal(1, lone.Refused(PubSubRefusal.BrokenPromise));
        Assert.Equal(-1, lone.Core.Score!.Score(Lone.Peer(1)), 3);
        Assert.Equal(0, lone.Core.Score!.Score(Lone.Peer(0)));
    }

    [Fact]
    public void A_large_message_is_followed_at_once_by_IDONTWANT_to_the_mesh_and_a_small_one_is_not()
    {
        var lone = new Lone().With(3).With(1, PubSubPeerKind.Mesh11, from: 10).Follow();
        var message = lone.Brings(0, lone.Message(origin: 1, size: 2000));

        Assert.Equal([2], lone.To(PubSubEffectKind.IDontWant));
        Assert.Equal([message.Id], (MessageId[])lone.Of(PubSubEffectKind.IDontWant).Single().Detail!);
        Assert.True(lone.Effects.FindIndex(effect => effect.Kind == PubSubEffectKind.IDontWant) < lone.Effects.FindIndex(effect => effect.Kind == PubSubEffectKind.Send));
        lone.Brings(0);
        Assert.Empty(lone.To(PubSubEffectKind.IDontWant));
    }

    [Fact]
    public void A_neighbour_that_has_a_message_already_is_spared_its_copy()
    {
        var lone = new Lone().With(3).Follow();
        var message = lone.Message();
        lone.DoesNotWant(1, message.Id);
        lone.Brings(0, message);
        Assert.Equal([2], lone.To(PubSubEffectKind.Send));
        Assert.Equal(1, lone.Core.Counters.Spared);

        lone.Wants(1, message.Id);
        Assert.Empty(lone.Effects);
        lone.Beat(4);
        lone.Wants(1, message.Id);
        Assert.Single(lone.Effects);
    }

    [Fact]
    public void A_flood_of_IDONTWANT_is_heeded_only_so_far()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxIDontWants = 10 } }).With(3).Follow();
        var ids = Ids(lone, 10);
        lone.DoesNotWant(1, ids);
        var message = lone.Message();
        lone.DoesNotWant(1, message.Id);
        lone.Brings(0, message);
        Assert.Equal([1, 2], lone.To(PubSubEffectKind.Send));
        Assert.Equal(1, lone.Refused(PubSubRefusal.TooManyIDontWants));
    }

    [Fact]
    public void Scores_decide_who_is_gossiped_with_published_to_and_heard_at_all()
    {
        var scores = new Dictionary<PeerId, double>();
        var lone = new Lone(score: GraftTests.Scored(peer => scores.GetValueOrDefault(peer))).With(4).Follow();
        var message = lone.Brings(0);
        for (var i = 1; i < 4; i++) scores[Lone.Peer(i)] = -9 - (i * 25);

        lone.Has(1, lone.Message().Id);
        lone.Wants(1, message.Id);
        Assert.Empty(lone.Effects);
        Assert.Equal(2, lone.Refused(PubSubRefusal.ScoreTooLow));
        lone.Beat();
        Assert.Empty(lone.To(PubSubEffectKind.IHave));

        Assert.Equal(2, lone.Publish());
        Assert.Equal([0, 1], lone.To(PubSubEffectKind.Send));
        Assert.Equal(2, lone.Core.Counters.Withheld);

        lone.Brings(3);
        Assert.Empty(lone.Effects);
        Assert.Equal(1, lone.Refused(PubSubRefusal.Graylisted));
        lone.Brings(2);
        Assert.Contains(lone.Effects, effect => effect.Kind == PubSubEffectKind.Deliver);
    }

    [Fact]
    public void An_own_message_goes_to_every_follower_or_to_the_mesh_only_as_the_options_say()
    {
        var flooding = new Lone().With(10).Follow();
        Assert.Equal(10, flooding.Publish());
        var meshing = new Lone(new PubSubOptions { Gossip = { FloodPublish = false } }).With(10).With(1, PubSubPeerKind.FloodSub, from: 20).Follow();
        Assert.Equal(7, meshing.Publish());
        Assert.Equal([.. meshing.Mesh(), 20], meshing.To(PubSubEffectKind.Send));
    }

    [Fact]
    public void Without_following_a_topic_a_node_publishes_to_the_same_neighbours_for_a_minute_and_grafts_them_when_it_follows()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { FloodPublish = false } }).With(20);
        Assert.Equal(6, lone.Publish());
        var fanout = lone.To(PubSubEffectKind.Send);
        lone.Beat();
        Assert.Equal(6, lone.To(PubSubEffectKind.IHave).Length);
        Assert.DoesNotContain(lone.To(PubSubEffectKind.IHave), fanout.Contains);
        lone.Beat(50);
        lone.Publish();
        Assert.Equal(fanout, lone.To(PubSubEffectKind.Send));

        lone.Follow();
        Assert.Equal(fanout, lone.Mesh());

        var later = new Lone(new PubSubOptions { Gossip = { FloodPublish = false } }).With(20);
        later.Publish();
        fanout = later.To(PubSubEffectKind.Send);
        later.Says(fanout[0], Lone.Topic, subscribe: false);
        later.Beat();
        later.Publish();
        Assert.Equal(6, later.To(PubSubEffectKind.Send).Length);
        Assert.Equal(fanout.Skip(1), later.To(PubSubEffectKind.Send).Intersect(fanout));
        later.Beat(61);
        later.Publish();
        Assert.NotEqual(fanout, later.To(PubSubEffectKind.Send));
    }

    [Fact]
    public void A_topic_that_is_published_to_again_after_its_followers_had_gone_is_not_forgotten_with_its_old_fanout()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { FloodPublish = false, FanoutTime = TimeSpan.FromSeconds(3) } }).With(1);
        lone.Publish();
        lone.Do(core => core.RemovePeer(Lone.Peer(0), lone.Now, lone.Effects));
        lone.With(1, from: 1).Follow();
        lone.Beat(5);
        Assert.Equal([1], lone.Mesh());
    }

    [Fact]
    public void The_history_is_bounded_in_bytes_and_in_number_and_forgets_the_oldest_first()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxHistoryBytes = 1000, MaxHistoryMessages = 8 } }).With(2).Follow();
        var messages = Enumerable.Range(0, 7).Select(_ => lone.Brings(0, lone.Message(size: 200))).ToList();
        Assert.Equal((5, 1000L), (lone.Core.HistoryCount, lone.Core.HistoryBytes));
        Assert.Equal(2, lone.Core.Counters.HistoryEvicted);
        lone.Wants(1, [.. messages.Select(message => message.Id)]);
        Assert.Equal(messages.Skip(2), lone.Effects.Select(effect => effect.Message));

        for (var i = 0; i < 20; i++) lone.Brings(0, lone.Message(size: 1));
        Assert.Equal(8, lone.Core.HistoryCount);
        var giant = lone.Brings(0, lone.Message(size: 5000));
        Assert.Equal(1, lone.Core.HistoryCount);
        lone.Wants(1, giant.Id);
        Assert.Single(lone.Effects);
    }

    private static MessageId[] Ids(Lone lone, int count) => [.. Enumerable.Range(0, count).Select(_ => lone.Message().Id)];
}
