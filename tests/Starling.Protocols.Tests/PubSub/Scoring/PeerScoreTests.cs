using Starling.Protocols.PubSub.Scoring;
using static Starling.Protocols.Tests.PubSub.Scoring.Judge;

namespace Starling.Protocols.Tests.PubSub.Scoring;

/// <summary>Each parameter of the score by itself, on virtual time.</summary>
public sealed class PeerScoreTests
{
    [Fact]
    public void Time_in_the_mesh_counts_up_to_its_cap_and_ends_with_the_mesh()
    {
        var judge = new Judge(Only(topic => (topic.TimeInMeshWeight, topic.TimeInMeshQuantum, topic.TimeInMeshCap) = (2, TimeSpan.FromSeconds(10), 3)));
        judge.Add(1);
        judge.Seconds(60);
        Assert.Equal(0, judge.Score(1));
        judge.Graft(1);
        judge.Seconds(10);
        Assert.Equal(2, judge.Score(1), 9);
        judge.Graft(1);
        judge.Seconds(5);
        Assert.Equal(3, judge.Score(1), 9);
        judge.Seconds(100);
        Assert.Equal(6, judge.Score(1), 9);
        judge.Prune(1);
        Assert.Equal(0, judge.Score(1));
    }

    [Fact]
    public void First_deliveries_count_up_to_their_cap_and_decay_to_nothing()
    {
        var judge = new Judge(Only(topic => (topic.FirstMessageDeliveriesWeight, topic.FirstMessageDeliveriesCap) = (1, 8)));
        judge.Add(1);
        judge.Add(2);
        for (var i = 0; i < 5; i++) judge.Deliver(1);
        Assert.Equal(5, judge.Score(1));
        Assert.Equal(0, judge.Score(2));
        for (var i = 0; i < 5; i++) judge.Deliver(1);
        Assert.Equal(8, judge.Score(1));
        judge.Seconds(1);
        Assert.Equal(4, judge.Score(1));
        judge.Seconds(8);
        Assert.Equal(8 / 512d, judge.Score(1));
        judge.Seconds(1);
        Assert.Equal(0, judge.Score(1));
    }

    [Fact]
    public void Only_the_first_delivery_of_a_message_counts()
    {
        var judge = new Judge(Only(topic => topic.FirstMessageDeliveriesWeight = 1));
        judge.Add(1);
        judge.Add(2);
        var id = judge.NewId();
        judge.Scores.Deliver(Peer(1), id, Topic, judge.Now);
        judge.Scores.Deliver(Peer(2), id, Topic, judge.Now);
        Assert.Equal(1, judge.Score(1));
        Assert.Equal(0, judge.Score(2));
    }

    [Fact]
    public void A_mesh_neighbour_that_brings_too_little_pays_the_square_once_it_was_there_long_enough()
    {
        var judge = new Judge(Expecting(10));
        judge.Add(1);
        judge.Add(2);
        judge.Graft(1);
        judge.Seconds(5);
        Assert.Equal(0, judge.Score(1));
        judge.Seconds(1);
        Assert.Equal(-100, judge.Score(1));
        Assert.Equal(0, judge.Score(2));
        for (var i = 0; i < 4; i++) judge.Deliver(1);
        Assert.Equal(-36, judge.Score(1));
        for (var i = 0; i < 6; i++) judge.Deliver(1);
        Assert.Equal(0, judge.Score(1));
        for (var i = 0; i < 90; i++) judge.Deliver(1);
        judge.Seconds(1);
        Assert.Equal(0, judge.Score(1));
        judge.Seconds(1);
        Assert.Equal(-25, judge.Score(1));
        judge.Prune(1);
        Assert.Equal(0, judge.Score(1));
    }

