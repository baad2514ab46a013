using Starling.Protocols.PubSub;
using Starling.Protocols.PubSub.Scoring;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>Allow-lists, relaying, patterns and the validation gate of one router.</summary>
public sealed class TopicRulesTests
{
    private static readonly TopicRules Closed = new(Members: new HashSet<PeerId> { Lone.Peer(0), Lone.Peer(1), Lone.Peer(200) });

    [Fact]
    public void Only_members_are_told_of_a_closed_topic_meshed_gossiped_to_and_sent_to()
    {
        var lone = new Lone(policy: OriginPolicy.Link);
        Rule(lone, Lone.Topic, Closed);
        lone.With(4).Follow();
        Assert.Equal([0, 1], lone.To(PubSubEffectKind.AnnounceSubscribe));
        Assert.Equal([0, 1], lone.Mesh());
        Assert.Equal([Lone.Peer(0), Lone.Peer(1)], lone.Core.Followers(Lone.Topic));
        Assert.Equal(2, lone.Refused(PubSubRefusal.NotMember));

        Assert.Equal(2, lone.Publish());
        var message = lone.Brings(0);
        Assert.Equal([1], lone.To(PubSubEffectKind.Send));
        lone.Grafts(2);
        lone.Wants(2, message.Id);
        lone.Has(2, lone.Message().Id);
        Assert.Empty(lone.Effects);
        Assert.Equal([0, 1], lone.Mesh());
        lone.Do(core => core.Announce(Lone.Peer(2), lone.Now, lone.Effects));
        Assert.Empty(lone.Effects);
    }

    [Fact]
    public void What_strangers_send_of_a_closed_topic_or_members_bring_of_strangers_is_refused_and_counted()
    {
        var lone = new Lone(policy: OriginPolicy.Link);
        Rule(lone, Lone.Topic, Closed);
        lone.With(3).Follow();
        var before = lone.Refused(PubSubRefusal.NotMember);
        lone.Brings(2);
        lone.Brings(0, lone.Message(origin: 3));
        Assert.Empty(lone.Effects);
        Assert.Equal(before + 2, lone.Refused(PubSubRefusal.NotMember));

        // Gossip about strangers' messages is not asked for either.
        lone.Has(0, lone.Message(origin: 3).Id);
        Assert.Empty(lone.Effects);
    }

    [Fact]
    public void Without_members_a_topic_of_the_family_without_signatures_is_closed_to_everybody()
    {
        var lone = new Lone(policy: OriginPolicy.Link).With(2).Follow();
        Assert.Empty(lone.Effects);
        lone.Brings(0);
        Assert.Empty(lone.Effects);
        Assert.Equal(0, lone.Publish());
    }

    [Fact]
    public void A_new_member_is_told_and_counts_at_once_and_a_former_one_is_pruned_and_told_too()
    {
        var lone = new Lone(policy: OriginPolicy.Link);
        Rule(lone, Lone.Topic, Closed);
        lone.With(3).Follow();
        Rule(lone, Lone.Topic, new TopicRules(Members: new HashSet<PeerId> { Lone.Peer(1), Lone.Peer(2) }));

        Assert.Equal([2], lone.To(PubSubEffectKind.AnnounceSubscribe));
        Assert.Equal([0], lone.To(PubSubEffectKind.AnnounceUnsubscribe));
        Assert.Equal([0], lone.To(PubSubEffectKind.Prune));
        Assert.Equal([2], lone.To(PubSubEffectKind.PeerSubscribed));
        Assert.Equal([0], lone.To(PubSubEffectKind.PeerUnsubscribed));
        Assert.Equal([1, 2], lone.Mesh());
    }

