namespace Starling.Protocols.PubSub;

/// <summary>The topic router of one node: who follows what, which messages are known, and who gets the next one. Emits effects; does nothing itself.</summary>
/// <remarks>One thread at a time. It floods: a new message goes to every neighbour that follows its topic, except the one that brought it and its
/// origin; the seen cache makes that once per node. A mesh narrows the choice in <see cref="ForEachReceiver"/> and reads <see cref="Rpc.HasControl"/>.</remarks>
public sealed partial class PubSubCore
{
    private readonly PeerId _local;
    private readonly PubSubOptions _options;
    private readonly RandomSource _random;
    private readonly Dictionary<PeerId, Neighbour> _neighbours = [];
    private readonly Dictionary<string, HashSet<Neighbour>> _followers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal);
    private readonly SeenCache _seen;
    private readonly OriginCache _origins;

    /// <summary>Creates a router without neighbours and topics.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <param name="local">This node.</param>
    /// <param name="options">Its bounds; not to be changed afterwards.</param>
    /// <param name="random">Draws whom to graft, prune and tell.</param>
    /// <param name="policy">Whether messages are signed.</param>
    public PubSubCore(PeerId local, PubSubOptions options, RandomSource random, OriginPolicy policy = OriginPolicy.Signed)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _local = local;
        _options = options;
        _random = random;
        Policy = policy;
        _seen = new SeenCache(options.SeenTime, options.MaxSeen, Counters);
        _origins = new OriginCache(options.MaxOrigins);
    }

    /// <summary>What was counted so far.</summary>
    public PubSubCounters Counters { get; } = new();

    /// <summary>The topics that this node follows.</summary>
    public IReadOnlyCollection<string> Topics => _topics;

    /// <summary>Message ids that are remembered now.</summary>
    public int SeenCount => _seen.Count;

    /// <summary>Whether this is a neighbour now.</summary>
    public bool HasPeer(PeerId peer) => _neighbours.ContainsKey(peer);

    /// <summary>The neighbours that follow a topic.</summary>
    public IEnumerable<PeerId> Followers(string topic) =>
        _followers.TryGetValue(topic, out var followers) ? followers.Select(neighbour => neighbour.Id) : [];

    /// <summary>A neighbour that speaks pub/sub is there. It is told every topic that this node follows; false when it was there already.</summary>
    /// <param name="peer">The neighbour.</param>
    /// <param name="kind">What its stream speaks.</param>
    /// <param name="isOutbound">Whether this node dialled it.</param>
    /// <param name="address">Where it is, for the score: peers with the same text count as being in one place. Null when that says nothing.</param>
    /// <param name="now">The present.</param>
    /// <param name="effects">Receives what to tell it.</param>
    public bool AddPeer(PeerId peer, PubSubPeerKind kind, bool isOutbound, string? address, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (peer.Equals(_local) || !_neighbours.TryAdd(peer, new Neighbour(peer, kind))) return false;
        StartTicking(now);
        Announce(peer, now, effects);
        return true;
    }

    /// <summary>The stream to a neighbour is a new one: everything that this node follows is said again, since the old one may have lost it.</summary>
    public void Announce(PeerId peer, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_neighbours.ContainsKey(peer)) return;
        foreach (var topic in _topics) effects.Add(new PubSubEffect(PubSubEffectKind.AnnounceSubscribe, peer, topic));
    }

    /// <summary>A neighbour is gone, and what it followed with it.</summary>
    public void RemovePeer(PeerId peer, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_neighbours.Remove(peer, out var neighbour)) return;
        foreach (var topic in neighbour.Topics)
        {
            Unfollow(neighbour, topic);
            effects.Add(new PubSubEffect(PubSubEffectKind.PeerUnsubscribed, peer, topic));
        }
    }

    /// <summary>This node follows a topic from now on; false when it did already.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long or not valid text.</exception>
    /// <exception cref="InvalidOperationException">The node follows as many topics as it may.</exception>
    public bool Subscribe(string topic, Instant now, ICollection<PubSubEffect> effects)
    {
        CheckTopic(topic, _options);
        if (_topics.Contains(topic)) return false;
        if (_topics.Count >= _options.MaxTopics)
        {
            throw new InvalidOperationException($"This node follows {_topics.Count} topics, as many as it may; raise {nameof(PubSubOptions.MaxTopics)} or leave one.");
        }

        _topics.Add(topic);
        AnnounceToAll(PubSubEffectKind.AnnounceSubscribe, topic, effects);
        return true;
    }

    /// <summary>This node no longer follows a topic; false when it did not.</summary>
    public bool Unsubscribe(string topic, Instant now, ICollection<PubSubEffect> effects)
    {
        if (!_topics.Remove(topic)) return false;
        AnnounceToAll(PubSubEffectKind.AnnounceUnsubscribe, topic, effects);
        return true;
    }

    /// <summary>Refuses a name that cannot be a topic's.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long or not valid text.</exception>
    public static void CheckTopic(string topic, PubSubOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        ArgumentNullException.ThrowIfNull(options);
        var size = RpcCodec.TopicSize(topic);
        if (size < 0) throw new ArgumentException("The topic's name holds half a surrogate pair and cannot be written as UTF-8.", nameof(topic));
        if (size > options.MaxTopicBytes)
        {
            throw new ArgumentException($"The topic's name takes {size} bytes; at most {options.MaxTopicBytes} are allowed ({nameof(PubSubOptions.MaxTopicBytes)}).", nameof(topic));
        }
    }

    private void AnnounceToAll(PubSubEffectKind kind, string topic, ICollection<PubSubEffect> effects)
    {
        foreach (var peer in _neighbours.Keys) effects.Add(new PubSubEffect(kind, peer, topic));
    }

    private void ReceiveSubscription(Neighbour neighbour, SubscriptionEntry entry, ICollection<PubSubEffect> effects)
    {
        if (!entry.Subscribe)
        {
            if (!neighbour.Topics.Remove(entry.Topic)) return;
            Unfollow(neighbour, entry.Topic);
            effects.Add(new PubSubEffect(PubSubEffectKind.PeerUnsubscribed, neighbour.Id, entry.Topic));
            return;
        }

        if (neighbour.Topics.Contains(entry.Topic)) return;
        if (neighbour.Topics.Count >= _options.MaxTopicsPerPeer)
        {
            Counters.Count(PubSubRefusal.TooManyTopics);
            return;
        }

        neighbour.Topics.Add(entry.Topic);
        if (!_followers.TryGetValue(entry.Topic, out var followers)) _followers.Add(entry.Topic, followers = []);
        followers.Add(neighbour);
        effects.Add(new PubSubEffect(PubSubEffectKind.PeerSubscribed, neighbour.Id, entry.Topic));
    }

    private void Unfollow(Neighbour neighbour, string topic)
    {
        var followers = _followers[topic];
        followers.Remove(neighbour);
        if (followers.Count == 0) _followers.Remove(topic);
    }

    private sealed class Neighbour(PeerId id, PubSubPeerKind kind)
    {
        public PeerId Id { get; } = id;

        public PubSubPeerKind Kind { get; } = kind;

        public MessageIdForm Form { get; set; }

        public HashSet<string> Topics { get; } = new(StringComparer.Ordinal);
    }
}
