using Starling.Protocols.PubSub.Scoring;
using static Starling.Protocols.Tests.PubSub.Scoring.Judge;

namespace Starling.Protocols.Tests.PubSub.Scoring;

/// <summary>What is kept of neighbours that are gone, and the bounds of everything that is kept.</summary>
public sealed class RetainedScoreTests
{
    [Fact]
    public void A_neighbour_does_not_shed_its_sins_by_leaving_until_they_are_forgotten()
    {
        var judge = new Judge(Only(topic => topic.InvalidMessageDeliveriesWeight = -1, peer => peer.RetainScore = TimeSpan.FromMinutes(10)));
        judge.Add(1);
        judge.Reject(1, judge.NewId());
        judge.Reject(1, judge.NewId());
        judge.Remove(1);
        judge.Seconds(599);
        Assert.Equal(-4, judge.Score(1));
        judge.Add(1);
        Assert.Equal(-4, judge.Score(1));
        judge.Remove(1);
        judge.Seconds(600);
        Assert.Equal(0, judge.Scores.Count);
        judge.Add(1);
        Assert.Equal(0, judge.Score(1));
    }

    [Fact]
    public void A_good_name_outlasts_a_short_absence_but_cannot_be_stored()
    {
        var judge = new Judge(Only(topic => topic.FirstMessageDeliveriesWeight = 1));
        judge.Add(1);
        for (var i = 0; i < 8; i++) judge.Deliver(1);
        judge.Remove(1);
        judge.Seconds(2);
        judge.Add(1);
        Assert.Equal(2, judge.Score(1));
        judge.Remove(1);
        judge.Seconds(30);
        Assert.Equal(0, judge.Score(1));
    }

    [Fact]
    public void Nothing_is_kept_of_a_neighbour_without_a_history_or_when_keeping_is_off()
    {
        var judge = new Judge(Only(topic => topic.InvalidMessageDeliveriesWeight = -1, peer => peer.RetainScore = TimeSpan.Zero));
        judge.Add(1);
        judge.Graft(1);
        judge.Reject(1, judge.NewId());
        judge.Remove(1);
        Assert.Equal(0, judge.Scores.Count);
        var keeping = new Judge(new PeerScoreOptions());
        keeping.Add(1, "192.0.2.1");
        keeping.Remove(1);
        keeping.Remove(1);
        Assert.Equal((0, 0), (keeping.Scores.Count, keeping.Scores.RetainedCount));
    }

    [Fact]
    public void Nothing_that_a_gone_or_unknown_neighbour_is_said_to_do_counts()
    {
        var judge = new Judge(Only(topic => (topic.InvalidMessageDeliveriesWeight, topic.FirstMessageDeliveriesWeight) = (-1, 1), peer => peer.BehaviourPenaltyWeight = -1));
        judge.Reject(1, judge.NewId());
        judge.Deliver(1);
        judge.Scores.AddPenalty(Peer(1), 9);
        judge.Graft(1);
        judge.Prune(1);
        judge.Scores.SetAddress(Peer(1), "192.0.2.1");
        Assert.Equal(0, judge.Score(1));
        Assert.Equal(0, judge.Scores.Count);
    }

    [Fact]
    public void Ten_thousand_peers_that_come_misbehave_and_go_leave_no_more_than_the_bounds()
    {
        var judge = new Judge(Only(topic => (topic.InvalidMessageDeliveriesWeight, topic.FirstMessageDeliveriesWeight) = (-3, 1), peer =>
        {
            (peer.MaxRetained, peer.MaxDeliveries, peer.MaxSendersPerDelivery) = (100, 1000, 8);
            (peer.ColocationWeight, peer.ColocationThreshold) = (-1, 1);
        }));
        for (var peer = 0; peer < 10_000; peer++) judge.Add(peer, $"10.{peer >> 8}.{peer & 255}.1");
        var shared = judge.NewId();
        judge.Scores.Validate(shared, judge.Now);
        for (var peer = 0; peer < 10_000; peer++)
        {
            judge.Duplicate(peer, shared);
            judge.Deliver(peer);
            if (peer % 2 == 0) judge.Reject(peer, judge.NewId());
        }

        Assert.Equal(10_000, judge.Scores.Count);
        Assert.Equal(1000, judge.Scores.DeliveryCount);
        Assert.Equal(15_001 - 1000, judge.Scores.Counters.DeliveriesEvicted);
        Assert.True(judge.Scores.Counters.SendersOver > 0);
        for (var peer = 0; peer < 10_000; peer++) judge.Remove(peer);
        Assert.Equal(100, judge.Scores.Count);
        Assert.Equal(100, judge.Scores.RetainedCount);
        Assert.Equal(10_000 - 100, judge.Scores.Counters.RetainedEvicted);
        Assert.Equal(0, judge.Score(9_999));
        Assert.True(judge.Score(9_998) < 0);
        judge.Seconds(3600);
        Assert.Equal((0, 0), (judge.Scores.Count, judge.Scores.DeliveryCount));
    }

    [Fact]
    public void Coming_and_going_without_end_grows_nothing()
    {
        var judge = new Judge(Only(topic => topic.InvalidMessageDeliveriesWeight = -1));
        for (var round = 0; round < 10_000; round++)
        {
            judge.Add(1, "192.0.2.1");
            if (round == 0) judge.Reject(1, judge.NewId());
            judge.Remove(1);
        }

        Assert.Equal((1, 1), (judge.Scores.Count, judge.Scores.RetainedCount));
        Assert.Equal(-1, judge.Score(1));
    }

    [Fact]
    public void A_message_is_forgotten_after_its_time_and_copies_then_count_nothing()
    {
        var judge = new Judge(Only(topic => topic.InvalidMessageDeliveriesWeight = -1, peer => peer.DeliveryTime = TimeSpan.FromSeconds(30)));
        judge.Add(1);
        judge.Add(2);
        var id = judge.NewId();
        judge.Reject(1, id);
        judge.Seconds(31);
        judge.Duplicate(2, id);
        Assert.Equal(0, judge.Score(2));
        Assert.Equal(0, judge.Scores.DeliveryCount);
    }
}
