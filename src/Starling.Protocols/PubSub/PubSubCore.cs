using Starling.Protocols.PubSub.Scoring;

namespace Starling.Protocols.PubSub;

/// <summary>The topic router of one node, gossipsub 1.0 to 1.2 on virtual time: who follows what, which messages are known, and who gets the next one. Emits effects; does nothing itself.</summary>
/// <remarks>One thread at a time. A new message goes to the mesh of its topic, to floodsub and explicit neighbours that follow it and to those that follow it by
/// a pattern; other followers are told of it at heartbeats and ask for it. Everything that a neighbour can grow is bounded by the options and each refusal is counted.</remarks>
public sealed partial class PubSubCore
{
    private readonly PeerId _local;
    private readonly PubSubOptions _options;
    private readonly GossipOptions _gossip;
    private readonly RandomSource _random;
    private readonly Dictionary<PeerId, Neighbour> _neighbours = [];
    private readonly Dictionary<string, TopicState> _topics = new(StringComparer.Ordinal);
    private readonly HashSet<PeerId> _explicit = [];
    private readonly SeenCache _seen;
    private readonly OriginCache _origins;
    private readonly MessageCache _history;
    private readonly PendingMessages _pending;
    private readonly Promises _promises = new();

    /// <summary>Creates a router without neighbours and topics.</summary>
    /// <param name="local">This node.</param>
    /// <param name="options">Its bounds; not to be changed afterwards.</param>
    /// <param name="random">Draws whom to graft, prune and tell.</param>
    /// <param name="policy">Whether messages are signed.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public PubSubCore(PeerId local, PubSubOptions options, RandomSource random, OriginPolicy policy = OriginPolicy.Signed)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        options.Validate();
        _local = local;
        _options = options;
        _gossip = options.Gossip;
        _random = random;
        Policy = policy;
        _seen = new SeenCache(options, policy, Counters);
        _origins = new OriginCache(options.MaxOrigins);
        _history = new MessageCache(_gossip, Counters);
        _pending = new PendingMessages(_gossip);
    }

    /// <summary>What was counted so far.</summary>
    public PubSubCounters Counters { get; } = new();

    /// <summary>Whether messages are signed.</summary>
    public OriginPolicy Policy { get; }

    /// <summary>Judges neighbours. Null, the default: everybody's score is 0. To be set before the first neighbour.</summary>
    public PeerScore? Score { get; set; }

    /// <summary>Finds the signed record of a neighbour for a PRUNE; empty when there is none. Null: peers are named without one.</summary>
    public Func<PeerId, ReadOnlyMemory<byte>>? RecordOf { get; set; }

    /// <summary>When <see cref="Heartbeat"/> is to be called next; <see cref="Instant.Never"/> before the first neighbour or topic.</summary>
    public Instant NextTick { get; private set; } = Instant.Never;

    /// <summary>The topics and patterns that this node follows: for itself, for others or by a pattern.</summary>
    public IReadOnlyCollection<string> Topics => [.. _topics.Values.Where(topic => topic.IsFollowed).Select(topic => topic.Name)];

    /// <summary>Message ids that are remembered now; those of stream topics, which are kept as windows, not counted.</summary>
    public int SeenCount => _seen.Count;

    /// <summary>Messages that neighbours can ask for now.</summary>
    public int HistoryCount => _history.Count;

    /// <summary>Their encoded size, in bytes.</summary>
    public long HistoryBytes => _history.Bytes;

    /// <summary>Messages that wait for a verdict.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>Topics and patterns that anything is known of.</summary>
    internal int StateCount => _topics.Count;

    /// <summary>Whether this is a neighbour now.</summary>
    public bool HasPeer(PeerId peer) => _neighbours.ContainsKey(peer);

    /// <summary>The neighbours that follow a topic, or a pattern that matches it.</summary>
    public IEnumerable<PeerId> Followers(string topic)
    {
        if (_topics.TryGetValue(topic, out var state)) return state.Followers.Concat(state.Always).Distinct().Select(neighbour => neighbour.Id);
        return _neighbours.Values.Where(neighbour => MayFollow(topic, neighbour) && MatchesAny(neighbour.Patterns, topic)).Select(neighbour => neighbour.Id);
    }

    /// <summary>The neighbours in this node's mesh of a topic.</summary>
    public IEnumerable<PeerId> Mesh(string topic) => _topics.TryGetValue(topic, out var state) ? state.Mesh.Select(neighbour => neighbour.Id) : [];

    /// <summary>A neighbour that speaks pub/sub is there. It is told every topic that this node follows and that it may know of; false when it was there already.</summary>
    /// <param name="peer">The neighbour.</param>
    /// <param name="kind">What its stream speaks.</param>
    /// <param name="isOutbound">Whether this node dialled it.</param>
    /// <param name="address">Its IP address as text, for the score; null when it has none, as over a relay.</param>
    /// <param name="now">The present.</param>
    /// <param name="effects">Receives what to tell it.</param>
    public bool AddPeer(PeerId peer, PubSubPeerKind kind, bool isOutbound, string? address, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (peer.Equals(_local)) return false;
        var neighbour = new Neighbour(peer, kind, isOutbound) { IsExplicit = _explicit.Contains(peer) };
        if (!_neighbours.TryAdd(peer, neighbour)) return false;
        Score?.AddPeer(peer, address, now);
        StartTicking(now);
        Announce(peer, now, effects);
        return true;
    }

    /// <summary>The address of a neighbour is another one now.</summary>
    public void SetAddress(PeerId peer, string? address) => Score?.SetAddress(peer, address);

    /// <summary>The stream to a neighbour is a new one: everything that this node follows, and that the neighbour is meshed in, is said again, since the old one may have lost it.</summary>
    public void Announce(PeerId peer, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_neighbours.TryGetValue(peer, out var neighbour)) return;
        foreach (var topic in _topics.Values)
        {
            if (!topic.IsFollowed || !IsMember(topic.Rules, peer)) continue;
            effects.Add(new PubSubEffect(PubSubEffectKind.AnnounceSubscribe, peer, topic.Name));
            if (topic.Mesh.Contains(neighbour)) effects.Add(new PubSubEffect(PubSubEffectKind.Graft, peer, topic.Name));
        }
    }

    /// <summary>A neighbour is gone, and what it followed with it. Backoffs and its score stay for their time.</summary>
    public void RemovePeer(PeerId peer, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_neighbours.TryGetValue(peer, out var neighbour)) return;
        _neighbours.Remove(peer);
        neighbour.Patterns.Clear();
        foreach (var name in neighbour.Topics) Unfollow(neighbour, name, effects);
        Score?.RemovePeer(peer, now);
    }

    /// <summary>Has a peer outside the mesh that gets every message of the topics it follows, whatever its score, and to which a link is kept: it is asked for
    /// at heartbeats while it is no neighbour. An agreement: the other side names this node likewise.</summary>
    public void AddExplicitPeer(PeerId peer, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(effects);
        if (peer.Equals(_local) || !_explicit.Add(peer)) return;
        StartTicking(now);
        if (!_neighbours.TryGetValue(peer, out var neighbour))
        {
            effects.Add(new PubSubEffect(PubSubEffectKind.Connect, peer, ""));
            return;
        }

        neighbour.IsExplicit = true;
        foreach (var topic in _topics.Values)
        {
            if (topic.Mesh.Contains(neighbour)) PruneOut(topic, neighbour, _gossip.PruneBackoff, exchange: false, now, effects);
            topic.Fanout.Remove(neighbour);
            if (topic.Followers.Contains(neighbour) && !topic.Always.Contains(neighbour)) topic.Always.Add(neighbour);
        }
    }

    /// <summary>Treats a peer as any other again.</summary>
    public void RemoveExplicitPeer(PeerId peer)
    {
        if (!_explicit.Remove(peer) || !_neighbours.TryGetValue(peer, out var neighbour)) return;
        neighbour.IsExplicit = false;
        if (!neighbour.CanMesh) return;
        foreach (var topic in _topics.Values)
        {
            if (topic.Followers.Contains(neighbour)) topic.Always.Remove(neighbour);
        }
    }

    /// <summary>How ids in control messages to this neighbour are to be written.</summary>
    public MessageIdForm IdFormOf(PeerId peer) => _neighbours.TryGetValue(peer, out var neighbour) ? neighbour.Form : MessageIdForm.PeerId;

    /// <summary>Sets how this neighbour writes ids, until it has sent one: <see cref="MessageIdForm.PublicKey"/> for js-libp2p.</summary>
    public void SetIdForm(PeerId peer, MessageIdForm form)
    {
        if (_neighbours.TryGetValue(peer, out var neighbour)) neighbour.Form = form;
    }

    private double ScoreOf(Neighbour neighbour) => Score is null || neighbour.IsExplicit ? 0 : Score.Score(neighbour.Id);

    private void StartTicking(Instant now)
    {
        if (NextTick == Instant.Never) NextTick = now + _random.Jitter(_gossip.HeartbeatInterval, 0, 1);
    }
}
