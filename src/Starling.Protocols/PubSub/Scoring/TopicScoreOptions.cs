namespace Starling.Protocols.PubSub.Scoring;

/// <summary>What a neighbour's behaviour in one topic is worth (gossipsub 1.1, "The Score Function", P₁ to P₄).</summary>
/// <remarks>The defaults reward and punish only what a neighbour does, never what it does not do: <see cref="MeshMessageDeliveriesWeight"/> and
/// <see cref="MeshFailurePenaltyWeight"/> are 0, so a quiet topic costs nobody anything. Factors of decay apply once per <see cref="PeerScoreOptions.DecayInterval"/>;
/// <see cref="PeerScoreOptions.DecayOver"/> computes one from a time.</remarks>
public sealed class TopicScoreOptions : ICheckedOptions
{
    /// <summary>Weight of the topic in the score. Default 1, from 0 to 1,000,000.</summary>
    public double TopicWeight { get; set; } = 1;

    /// <summary>P₁: weight of the time in the mesh. Default 0.01, not negative; up to 3 points with the other defaults.</summary>
    public double TimeInMeshWeight { get; set; } = 0.01;

    /// <summary>P₁: time in the mesh that counts one. Default 1 second, more than zero.</summary>
    public TimeSpan TimeInMeshQuantum { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>P₁: the most that is counted. Default 300, more than zero.</summary>
    public double TimeInMeshCap { get; set; } = 300;

    /// <summary>P₂: weight of messages that the neighbour brought first. Default 0.1, not negative; up to 10 points with the other defaults.</summary>
    public double FirstMessageDeliveriesWeight { get; set; } = 0.1;

    /// <summary>P₂: factor of decay. Default 0.99, between 0 and 1: half is gone after 69 intervals.</summary>
    public double FirstMessageDeliveriesDecay { get; set; } = 0.99;

    /// <summary>P₂: the most that is counted. Default 100, more than zero.</summary>
    public double FirstMessageDeliveriesCap { get; set; } = 100;

    /// <summary>P₃: weight of the square of the deliveries that a mesh neighbour fell short of. Default 0, which is off; not positive.</summary>
    /// <remarks>Set it only for topics whose rate is known: below <see cref="MeshMessageDeliveriesThreshold"/> every mesh neighbour of a quiet topic is punished.</remarks>
    public double MeshMessageDeliveriesWeight { get; set; }

    /// <summary>P₃: factor of decay. Default 0.99, between 0 and 1.</summary>
    public double MeshMessageDeliveriesDecay { get; set; } = 0.99;

    /// <summary>P₃: deliveries, first or nearly first, that are expected of a mesh neighbour. Default 0; more than zero where a weight is set.</summary>
    /// <remarks>At <c>r</c> messages an interval the count settles at <c>r ÷ (1 − decay)</c>; half or less of that leaves room for chance.</remarks>
    public double MeshMessageDeliveriesThreshold { get; set; }

    /// <summary>P₃: the most that is counted. Default 100, at least <see cref="MeshMessageDeliveriesThreshold"/>.</summary>
    public double MeshMessageDeliveriesCap { get; set; } = 100;

    /// <summary>P₃: time in the mesh before deliveries are expected. Default 1 minute, at least 1 second where a weight is set.</summary>
    public TimeSpan MeshMessageDeliveriesActivation { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>P₃: how long after a message was found valid another copy is nearly first. Default 10 ms, not negative. A long one rewards those who send messages back.</summary>
    public TimeSpan MeshMessageDeliveriesWindow { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>P₃b: weight of what was short when a neighbour left the mesh. Default 0, which is off; not positive.</summary>
    public double MeshFailurePenaltyWeight { get; set; }

    /// <summary>P₃b: factor of decay. Default 0.99, between 0 and 1.</summary>
    public double MeshFailurePenaltyDecay { get; set; } = 0.99;

    /// <summary>P₄: weight of the square of the invalid messages. Default −10, not positive: one takes 10 points, three take 90.</summary>
    public double InvalidMessageDeliveriesWeight { get; set; } = -10;

    /// <summary>P₄: factor of decay. Default 0.999, between 0 and 1: half is gone after 693 intervals.</summary>
    public double InvalidMessageDeliveriesDecay { get; set; } = 0.999;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        ScoreChecks.Reward(problems, TopicWeight, nameof(TopicWeight));
        ScoreChecks.Reward(problems, TimeInMeshWeight, nameof(TimeInMeshWeight));
        problems.Positive(TimeInMeshQuantum, nameof(TimeInMeshQuantum));
        ScoreChecks.Above(problems, TimeInMeshCap, nameof(TimeInMeshCap));
        ScoreChecks.Reward(problems, FirstMessageDeliveriesWeight, nameof(FirstMessageDeliveriesWeight));
        ScoreChecks.Decay(problems, FirstMessageDeliveriesDecay, nameof(FirstMessageDeliveriesDecay));
        ScoreChecks.Above(problems, FirstMessageDeliveriesCap, nameof(FirstMessageDeliveriesCap));
        ScoreChecks.Penalty(problems, MeshMessageDeliveriesWeight, nameof(MeshMessageDeliveriesWeight));
        ScoreChecks.Decay(problems, MeshMessageDeliveriesDecay, nameof(MeshMessageDeliveriesDecay));
        ScoreChecks.Reward(problems, MeshMessageDeliveriesThreshold, nameof(MeshMessageDeliveriesThreshold));
        ScoreChecks.Above(problems, MeshMessageDeliveriesCap, nameof(MeshMessageDeliveriesCap));
        problems.NotNegative(MeshMessageDeliveriesActivation, nameof(MeshMessageDeliveriesActivation));
        problems.NotNegative(MeshMessageDeliveriesWindow, nameof(MeshMessageDeliveriesWindow));
        ScoreChecks.Penalty(problems, MeshFailurePenaltyWeight, nameof(MeshFailurePenaltyWeight));
        ScoreChecks.Decay(problems, MeshFailurePenaltyDecay, nameof(MeshFailurePenaltyDecay));
        ScoreChecks.Penalty(problems, InvalidMessageDeliveriesWeight, nameof(InvalidMessageDeliveriesWeight));
        ScoreChecks.Decay(problems, InvalidMessageDeliveriesDecay, nameof(InvalidMessageDeliveriesDecay));
        CheckExpected(problems);
    }

    private void CheckExpected(OptionProblems problems)
    {
        if (MeshMessageDeliveriesCap < MeshMessageDeliveriesThreshold)
        {
            problems.Add(nameof(MeshMessageDeliveriesCap), MeshMessageDeliveriesCap, "is below MeshMessageDeliveriesThreshold, so nobody could ever bring enough", $"use at least {MeshMessageDeliveriesThreshold}");
        }

        if (MeshMessageDeliveriesWeight == 0 && MeshFailurePenaltyWeight == 0) return;
        if (MeshMessageDeliveriesThreshold == 0)
        {
            problems.Add(nameof(MeshMessageDeliveriesThreshold), MeshMessageDeliveriesThreshold, "expects nothing of a mesh neighbour, so its weights do nothing", "say how many messages one must bring, or set MeshMessageDeliveriesWeight and MeshFailurePenaltyWeight to 0");
        }

        if (MeshMessageDeliveriesActivation < TimeSpan.FromSeconds(1))
        {
            problems.Add(nameof(MeshMessageDeliveriesActivation), MeshMessageDeliveriesActivation, "punishes a neighbour before it could bring anything", "use at least 1 second");
        }
    }
}
