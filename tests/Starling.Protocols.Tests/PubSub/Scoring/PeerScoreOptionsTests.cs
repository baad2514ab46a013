using Starling.Protocols.PubSub.Scoring;

namespace Starling.Protocols.Tests.PubSub.Scoring;

public sealed class PeerScoreOptionsTests
{
    public static TheoryData<string, double> WrongNumbers => new()
    {
        { nameof(TopicScoreOptions.TopicWeight), -1 },
        { nameof(TopicScoreOptions.TimeInMeshWeight), -0.1 },
        { nameof(TopicScoreOptions.TimeInMeshCap), 0 },
        { nameof(TopicScoreOptions.FirstMessageDeliveriesWeight), double.NaN },
        { nameof(TopicScoreOptions.FirstMessageDeliveriesDecay), 1 },
        { nameof(TopicScoreOptions.FirstMessageDeliveriesCap), double.PositiveInfinity },
        { nameof(TopicScoreOptions.MeshMessageDeliveriesWeight), 1 },
        { nameof(TopicScoreOptions.MeshMessageDeliveriesDecay), 0 },
        { nameof(TopicScoreOptions.MeshMessageDeliveriesThreshold), -5 },
        { nameof(TopicScoreOptions.MeshMessageDeliveriesCap), 0 },
        { nameof(TopicScoreOptions.MeshFailurePenaltyWeight), 0.5 },
        { nameof(TopicScoreOptions.MeshFailurePenaltyDecay), double.NaN },
        { nameof(TopicScoreOptions.InvalidMessageDeliveriesWeight), double.NegativeInfinity },
        { nameof(TopicScoreOptions.InvalidMessageDeliveriesDecay), -0.5 },
        { nameof(PeerScoreOptions.TopicScoreCap), -1 },
        { nameof(PeerScoreOptions.ApplicationScoreWeight), -1 },
        { nameof(PeerScoreOptions.ColocationWeight), 1 },
        { nameof(PeerScoreOptions.BehaviourPenaltyWeight), 1 },
        { nameof(PeerScoreOptions.BehaviourPenaltyThreshold), double.NaN },
        { nameof(PeerScoreOptions.BehaviourPenaltyDecay), 2 },
        { nameof(PeerScoreOptions.DecayToZero), 0 },
        { nameof(PeerScoreThresholds.Gossip), 0 },
        { nameof(PeerScoreThresholds.Publish), -9 },
        { nameof(PeerScoreThresholds.Graylist), -50 },
        { nameof(PeerScoreThresholds.AcceptPeerExchange), -1 },
        { nameof(PeerScoreThresholds.OpportunisticGraft), double.NaN },
    };

    [Theory, MemberData(nameof(WrongNumbers))]
    public void A_wrong_number_is_named_with_what_to_do(string name, double value)
    {
        var options = new PeerScoreOptions();
        var topic = new TopicScoreOptions();
        options.Topics.Add("songs", topic);
        object owner = typeof(TopicScoreOptions).GetProperty(name) is not null ? topic : typeof(PeerScoreOptions).GetProperty(name) is not null ? options : options.Thresholds;
        owner.GetType().GetProperty(name)!.SetValue(owner, value);
        var error = Assert.Throws<ArgumentException>(() => new PeerScore(options, default));
        Assert.Contains((owner == topic ? "Topics:songs:" : owner == options ? "" : "Thresholds:") + name, error.Message, StringComparison.Ordinal);
        Assert.Contains("; use ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rate_that_expects_nothing_or_at_once_or_too_much_is_refused()
    {
        Assert.Contains("say how many messages one must bring", Refusal(new TopicScoreOptions { MeshMessageDeliveriesWeight = -1 }), StringComparison.Ordinal);
        Assert.Contains("say how many messages one must bring", Refusal(new TopicScoreOptions { MeshFailurePenaltyWeight = -1 }), StringComparison.Ordinal);
        Assert.Contains("use at least 1 second", Refusal(new TopicScoreOptions { MeshMessageDeliveriesWeight = -1, MeshMessageDeliveriesThreshold = 5, MeshMessageDeliveriesActivation = TimeSpan.FromMilliseconds(500) }), StringComparison.Ordinal);
        Assert.Contains("use at least 500", Refusal(new TopicScoreOptions { MeshMessageDeliveriesThreshold = 500 }), StringComparison.Ordinal);
    }

    [Fact]
    public void Times_counts_and_addresses_are_checked()
    {
        var options = new PeerScoreOptions
        {
            ColocationThreshold = 0,
            DecayInterval = TimeSpan.FromMilliseconds(50),
            RetainScore = TimeSpan.FromSeconds(-1),
            MaxRetained = 0,
            DeliveryTime = TimeSpan.Zero,
            MaxDeliveries = 0,
            MaxSendersPerDelivery = 0,
        };
        options.ColocationAllowed.Add("10.0.0.0/99");
        var problems = new OptionProblems();
        options.Check(problems);
        Assert.Equal(8, problems.All.Count);
        Assert.Contains(problems.All, problem => problem.Contains("'10.0.0.0/99' is neither an address nor a range; write it like 192.0.2.7 or 10.0.0.0/8", StringComparison.Ordinal));
    }

    private static string Refusal(TopicScoreOptions topic)
    {
        var problems = new OptionProblems();
        topic.Check(problems);
        return Assert.Single(problems.All);
    }
}