    [Fact]
    public void A_copy_counts_as_nearly_first_during_validation_and_within_the_window_and_once()
    {
        var judge = new Judge(Expecting(10));
        for (var peer = 1; peer <= 4; peer++)
        {
            judge.Add(peer);
            judge.Graft(peer);
        }

        judge.Seconds(6);
        var id = judge.NewId();
        judge.Scores.Validate(id, judge.Now);
        judge.Duplicate(2, id);
        judge.Duplicate(2, id);
        judge.Duplicate(1, id);
        judge.Pass(TimeSpan.FromMinutes(1));
        judge.Scores.Deliver(Peer(1), id, Topic, judge.Now);
        judge.Pass(TimeSpan.FromMilliseconds(10));
        judge.Duplicate(3, id);
        judge.Duplicate(3, id);
        judge.Duplicate(2, id);
        judge.Duplicate(1, id);
        judge.Pass(TimeSpan.FromTicks(1));
        judge.Duplicate(4, id);
        Assert.Equal([-81, -81, -81, -100], Enumerable.Range(1, 4).Select(judge.Score));
    }

    [Fact]
    public void A_neighbour_outside_the_mesh_builds_no_mesh_deliveries()
    {
        var judge = new Judge(Expecting(10));
        judge.Add(1);
        for (var i = 0; i < 10; i++) judge.Deliver(1);
        judge.Graft(1);
        judge.Seconds(6);
        Assert.Equal(-100, judge.Score(1));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void What_was_short_when_it_left_the_mesh_stays_with_a_neighbour_and_decays(bool byLink)
    {
        var judge = new Judge(Expecting(10, topic => (topic.MeshFailurePenaltyWeight, topic.MeshFailurePenaltyDecay) = (-2, 0.9)));
        judge.Add(1);
        judge.Graft(1);
        judge.Seconds(6);
        for (var i = 0; i < 4; i++) judge.Deliver(1);
        if (byLink)
        {
            judge.Remove(1);
            judge.Add(1);
        }
        else
        {
            judge.Prune(1);
            judge.Prune(1);
        }

        Assert.Equal(-72, judge.Score(1));
        judge.Graft(1);
        Assert.Equal(-72, judge.Score(1));
        judge.Seconds(1);
        Assert.Equal(-64.8, judge.Score(1), 9);
    }

    [Fact]
    public void A_neighbour_pruned_before_anything_is_expected_pays_nothing()
    {
        var judge = new Judge(Expecting(10, topic => topic.MeshFailurePenaltyWeight = -2));
        judge.Add(1);
        judge.Graft(1);
        judge.Seconds(4);
        judge.Prune(1);
        Assert.Equal(0, judge.Score(1));
    }

    [Fact]
    public void Everybody_who_brings_an_invalid_message_pays_before_and_after_the_verdict()
    {
        var judge = new Judge(Only(topic => topic.InvalidMessageDeliveriesWeight = -1));
        for (var peer = 1; peer <= 4; peer++) judge.Add(peer);
        var id = judge.NewId();
        judge.Scores.Validate(id, judge.Now);
        judge.Duplicate(2, id);
        judge.Duplicate(1, id);
        judge.Reject(1, id);
        judge.Duplicate(3, id);
        judge.Duplicate(3, id);
        judge.Duplicate(3, id);
        Assert.Equal([-1, -1, -9, 0], Enumerable.Range(1, 4).Select(judge.Score));
        judge.Seconds(1);
        Assert.Equal([-0.25, -0.25, -2.25, 0], Enumerable.Range(1, 4).Select(judge.Score));
    }

    [Fact]
    public void Nobody_pays_for_a_message_that_was_ignored()
    {
        var judge = new Judge(Only(topic => topic.InvalidMessageDeliveriesWeight = -1));
        judge.Add(1);
        judge.Add(2);
        var id = judge.NewId();
        judge.Scores.Validate(id, judge.Now);
        judge.Duplicate(2, id);
        judge.Reject(1, id, ScoreRejection.Ignored);
        judge.Duplicate(2, id);
        judge.Reject(1, id);
        Assert.Equal(0, judge.Score(1));
        Assert.Equal(0, judge.Score(2));
    }

    [Fact]
    public void A_forged_message_costs_its_sender_and_leaves_the_honest_one_with_that_id_alone()
    {
        var judge = new Judge(Only(topic => (topic.InvalidMessageDeliveriesWeight, topic.FirstMessageDeliveriesWeight) = (-1, 1)));
        judge.Add(1);
        judge.Add(2);
        judge.Add(3);
        var id = judge.NewId();
        judge.Reject(1, id, ScoreRejection.Unauthentic);
        judge.Scores.Deliver(Peer(2), id, Topic, judge.Now);
        judge.Duplicate(3, id);
        Assert.Equal([-1, 1, 0], Enumerable.Range(1, 3).Select(judge.Score));
    }

    [Fact]
    public void The_applications_score_is_weighed_and_what_is_no_number_counts_nothing()
    {
        var said = 5d;
        var judge = new Judge(Only(peer: options => (options.ApplicationScore, options.ApplicationScoreWeight) = (_ => said, 3)));
        judge.Add(1);
        Assert.Equal(15, judge.Score(1));
        said = -7;
        Assert.Equal(-21, judge.Score(1));
        said = double.NaN;
        Assert.Equal(0, judge.Score(1));
        Assert.Equal(1, judge.Scores.Counters.BadApplicationScores);
        said = double.NegativeInfinity;
        Assert.Equal(-3e9, judge.Score(1));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("10.1.2.3", "10.1.2.3", false)]
    [InlineData("198.51.100.9", "198.51.100.9", false)]
    [InlineData(null, null, false)]
    public void Neighbours_beyond_the_number_at_one_address_all_pay_the_square(string? first, string? second, bool share)
    {
        var judge = new Judge(Only(peer: options =>
        {
            (options.ColocationWeight, options.ColocationThreshold) = (-1, 2);
            options.ColocationAllowed.Add("10.0.0.0/8");
            options.ColocationAllowed.Add("198.51.100.9");
        }));
        for (var peer = 0; peer < 3; peer++) judge.Add(peer, first);
        for (var peer = 3; peer < 5; peer++) judge.Add(peer, second);
        var alone = first is "10.1.2.3" or "198.51.100.9" or null ? 0 : -1;
        Assert.Equal(share ? -9 : alone, judge.Score(0));
        Assert.Equal(share ? -9 : 0, judge.Score(4));
        judge.Remove(4);
        judge.Scores.SetAddress(Peer(3), "203.0.113.5");
        Assert.Equal(alone, judge.Score(0));
        Assert.Equal(0, judge.Score(3));
    }

    [Fact]
    public void Misbehaviour_pays_the_square_of_what_is_beyond_the_threshold_and_decays()
    {
        var judge = new Judge(Only(peer: options => (options.BehaviourPenaltyWeight, options.BehaviourPenaltyThreshold, options.BehaviourPenaltyDecay) = (-10, 2, 0.5)));
        judge.Add(1);
        judge.Scores.AddPenalty(Peer(1), 2);
        Assert.Equal(0, judge.Score(1));
        judge.Scores.AddPenalty(Peer(1), 3);
        Assert.Equal(-90, judge.Score(1));
        judge.Seconds(1);
        Assert.Equal(-2.5, judge.Score(1));
        judge.Seconds(1);
        Assert.Equal(0, judge.Score(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => judge.Scores.AddPenalty(Peer(1), -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => judge.Scores.AddPenalty(Peer(1), double.NaN));
    }

    [Fact]
    public void Topics_are_weighed_added_and_capped_but_what_counts_against_a_neighbour_is_not()
    {
        var options = Only(topic => (topic.TopicWeight, topic.FirstMessageDeliveriesWeight, topic.InvalidMessageDeliveriesWeight) = (2, 1, -100), peer => peer.TopicScoreCap = 10);
        options.Topics.Add("other", new TopicScoreOptions { TopicWeight = 0.5, FirstMessageDeliveriesWeight = 1 });
        var judge = new Judge(options);
        judge.Add(1);
        judge.Deliver(1);
        judge.Deliver(1, "other");
        judge.Deliver(1, "unscored");
        Assert.Equal(2.5, judge.Score(1));
        for (var i = 0; i < 50; i++) judge.Deliver(1);
        Assert.Equal(10, judge.Score(1));
        judge.Reject(1, judge.NewId());
        Assert.Equal(102 - 200 + 0.5, judge.Score(1));
        var parts = judge.Scores.Explain(Peer(1));
        Assert.Equal((parts.Score, 0d, 0d, 0d), (parts.Topics, parts.Application, parts.Colocation, parts.Behaviour));
    }

    [Fact]
    public void A_topic_is_known_by_its_own_name_also_when_it_is_a_stream_topic()
    {
        var judge = new Judge(Only(topic => topic.FirstMessageDeliveriesWeight = 1));
        judge.Add(1);
        judge.Deliver(1, "/starling/stream/" + Topic);
        Assert.Equal(1, judge.Score(1));
    }

    [Fact]
    public void A_topics_parameters_may_change_and_caps_hold_at_once()
    {
        var judge = new Judge(Only(topic => topic.FirstMessageDeliveriesWeight = 1));
        judge.Add(1);
        for (var i = 0; i < 50; i++) judge.Deliver(1);
        judge.Scores.SetTopic(Topic, new TopicScoreOptions { FirstMessageDeliveriesWeight = 2, FirstMessageDeliveriesCap = 10 });
        Assert.Equal(20, judge.Score(1));
        judge.Scores.SetTopic(Topic, null);
        Assert.Equal(0, judge.Score(1));
        judge.Scores.SetTopic("new", new TopicScoreOptions { FirstMessageDeliveriesWeight = 3 });
        judge.Deliver(1, "new");
        Assert.Equal(3, judge.Score(1));
        Assert.Throws<ArgumentException>(() => judge.Scores.SetTopic("new", new TopicScoreOptions { TopicWeight = -1 }));
    }

    [Fact]
    public void Intervals_that_were_missed_decay_as_if_they_had_not_been()
    {
        var often = new Judge(Only(topic => topic.FirstMessageDeliveriesWeight = 1));
        var rarely = new Judge(often.Options);
        foreach (var judge in new[] { often, rarely })
        {
            judge.Add(1);
            for (var i = 0; i < 64; i++) judge.Deliver(1);
        }

        often.Seconds(4.5);
        rarely.Pass(TimeSpan.FromSeconds(4.5));
        rarely.Scores.Decay(rarely.Now);
        rarely.Scores.Decay(rarely.Now);
        Assert.Equal(4, often.Score(1));
        Assert.Equal(4, rarely.Score(1));
        Assert.Equal(rarely.Now + TimeSpan.FromSeconds(0.5), rarely.Scores.NextDecay);
    }

    [Fact]
    public void A_factor_of_decay_takes_a_counter_to_nothing_in_the_time_it_was_made_for()
    {
        var judge = new Judge(Only(topic => (topic.FirstMessageDeliveriesWeight, topic.FirstMessageDeliveriesDecay) = (1, new PeerScoreOptions().DecayOver(TimeSpan.FromSeconds(30)))));
        judge.Add(1);
        judge.Deliver(1);
        judge.Seconds(29);
        Assert.True(judge.Score(1) > 0.01);
        judge.Seconds(2);
        Assert.Equal(0, judge.Score(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PeerScoreOptions().DecayOver(TimeSpan.FromMilliseconds(999)));
    }

    private static PeerScoreOptions Expecting(double threshold, Action<TopicScoreOptions>? more = null) => Only(topic =>
    {
        topic.MeshMessageDeliveriesWeight = -1;
        topic.MeshMessageDeliveriesThreshold = threshold;
        topic.MeshMessageDeliveriesCap = 20;
        topic.MeshMessageDeliveriesActivation = TimeSpan.FromSeconds(5);
        more?.Invoke(topic);
    });
}
