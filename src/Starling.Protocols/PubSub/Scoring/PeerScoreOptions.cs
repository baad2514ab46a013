using System.Net;

namespace Starling.Protocols.PubSub.Scoring;

/// <summary>How a node judges its neighbours in topics (gossipsub 1.1, "Peer Scoring"). Scoring is off until a node is given these.</summary>
/// <remarks>Scores are each node's own and are told to nobody. With the defaults only misbehaviour counts against a neighbour; topics count once they are in <see cref="Topics"/>.</remarks>
public sealed class PeerScoreOptions : ICheckedOptions
{
    /// <summary>The topics that count, by name. Default none, at most 1,024. A stream topic may be named with or without its prefix on the wire.</summary>
    public IDictionary<string, TopicScoreOptions> Topics { get; } = new Dictionary<string, TopicScoreOptions>(StringComparer.Ordinal);

    /// <summary>The scores from which on a neighbour gets less.</summary>
    public PeerScoreThresholds Thresholds { get; set; } = new();

    /// <summary>The most that all topics together count for a neighbour. Default 100, not negative; 0 for no cap. What counts against it has none.</summary>
    public double TopicScoreCap { get; set; } = 100;

    /// <summary>P₅: the application's own score of a neighbour. Default none. Called often, by the router: it answers at once from memory and does not throw.</summary>
    /// <remarks>A value that is no number counts 0 and is counted in <see cref="PeerScoreCounters.BadApplicationScores"/>; beyond ±10⁹ it counts as that.</remarks>
    public Func<PeerId, double>? ApplicationScore { get; set; }

    /// <summary>P₅: its weight. Default 1, not negative.</summary>
    public double ApplicationScoreWeight { get; set; } = 1;

    /// <summary>P₆: weight of the square of the neighbours beyond <see cref="ColocationThreshold"/> at one address. Default 0, which is off; not positive.</summary>
    /// <remarks>Off by default because people behind one router, and tests on one machine, share an address.</remarks>
    public double ColocationWeight { get; set; }

    /// <summary>P₆: linked neighbours that may share an IPv4 address or an IPv6 /64. Default 10, at least 1.</summary>
    public int ColocationThreshold { get; set; } = 10;

    /// <summary>P₆: addresses and ranges, such as <c>192.0.2.7</c> or <c>10.0.0.0/8</c>, where any number may be. Default none, at most 256.</summary>
    public IList<string> ColocationAllowed { get; } = [];

    /// <summary>P₇: weight of the square of the penalties beyond <see cref="BehaviourPenaltyThreshold"/>. Default −10, not positive.</summary>
    public double BehaviourPenaltyWeight { get; set; } = -10;

    /// <summary>P₇: penalties that are forgiven, since broken promises happen to honest nodes as well. Default 6, not negative.</summary>
    public double BehaviourPenaltyThreshold { get; set; } = 6;

    /// <summary>P₇: factor of decay. Default 0.99, between 0 and 1: half is gone after 69 intervals.</summary>
    public double BehaviourPenaltyDecay { get; set; } = 0.99;

    /// <summary>Time from one decay to the next. Default 1 second, at least 100 ms.</summary>
    public TimeSpan DecayInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Below it, a counter is 0. Default 0.01, between 0 and 1.</summary>
    public double DecayToZero { get; set; } = 0.01;

    /// <summary>How long the score of a neighbour that is gone is kept. Default 1 hour, not negative. What counts against it stands still meanwhile; what counts for it decays.</summary>
    public TimeSpan RetainScore { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Scores of gone neighbours kept at most. Default 4,096, at least 1. A new one that did wrong takes the place of the one gone longest, another one is not kept; both are counted. About 300 bytes each, and 100 for each topic.</summary>
    public int MaxRetained { get; set; } = 4096;

    /// <summary>How long it is remembered who brought a message. Default 2 minutes, more than zero, as the router's seen cache.</summary>
    public TimeSpan DeliveryTime { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Messages of which that is remembered. Default 16,384, at least 1; the oldest makes room and is counted. About 250 bytes each with 6 senders, 4 MiB in all.</summary>
    public int MaxDeliveries { get; set; } = 16_384;

    /// <summary>Neighbours remembered for one message. Default 64, at least 1; copies of further ones neither count for nor against them, and are counted.</summary>
    public int MaxSendersPerDelivery { get; set; } = 64;

    /// <summary>The factor by which a counter falls from 1 to <see cref="DecayToZero"/> within a time.</summary>
    /// <param name="time">The time, at least one <see cref="DecayInterval"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is shorter than an interval.</exception>
    public double DecayOver(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, DecayInterval);
        return Math.Pow(DecayToZero, DecayInterval / time);
    }

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (Topics.Count > 1024) problems.Add(nameof(Topics), Topics.Count, "are too many", "use at most 1024");
        foreach (var (topic, options) in Topics) problems.Within($"{nameof(Topics)}:{Shown(topic)}", options);
        problems.Within(nameof(Thresholds), Thresholds);
        ScoreChecks.Reward(problems, TopicScoreCap, nameof(TopicScoreCap));
        ScoreChecks.Reward(problems, ApplicationScoreWeight, nameof(ApplicationScoreWeight));
        ScoreChecks.Penalty(problems, ColocationWeight, nameof(ColocationWeight));
        problems.Least(ColocationThreshold, 1, nameof(ColocationThreshold));
        CheckAllowed(problems);
        ScoreChecks.Penalty(problems, BehaviourPenaltyWeight, nameof(BehaviourPenaltyWeight));
        ScoreChecks.Reward(problems, BehaviourPenaltyThreshold, nameof(BehaviourPenaltyThreshold));
        ScoreChecks.Decay(problems, BehaviourPenaltyDecay, nameof(BehaviourPenaltyDecay));
        problems.Positive(DecayInterval, nameof(DecayInterval));
        if (DecayInterval < TimeSpan.FromMilliseconds(100)) problems.Add(nameof(DecayInterval), DecayInterval, "is too short", "use at least 100 ms");
        ScoreChecks.Decay(problems, DecayToZero, nameof(DecayToZero));
        problems.NotNegative(RetainScore, nameof(RetainScore));
        problems.Least(MaxRetained, 1, nameof(MaxRetained));
        problems.Positive(DeliveryTime, nameof(DeliveryTime));
        problems.Least(MaxDeliveries, 1, nameof(MaxDeliveries));
        problems.Least(MaxSendersPerDelivery, 1, nameof(MaxSendersPerDelivery));
    }

    private static string Shown(string topic) => new([.. topic.Take(64).Where(letter => !char.IsControl(letter))]);

    private void CheckAllowed(OptionProblems problems)
    {
        if (ColocationAllowed.Count > 256) problems.Add(nameof(ColocationAllowed), ColocationAllowed.Count, "are too many", "use at most 256, with ranges");
        foreach (var text in ColocationAllowed)
        {
            if (!IPAddress.TryParse(text, out _) && !IPNetwork.TryParse(text, out _)) problems.Add(nameof(ColocationAllowed), text, "is neither an address nor a range", "write it like 192.0.2.7 or 10.0.0.0/8");
        }
    }
}
