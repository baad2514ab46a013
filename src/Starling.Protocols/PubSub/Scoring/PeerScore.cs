namespace Starling.Protocols.PubSub.Scoring;

/// <summary>Why a message was not taken, as far as the score is concerned.</summary>
public enum ScoreRejection
{
    /// <summary>A validator rejected it: everybody who brings it pays (P₄), also later.</summary>
    Invalid,

    /// <summary>It is not its origin's: unsigned, badly signed or without a valid origin. Only the sender pays (P₄), and nothing is remembered of the id, which may be an honest message's.</summary>
    Unauthentic,

    /// <summary>A validator ignored it, or there was no time or room to validate it: nobody pays.</summary>
    Ignored,
}

/// <summary>What a neighbour's score is made of, weighed.</summary>
/// <param name="Score">The score: the sum of the rest.</param>
/// <param name="Topics">P₁ to P₄ of all topics, after the cap.</param>
/// <param name="Application">P₅.</param>
/// <param name="Colocation">P₆.</param>
/// <param name="Behaviour">P₇.</param>
public readonly record struct PeerScoreParts(double Score, double Topics, double Application, double Colocation, double Behaviour);

/// <summary>Judges the neighbours of a topic router by what they do (gossipsub 1.1, "Peer Scoring"). Told by the router; decides nothing itself.</summary>
/// <remarks>One thread at a time. Everything that neighbours can grow is bounded by <see cref="PeerScoreOptions"/>; a neighbour that was not added scores 0.
/// A score is at most <see cref="PeerScoreOptions.TopicScoreCap"/> plus the application's part, and always finite.</remarks>
public sealed partial class PeerScore
{
    private const double ApplicationLimit = 1e9;
    private readonly PeerScoreOptions _options;
    private readonly Dictionary<string, TopicScoreOptions> _scored = new(StringComparer.Ordinal);
    private readonly Dictionary<PeerId, ScoredPeer> _peers = [];
    private readonly LinkedList<(ScoredPeer Peer, Instant Until)> _gone = [];
    private readonly Colocation _colocation;
    private readonly Deliveries _deliveries;
    private Instant _decayedAt;

    /// <summary>Creates a score keeper that knows nobody.</summary>
    /// <param name="options">The parameters; changed later only by <see cref="SetTopic"/>.</param>
    /// <param name="now">The present time, from which the intervals of decay are counted.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message says which and what to do.</exception>
    public PeerScore(PeerScoreOptions options, Instant now)
    {
        OptionProblems.ThrowIfAny(options);
        _options = options;
        foreach (var (topic, scored) in options.Topics) _scored.Add(topic, scored);
        _colocation = new Colocation(options.ColocationAllowed);
        _deliveries = new Deliveries(options, Counters);
        _decayedAt = now;
    }

    /// <summary>The thresholds to compare scores with.</summary>
    public PeerScoreThresholds Thresholds => _options.Thresholds;

    /// <summary>What had to be given up.</summary>
    public PeerScoreCounters Counters { get; } = new();

    /// <summary>Neighbours with a score now, gone ones included.</summary>
    public int Count => _peers.Count;

    /// <summary>Gone neighbours whose score is kept.</summary>
    public int RetainedCount => _gone.Count;

    /// <summary>Messages whose bringers are remembered.</summary>
    public int DeliveryCount => _deliveries.Count;

    /// <summary>When <see cref="Decay"/> is due.</summary>
    public Instant NextDecay => _decayedAt + _options.DecayInterval;

    /// <summary>A neighbour is linked. What is kept of it counts again.</summary>
    /// <param name="peer">The neighbour.</param>
    /// <param name="address">Its IP address as text; null when it has none, as over a relay.</param>
    /// <param name="now">The present time.</param>
    public void AddPeer(PeerId peer, string? address, Instant now)
    {
        ArgumentNullException.ThrowIfNull(peer);
        Forget(now);
        if (!_peers.TryGetValue(peer, out var scored)) _peers.Add(peer, scored = new ScoredPeer(peer));
        if (scored.Gone is { } place)
        {
            _gone.Remove(place);
            scored.Gone = null;
        }

        Place(scored, address);
    }

    /// <summary>The address of a linked neighbour is another one now.</summary>
    public void SetAddress(PeerId peer, string? address)
    {
        if (Linked(peer) is { } scored) Place(scored, address);
    }

    /// <summary>A neighbour is gone: out of every mesh, and its score is kept for <see cref="PeerScoreOptions.RetainScore"/> if there is anything to keep.</summary>
    public void RemovePeer(PeerId peer, Instant now)
    {
        if (Linked(peer) is not { } scored) return;
        foreach (var topic in scored.Topics.Values) topic.Prune();
        Place(scored, null);
        Forget(now);
        if (_options.RetainScore == TimeSpan.Zero || !scored.HasHistory)
        {
            _peers.Remove(peer);
            return;
        }

        scored.Gone = _gone.AddLast((scored, now + _options.RetainScore));
        if (_gone.Count <= _options.MaxRetained) return;
        ForgetGone(scored.IsGuilty ? _gone.First! : scored.Gone);
        Counters.CountRetainedEvicted();
    }

