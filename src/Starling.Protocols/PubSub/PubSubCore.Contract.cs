namespace Starling.Protocols.PubSub;

/// <content>Entries for callers that decode and encode nothing, and the rules of topics.</content>
public sealed partial class PubSubCore
{
    private readonly Dictionary<string, TopicRules> _rules = new(StringComparer.Ordinal);
    private readonly HashSet<PeerId> _explicit = [];

    /// <summary>Whether messages are signed.</summary>
    public OriginPolicy Policy { get; }

    /// <summary>When <see cref="Heartbeat"/> is to be called next; <see cref="Instant.Never"/> before the first neighbour or topic.</summary>
    public Instant NextTick { get; private set; } = Instant.Never;

    /// <summary>Finds the signed record of a neighbour for a PRUNE; empty when there is none. Null: no peer is ever named with one.</summary>
    public Func<PeerId, ReadOnlyMemory<byte>>? RecordOf { get; set; }

    /// <summary>Sets what holds for a topic or pattern from now on; <see cref="TopicRules.Default"/> takes the rules away.</summary>
    public void SetTopicRules(string topic, TopicRules rules, Instant now, ICollection<PubSubEffect> effects)
    {
        CheckTopic(topic, _options);
        ArgumentNullException.ThrowIfNull(rules);
        if (rules == TopicRules.Default) _rules.Remove(topic);
        else _rules[topic] = rules;
    }

    /// <summary>Has a peer outside the mesh that gets every message of the topics it follows, whatever its score, and to which a link is kept. Both sides name each other.</summary>
    public void AddExplicitPeer(PeerId peer, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(peer);
        _explicit.Add(peer);
    }

    /// <summary>Treats a peer as any other again.</summary>
    public void RemoveExplicitPeer(PeerId peer) => _explicit.Remove(peer);

    /// <summary>How ids in control messages to this neighbour are to be written.</summary>
    public MessageIdForm IdFormOf(PeerId peer) => _neighbours.TryGetValue(peer, out var neighbour) ? neighbour.Form : MessageIdForm.PeerId;

    /// <summary>Sets how this neighbour writes ids, until it has sent one. js-libp2p before it says anything: <see cref="MessageIdForm.PublicKey"/>.</summary>
    public void SetIdForm(PeerId peer, MessageIdForm form)
    {
        if (_neighbours.TryGetValue(peer, out var neighbour)) neighbour.Form = form;
    }

    /// <summary>Takes one subscription entry in.</summary>
    public void ReceiveSubscription(PeerId from, SubscriptionEntry entry, Instant now, ICollection<PubSubEffect> effects)
    {
        if (_neighbours.TryGetValue(from, out var neighbour)) ReceiveSubscription(neighbour, entry, effects);
    }

    /// <summary>Takes one control message in.</summary>
    public void ReceiveControl(PeerId from, in GossipControl control, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
    }

    /// <summary>Takes one message in whose signature, if it needs one, is known to hold.</summary>
    public void ReceiveMessage(PeerId from, PubSubMessage message, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(effects);
        if (!_topics.Contains(message.Topic)) Counters.Count(PubSubRefusal.NotSubscribed);
        else if (message.Id.Origin.Equals(_local)) Counters.Count(PubSubRefusal.OwnOrigin);
        else if (!_seen.TryAdd(message.Id, now)) Counters.CountDuplicate();
        else TakeIn(message, from, effects);
    }

    /// <summary>A validator's verdict on a message of a <see cref="PubSubEffectKind.Validate"/>. False when it waits no longer.</summary>
    public bool Judge(MessageId id, PubSubVerdict verdict, Instant now, ICollection<PubSubEffect> effects) => false;

    /// <summary>Maintains meshes and caches and gossips. To be called at <see cref="NextTick"/>, or later.</summary>
    public void Heartbeat(Instant now, ICollection<PubSubEffect> effects)
    {
        if (now >= NextTick) NextTick = now + _options.Gossip.HeartbeatInterval;
    }

    private void StartTicking(Instant now)
    {
        if (NextTick == Instant.Never) NextTick = now + _random.Jitter(_options.Gossip.HeartbeatInterval, 0, 1);
    }
}