    [Fact]
    public void A_relayed_topic_is_followed_and_handed_on_and_never_delivered()
    {
        var lone = new Lone().With(3);
        Rule(lone, Lone.Topic, new TopicRules(Relay: true));
        Assert.Equal([0, 1, 2], lone.Mesh());
        lone.Brings(0);
        Assert.Equal([1, 2], lone.To(PubSubEffectKind.Send));
        Assert.Empty(lone.To(PubSubEffectKind.Deliver));

        lone.Follow();
        Assert.Empty(lone.To(PubSubEffectKind.AnnounceSubscribe));
        lone.Brings(0);
        Assert.Single(lone.To(PubSubEffectKind.Deliver));
        lone.Do(core => core.Unsubscribe(Lone.Topic, lone.Now, lone.Effects));
        Assert.Equal([0, 1, 2], lone.Mesh());
        Rule(lone, Lone.Topic, TopicRules.Default);
        Assert.Empty(lone.Mesh());
        Assert.Equal([0, 1, 2], lone.To(PubSubEffectKind.AnnounceUnsubscribe));
    }

    [Fact]
    public void Who_announces_a_pattern_follows_every_topic_that_it_means()
    {
        var lone = new Lone();
        lone.Link(0);
        lone.Says(0, "prices.*");
        Assert.Equal([Lone.Peer(0)], lone.Core.Followers("prices.eur"));
        Assert.Empty(lone.Core.Followers("prices.eur.spot"));
        Assert.Equal(1, lone.Publish(lone.Own("prices.eur")));
        Assert.Equal(0, lone.Publish(lone.Own("weather")));

        lone.With(1, from: 1).Follow("prices.usd");
        lone.Brings(1, lone.Message(topic: "prices.usd"));
        Assert.Equal([0], lone.To(PubSubEffectKind.Send));
        lone.Says(0, "prices.*", subscribe: false);
        lone.Brings(1, lone.Message(topic: "prices.usd"));
        Assert.Empty(lone.To(PubSubEffectKind.Send));
        Assert.Empty(lone.Core.Followers("prices.usd"));
    }

    [Fact]
    public void The_holder_of_a_pattern_joins_matching_topics_that_neighbours_follow_and_leaves_them_when_nobody_does()
    {
        var lone = new Lone();
        lone.Link(0);
        lone.Says(0, "prices.eur");
        lone.Follow("prices.*");
        Assert.Contains("prices.eur", lone.Core.Topics);
        Assert.Equal([0], lone.Mesh("prices.eur"));
        Assert.Contains(lone.Effects, effect => effect is { Kind: PubSubEffectKind.AnnounceSubscribe, Topic: "prices.eur" });

        lone.Says(0, "prices.usd");
        Assert.Equal([0], lone.Mesh("prices.usd"));
        lone.Brings(0, lone.Message(topic: "prices.usd"));
        Assert.Single(lone.To(PubSubEffectKind.Deliver));

        lone.Says(0, "prices.usd", subscribe: false);
        lone.Beat();
        Assert.DoesNotContain("prices.usd", lone.Core.Topics);
        Assert.Contains(lone.Effects, effect => effect is { Kind: PubSubEffectKind.AnnounceUnsubscribe, Topic: "prices.usd" });

        lone.Do(core => core.Unsubscribe("prices.*", lone.Now, lone.Effects));
        Assert.Empty(lone.Core.Topics);
        lone.Brings(0, lone.Message(topic: "prices.eur"));
        Assert.Equal(1, lone.Refused(PubSubRefusal.NotSubscribed));
    }

    [Fact]
    public void A_message_that_a_pattern_means_is_delivered_and_handed_on_to_other_holders_without_joining()
    {
        var lone = new Lone().Follow("prices.>");
        lone.Link(0);
        lone.Link(1);
        lone.Says(1, "prices.*");
        lone.Brings(0, lone.Message(topic: "prices.eur"));
        Assert.Single(lone.To(PubSubEffectKind.Deliver));
        Assert.Equal([1], lone.To(PubSubEffectKind.Send));
        Assert.Equal(["prices.>"], lone.Core.Topics);
    }