    /// <summary>The parameters of a topic from now on; null when it no longer counts.</summary>
    /// <exception cref="ArgumentException">A parameter is out of range.</exception>
    public void SetTopic(string topic, TopicScoreOptions? options)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        if (options is not null) OptionProblems.ThrowIfAny(options);
        if (options is null) _scored.Remove(topic);
        else _scored[topic] = options;
        foreach (var peer in _peers.Values)
        {
            foreach (var name in peer.Topics.Keys.ToList())
            {
                if (Options(name) is { } changed) peer.Topics[name].Change(changed);
                else peer.Topics.Remove(name);
            }
        }
    }

    /// <summary>P₇: the router saw misbehaviour.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The penalty is negative or more than 1,000.</exception>
    public void AddPenalty(PeerId peer, double penalty)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(penalty);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(penalty, 1000);
        if (Linked(peer) is { } scored) scored.Penalty += penalty;
    }

    /// <summary>Lets counters decay by the whole intervals that have passed, brings times in the mesh up to date and forgets what is over. At any time, any number of times.</summary>
    public void Decay(Instant now)
    {
        _deliveries.Expire(now);
        Forget(now);
        var passed = now - _decayedAt;
        if (passed < _options.DecayInterval) return;
        var intervals = passed.Ticks / _options.DecayInterval.Ticks;
        _decayedAt += _options.DecayInterval * intervals;
        var toZero = _options.DecayToZero;
        foreach (var peer in _peers.Values)
        {
            if (peer.Gone is null) peer.Penalty = TopicCounters.Decayed(peer.Penalty, _options.BehaviourPenaltyDecay, intervals, toZero);
            foreach (var topic in peer.Topics.Values)
            {
                if (peer.Gone is null) topic.Decay(intervals, toZero, now);
                else topic.DecayFirst(intervals, toZero);
            }
        }
    }

    /// <summary>A neighbour's score now; 0 for one that is not known.</summary>
    public double Score(PeerId peer) => Explain(peer).Score;

    /// <summary>A neighbour's score and what it is made of.</summary>
    public PeerScoreParts Explain(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (!_peers.TryGetValue(peer, out var scored)) return default;
        var topics = 0d;
        foreach (var topic in scored.Topics.Values) topics += topic.Score;
        if (_options.TopicScoreCap > 0) topics = Math.Min(topics, _options.TopicScoreCap);
        var application = Application(peer);
        var surplus = Math.Max(0, _colocation.Count(scored.Group) - _options.ColocationThreshold);
        var colocation = (double)surplus * surplus * _options.ColocationWeight;
        var excess = Math.Max(0, scored.Penalty - _options.BehaviourPenaltyThreshold);
        var behaviour = excess * excess * _options.BehaviourPenaltyWeight;
        return new PeerScoreParts(topics + application + colocation + behaviour, topics, application, colocation, behaviour);
    }

    private double Application(PeerId peer)
    {
        if (_options.ApplicationScore is not { } ask) return 0;
        var said = ask(peer);
        if (!double.IsNaN(said)) return Math.Clamp(said, -ApplicationLimit, ApplicationLimit) * _options.ApplicationScoreWeight;
        Counters.CountBadApplicationScore();
        return 0;
    }

    private ScoredPeer? Linked(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return _peers.TryGetValue(peer, out var scored) && scored.Gone is null ? scored : null;
    }

    private void Place(ScoredPeer peer, string? address)
    {
        _colocation.Remove(peer.Group);
        peer.Group = _colocation.Add(address);
    }

    private void Forget(Instant now)
    {
        while (_gone.First is { } oldest && oldest.Value.Until <= now) ForgetGone(oldest);
    }

    private void ForgetGone(LinkedListNode<(ScoredPeer Peer, Instant Until)> place)
    {
        _peers.Remove(place.Value.Peer.Id);
        _gone.Remove(place);
    }

    private TopicScoreOptions? Options(string topic)
    {
        if (_scored.Count == 0) return null;
        if (_scored.TryGetValue(topic, out var options)) return options;
        return TopicNames.IsStream(topic) ? _scored.GetValueOrDefault(topic[TopicNames.StreamPrefix.Length..]) : null;
    }

    private TopicCounters? Of(PeerId peer, string topic)
    {
        if (Linked(peer) is not { } scored) return null;
        if (scored.Topics.TryGetValue(topic, out var counters)) return counters;
        if (Options(topic) is not { } options) return null;
        scored.Topics.Add(topic, counters = new TopicCounters(options));
        return counters;
    }
}
