namespace Starling.Protocols.PubSub.Scoring;

/// <summary>The counters of one neighbour, linked or gone.</summary>
internal sealed class ScoredPeer(PeerId id)
{
    public PeerId Id { get; } = id;

    /// <summary>By topic on the wire; only topics that count.</summary>
    public Dictionary<string, TopicCounters> Topics { get; } = new(StringComparer.Ordinal);

    /// <summary>P₆: the group of its address.</summary>
    public string? Group { get; set; }

    /// <summary>P₇.</summary>
    public double Penalty { get; set; }

    /// <summary>Its place among the gone ones; null while it is linked.</summary>
    public LinkedListNode<(ScoredPeer Peer, Instant Until)>? Gone { get; set; }

    /// <summary>Whether forgetting it would change its score.</summary>
    public bool HasHistory => IsGuilty || Topics.Values.Any(topic => topic.HasMerit);

    /// <summary>Whether forgetting it would forgive it something.</summary>
    public bool IsGuilty => Penalty > 0 || Topics.Values.Any(topic => topic.HasGuilt);
}

/// <summary>The counters of one neighbour in one topic.</summary>
internal sealed class TopicCounters(TopicScoreOptions options)
{
    private Instant _graftedAt;
    private TimeSpan _inMesh;
    private bool _isInMesh;
    private bool _isExpected;
    private double _first;
    private double _delivered;
    private double _failed;
    private double _invalid;

    public TopicScoreOptions Options { get; private set; } = options;

    public bool HasMerit => _first > 0;

    public bool HasGuilt => _failed > 0 || _invalid > 0;

    private double Deficit => _isExpected && _delivered < Options.MeshMessageDeliveriesThreshold ? Options.MeshMessageDeliveriesThreshold - _delivered : 0;

    /// <summary>The topic's part of the score, weighed.</summary>
    public double Score
    {
        get
        {
            var time = _isInMesh ? Math.Min(_inMesh / Options.TimeInMeshQuantum, Options.TimeInMeshCap) : 0;
            return Options.TopicWeight * ((time * Options.TimeInMeshWeight)
                + (_first * Options.FirstMessageDeliveriesWeight)
                + (Deficit * Deficit * Options.MeshMessageDeliveriesWeight)
                + (_failed * Options.MeshFailurePenaltyWeight)
                + (_invalid * _invalid * Options.InvalidMessageDeliveriesWeight));
        }
    }

    /// <summary>Other parameters from now on; what was counted keeps within their caps.</summary>
    public void Change(TopicScoreOptions options)
    {
        Options = options;
        _first = Math.Min(_first, options.FirstMessageDeliveriesCap);
        _delivered = Math.Min(_delivered, options.MeshMessageDeliveriesCap);
    }

    public void Graft(Instant now)
    {
        if (_isInMesh) return;
        _isInMesh = true;
        _graftedAt = now;
        _inMesh = TimeSpan.Zero;
        _isExpected = false;
    }

    public void Prune()
    {
        _failed += Deficit * Deficit;
        _isInMesh = false;
        _isExpected = false;
    }

    public void CountFirst()
    {
        _first = Math.Min(_first + 1, Options.FirstMessageDeliveriesCap);
        CountInMesh();
    }

    public void CountInMesh()
    {
        if (_isInMesh) _delivered = Math.Min(_delivered + 1, Options.MeshMessageDeliveriesCap);
    }

    public void CountInvalid() => _invalid++;

    /// <summary>Intervals have passed.</summary>
    public void Decay(double intervals, double toZero, Instant now)
    {
        DecayFirst(intervals, toZero);
        _failed = Decayed(_failed, Options.MeshFailurePenaltyDecay, intervals, toZero);
        _invalid = Decayed(_invalid, Options.InvalidMessageDeliveriesDecay, intervals, toZero);
        if (!_isInMesh) return;
        _inMesh = now - _graftedAt;
        if (_inMesh > Options.MeshMessageDeliveriesActivation) _isExpected = true;
    }

    /// <summary>Intervals have passed while the neighbour was gone: only what counts for it decays.</summary>
    public void DecayFirst(double intervals, double toZero)
    {
        _first = Decayed(_first, Options.FirstMessageDeliveriesDecay, intervals, toZero);
        _delivered = Decayed(_delivered, Options.MeshMessageDeliveriesDecay, intervals, toZero);
    }

    internal static double Decayed(double value, double factor, double intervals, double toZero)
    {
        if (value == 0) return 0;
        var less = value * (intervals == 1 ? factor : Math.Pow(factor, intervals));
        return less < toZero ? 0 : less;
    }
}