    [Fact]
    public void Topics_that_a_pattern_brings_are_bounded_however_many_are_advertised_or_sent()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxPatternTopics = 3 } }).Follow(">");
        lone.Link(0);
        for (var i = 0; i < 10; i++) lone.Says(0, $"t{i}");
        Assert.Equal(4, lone.Core.Topics.Count);
        Assert.Equal(7, lone.Refused(PubSubRefusal.TooManyPatternTopics));
        for (var i = 0; i < 50; i++)
        {
            lone.Brings(0, lone.Message(topic: $"other{i}"));
            Assert.Single(lone.To(PubSubEffectKind.Deliver));
        }

        Assert.True(lone.Core.StateCount <= 1 + 10 + 3);
        lone.Now += TimeSpan.FromMinutes(6);
        lone.Beat(16);
        lone.Do(core => core.RemovePeer(Lone.Peer(0), lone.Now, lone.Effects));
        lone.Beat(16);
        Assert.Equal([">"], lone.Core.Topics);
        lone.Beat(60);
        Assert.Equal(1, lone.Core.StateCount);
    }

    [Fact]
    public void A_patterns_rules_hold_for_its_topics()
    {
        var lone = new Lone(policy: OriginPolicy.Link);
        lone.With(3);
        lone.Says(0, "prices.eur");
        lone.Says(2, "prices.eur");
        Rule(lone, "prices.*", Closed with { IsValidated = true });
        lone.Follow("prices.*");
        Assert.Equal([0], lone.Mesh("prices.eur"));
        lone.Brings(0, lone.Message(topic: "prices.eur"));
        Assert.Single(lone.To(PubSubEffectKind.Validate));
        lone.Brings(2, lone.Message(topic: "prices.eur"));
        Assert.Empty(lone.Effects);
    }

    [Fact]
    public void Who_may_not_follow_a_pattern_gets_the_topics_that_are_open_to_it_until_it_is_gone()
    {
        var lone = new Lone();
        Rule(lone, "prices.*", Closed);
        Rule(lone, "prices.eur", new TopicRules(Members: new HashSet<PeerId> { Lone.Peer(5), Lone.Peer(6), Lone.Peer(200) }));
        lone.With(3, from: 5);
        for (var i = 5; i < 8; i++) lone.Says(i, "prices.*");
        Assert.Equal(2, lone.Publish(lone.Own("prices.eur")));
        lone.Do(core => core.RemovePeer(Lone.Peer(5), lone.Now, lone.Effects));
        Assert.Equal(1, lone.Publish(lone.Own("prices.eur")));
        lone.Says(6, "prices.*", subscribe: false);
        Assert.Equal(0, lone.Publish(lone.Own("prices.eur")));
    }

    [Fact]
    public void Patterns_of_one_neighbour_are_bounded()
    {
        var lone = new Lone();
        lone.Link(0);
        for (var i = 0; i < 100; i++) lone.Says(0, $"p{i}.*");
        Assert.Equal(36, lone.Refused(PubSubRefusal.TooManyPatterns));
        Assert.Empty(lone.Core.Followers("p64.a"));
        Assert.Single(lone.Core.Followers("p63.a"));
    }

    [Fact]
    public void Nothing_is_delivered_handed_on_or_given_out_before_its_verdict()
    {
        var lone = new Lone().With(12);
        Rule(lone, Lone.Topic, new TopicRules(IsValidated: true));
        lone.Follow();
        var (first, other) = (lone.Mesh()[0], lone.Mesh()[1]);
        var message = lone.Brings(first, lone.Message(size: 2000));
        Assert.Equal([PubSubEffectKind.IDontWant, PubSubEffectKind.Validate], lone.Effects.Select(effect => effect.Kind).Distinct());
        lone.Brings(other, message);
        lone.Wants(other, message.Id);
        Assert.Empty(lone.Effects);
        lone.Beat();
        Assert.Empty(lone.To(PubSubEffectKind.IHave));

        lone.Do(core => Assert.True(core.Judge(message, PubSubVerdict.Accept, lone.Now, lone.Effects)));
        Assert.Single(lone.To(PubSubEffectKind.Deliver));
        Assert.Equal(lone.Mesh().Where(peer => peer != first), lone.To(PubSubEffectKind.Send));
        lone.Wants(other, message.Id);
        Assert.Single(lone.Effects);
        lone.Beat();
        Assert.NotEmpty(lone.To(PubSubEffectKind.IHave));
        lone.Do(core => Assert.False(core.Judge(message, PubSubVerdict.Accept, lone.Now, lone.Effects)));
        Assert.Empty(lone.Effects);
    }

    [Theory]
    [InlineData(PubSubVerdict.Reject, PubSubRefusal.RejectedByValidator)]
    [InlineData(PubSubVerdict.Ignore, PubSubRefusal.IgnoredByValidator)]
    public void What_was_refused_stays_refused_and_only_a_rejection_is_held_against_those_who_brought_it(PubSubVerdict verdict, PubSubRefusal counted)
    {
        var score = GraftTests.Scored();
        score.Topics[Lone.Topic] = new TopicScoreOptions { TopicWeight = 1, InvalidMessageDeliveriesWeight = -1 };
        var lone = new Lone(score: score).With(3);
        Rule(lone, Lone.Topic, new TopicRules(IsValidated: true));
        lone.Follow();
        var message = lone.Brings(0);
        lone.Brings(1, message);
        lone.Do(core => core.Judge(message, verdict, lone.Now, lone.Effects));
        lone.Brings(2, message);

        Assert.Empty(lone.Effects);
        Assert.Equal(1, lone.Refused(counted));
        for (var i = 0; i < 3; i++) Assert.Equal(verdict == PubSubVerdict.Reject, lone.Core.Score!.Score(Lone.Peer(i)) < 0);
        lone.Has(1, message.Id);
        Assert.Empty(lone.Effects);
    }

    [Fact]
    public void Verdicts_are_waited_for_within_bounds_and_what_finds_no_room_may_come_again()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxValidations = 3, MaxValidationBytes = 1000 } }).With(2);
        Rule(lone, Lone.Topic, new TopicRules(IsValidated: true));
        lone.Follow();
        lone.Brings(0, lone.Message(size: 900));
        var late = lone.Brings(0, lone.Message(size: 200));
        Assert.Empty(lone.Effects);
        Assert.Equal(1, lone.Refused(PubSubRefusal.ValidationOverload));
        lone.Brings(0, lone.Message(size: 50));
        lone.Brings(0, lone.Message(size: 50));
        lone.Brings(0, lone.Message(size: 0));
        Assert.Equal((2L, 3), (lone.Refused(PubSubRefusal.ValidationOverload), lone.Core.PendingCount));

        lone.Beat(30);
        Assert.Equal((3L, 0), (lone.Refused(PubSubRefusal.ValidationTimeout), lone.Core.PendingCount));
        lone.Brings(1, late);
        Assert.Single(lone.To(PubSubEffectKind.Validate));
    }

    [Fact]
    public void A_verdict_after_the_topic_was_left_delivers_nothing()
    {
        var lone = new Lone().With(2);
        Rule(lone, Lone.Topic, new TopicRules(IsValidated: true));
        lone.Follow();
        var message = lone.Brings(0);
        lone.Do(core => core.Unsubscribe(Lone.Topic, lone.Now, lone.Effects));
        lone.Do(core => core.Judge(message, PubSubVerdict.Accept, lone.Now, lone.Effects));
        Assert.Empty(lone.Effects);
        Assert.Equal(1, lone.Refused(PubSubRefusal.NotSubscribed));
    }

    private static void Rule(Lone lone, string topic, TopicRules rules) => lone.Do(core => core.SetTopicRules(topic, rules, lone.Now, lone.Effects));
}
