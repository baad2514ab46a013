using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.PubSub.Scoring;
using static Starling.Protocols.Tests.PubSub.Scoring.Judge;

namespace Starling.Protocols.Tests.PubSub.Scoring;

/// <summary>What holds of every score, whatever happens in whatever order.</summary>
public sealed class PeerScorePropertyTests
{
    private const int Peers = 4;
    private static readonly string[] Topics = [Topic, "other", "unscored"];

    private static Arbitrary<(int Kind, int Peer, int Topic, int Id)[]> Histories =>
        Arb.From((from kind in Gen.Choose(0, 10)
                  from peer in Gen.Choose(0, Peers - 1)
                  from topic in Gen.Choose(0, 2)
                  from id in Gen.Choose(1, 12)
                  select (kind, peer, topic, id)).ArrayOf());

    [Fact]
    public void Every_score_is_finite_and_under_its_caps() => Prop.ForAll(Histories, history =>
    {
        var judge = new Judge(Everything());
        foreach (var step in history)
        {
            Do(judge, step);
            for (var peer = 0; peer < Peers; peer++)
            {
                var parts = judge.Scores.Explain(Peer(peer));
                if (!double.IsFinite(parts.Score) || parts.Topics > judge.Options.TopicScoreCap || parts.Colocation > 0 || parts.Behaviour > 0) return false;
            }
        }

        return true;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void First_deliveries_never_count_more_than_their_cap() => Prop.ForAll(Histories, history =>
    {
        var judge = new Judge(Only(topic => (topic.FirstMessageDeliveriesWeight, topic.FirstMessageDeliveriesCap) = (2, 3)));
        return history.All(step =>
        {
            Do(judge, step with { Topic = 0 });
            return Enumerable.Range(0, Peers).All(peer => judge.Score(peer) is >= 0 and <= 6);
        });
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Misbehaviour_never_raises_a_score() => Prop.ForAll(Histories, history =>
    {
        var judge = new Judge(Everything());
        foreach (var step in history) Do(judge, step);
        for (var peer = 0; peer < Peers; peer++)
        {
            var before = judge.Score(peer);
            judge.Scores.AddPenalty(Peer(peer), 1);
            var penalised = judge.Score(peer);
            judge.Reject(peer, judge.NewId());
            var invalid = judge.Score(peer);
            judge.Reject(peer, judge.NewId(), ScoreRejection.Unauthentic);
            if (penalised > before || invalid > penalised || judge.Score(peer) > invalid) return false;
        }

        return true;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void With_the_defaults_a_quiet_neighbour_is_never_punished_whatever_the_others_do() => Prop.ForAll(Histories, history =>
    {
        var options = new PeerScoreOptions();
        foreach (var topic in Topics) options.Topics.Add(topic, new TopicScoreOptions());
        var judge = new Judge(options);
        var quiet = Peers;
        foreach (var step in history)
        {
            Do(judge, step);
            Do(judge, (step.Id % 5, quiet, step.Topic, step.Id));
            if (judge.Score(quiet) < 0) return false;
        }

        judge.Seconds(600);
        return judge.Score(quiet) >= 0;
    }).QuickCheckThrowOnFailure();

    private static PeerScoreOptions Everything()
    {
        var options = new PeerScoreOptions { TopicScoreCap = 12, ColocationWeight = -3, ColocationThreshold = 1, ApplicationScore = _ => 1 };
        options.Topics.Add(Topic, new TopicScoreOptions
        {
            MeshMessageDeliveriesWeight = -1,
            MeshMessageDeliveriesThreshold = 5,
            MeshMessageDeliveriesActivation = TimeSpan.FromSeconds(2),
            MeshFailurePenaltyWeight = -1,
        });
        options.Topics.Add("other", new TopicScoreOptions { TopicWeight = 3 });
        return options;
    }

    private static void Do(Judge judge, (int Kind, int Peer, int Topic, int Id) step)
    {
        var (kind, number, topicNumber, id) = step;
        var (peer, topic, message) = (Peer(number), Topics[topicNumber], Id((ulong)id));
        switch (kind)
        {
            case 0: judge.Add(number, "192.0.2.1"); break;
            case 1: judge.Remove(number); break;
            case 2: judge.Graft(number, topic); break;
            case 3: judge.Prune(number, topic); break;
            case 4: judge.Seconds(id); break;
            case 5: judge.Scores.Validate(message, judge.Now); break;
            case 6: judge.Scores.Deliver(peer, message, topic, judge.Now); break;
            case 7: judge.Scores.Duplicate(peer, message, topic, judge.Now); break;
            case 8: judge.Scores.Reject(peer, message, topic, (ScoreRejection)(id % 3), judge.Now); break;
            case 9: judge.Scores.AddPenalty(peer, id); break;
            default: judge.Scores.SetAddress(peer, $"192.0.2.{id}"); break;
        }
    }
}
