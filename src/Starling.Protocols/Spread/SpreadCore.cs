namespace Starling.Protocols.Spread;

/// <summary>Hands items from neighbour to neighbour, each hop one less, and each node once: the pure part of <c>/starling/spread/1.0.0</c>.</summary>
/// <remarks>An item is delivered once per node. A later copy that has more hops left than any before is handed on again, not delivered
/// again, so that the order in which copies arrive does not shorten an item's reach. What effects carry is copied, except in
/// <see cref="SpreadEffectKind.Verify"/> and <see cref="SpreadEffectKind.Refused"/>: the buffer that a frame came in may be used again after the call. Not safe for several threads.</remarks>
public sealed partial class SpreadCore
{
    private readonly SpreadOptions _options;
    private readonly RandomSource _random;
    private readonly Dictionary<PeerId, SpreadPeer> _peers = [];
    private readonly Dictionary<uint, SpreadRules> _kinds = [];
    private readonly List<PeerId> _chosen = [];

    /// <summary>A core without neighbours.</summary>
    /// <param name="local">This node.</param>
    /// <param name="options">The bounds; not to be changed afterwards.</param>
    /// <param name="random">Chooses neighbours.</param>
    public SpreadCore(PeerId local, SpreadOptions options, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        LocalPeer = local;
        _options = options;
        _random = random;
        (Relay, RelayUnknownKinds, KeepsItems) = (options.Relay, options.RelayUnknownKinds, true);
        (_rejected, _rejectedContents) = (new(options.MaxRejected), new(options.MaxRejected));
    }

    /// <summary>This node.</summary>
    public PeerId LocalPeer { get; }

    /// <summary>What was counted so far.</summary>
    public SpreadCounters Counters { get; } = new();

    /// <summary>Whether to hand on what others send; from now on.</summary>
    public bool Relay { get; set; }

    /// <summary>Whether to hand on kinds without rules; from now on.</summary>
    public bool RelayUnknownKinds { get; set; }

    /// <summary>Whether anything is kept for neighbours to come, from now on. Default true.</summary>
    public bool KeepsItems { get; set; }

    /// <summary>What is done with each kind that has rules.</summary>
    public IReadOnlyDictionary<uint, SpreadRules> Kinds => _kinds;

    /// <summary>Items that are remembered now, rejected ones included.</summary>
    public int Remembered => _seen.Count + _rejected.Count;

    /// <summary>Items that await a verdict now.</summary>
    public int Pending => _waiting.Count;

    /// <summary>Sets what is done with a kind from now on; null forgets the kind.</summary>
    /// <returns>False when there are as many kinds as may be.</returns>
    public bool SetKind(uint kind, SpreadRules? rules)
    {
        if (rules is null) return _kinds.Remove(kind);
        if (!_kinds.ContainsKey(kind) && _kinds.Count >= _options.MaxKinds) return false;
        _kinds[kind] = rules;
        return true;
    }

    /// <summary>A neighbour is there, or has become direct or transient. A new direct one is offered what is kept.</summary>
    public void AddPeer(PeerId id, bool direct, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(effects);
        if (!_peers.TryGetValue(id, out var peer)) _peers.Add(id, peer = new SpreadPeer(id, _options));
        var offer = direct && !peer.IsDirect;
        peer.IsDirect = direct;
        if (offer) Offer(peer, now, effects);
    }

    /// <summary>A neighbour is gone.</summary>
    public void RemovePeer(PeerId id) => _peers.Remove(id);

    /// <summary>Sends an own item. Goes to direct neighbours, and to transient ones where there are no direct ones.</summary>
    /// <param name="item">Of this node, with the hops that it may make; more than <see cref="SpreadOptions.MaxTtl"/>, or 0, stand for as many as that.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Gets one <see cref="SpreadEffectKind.Send"/> for each neighbour that it goes to.</param>
    /// <returns>Whether it was taken: not when an item by this id was sent before, or this one was rejected (<see cref="IsRejected(SpreadItem)"/>).</returns>
    public bool Publish(SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(item);
        ArgumentNullException.ThrowIfNull(effects);
        if (!item.Origin.Equals(LocalPeer)) throw new ArgumentException("An own item has this node as its origin.", nameof(item));
        var rules = _kinds.GetValueOrDefault(item.Kind);
        var ttl = item.Ttl == 0 ? MaxTtl(rules) : Math.Min(item.Ttl, MaxTtl(rules));
        Expire(now);
        if (_seen.ContainsKey(item.Key) || IsRejected(item, rules)) return false;
        var entry = Remember(item, LocalPeer, ttl + 1, now);
        entry.State = SpreadState.Accepted;
        Counters.CountPublished();
        if (rules is { Keep: true }) Keep(entry, item);
        Push(item, entry, rules, now, effects);
        return true;
    }

    /// <summary>A neighbour has sent an item.</summary>
    /// <remarks>An item with a signature that is worth checking comes back as <see cref="SpreadEffectKind.Verify"/>; nothing is remembered of it until <see cref="Accept"/>.</remarks>
    public void Receive(PeerId from, SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(item);
        ArgumentNullException.ThrowIfNull(effects);
        if (!MayCome(from, 1, now, effects)) return;
        if (!IsNew(from, ref item, now, effects)) return;
        if (item.IsSigned) effects.Add(new SpreadEffect(SpreadEffectKind.Verify, from, item));
        else TakeIn(from, item, now, effects);
    }

    /// <summary>The signature of an item holds.</summary>
    public void Accept(PeerId from, SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(item);
        ArgumentNullException.ThrowIfNull(effects);
        if (IsNew(from, ref item, now, effects)) TakeIn(from, item, now, effects);
    }

    /// <summary>Something that a neighbour sent was refused outside the core, such as a signature that does not hold. Nothing is remembered of it.</summary>
    public void Refuse(SpreadRefusal why) => Counters.Count(why);

    private bool MayCome(PeerId from, int count, Instant now, ICollection<SpreadEffect> effects) =>
        (_peers.TryGetValue(from, out var peer) && peer.TryCount(count, now)) || Refused(SpreadRefusal.Flooded, from, null, effects);

    /// <summary>Whether the item is one to take in. Deals with those that are known.</summary>
    private bool IsNew(PeerId from, ref SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        Expire(now);
        var rules = _kinds.GetValueOrDefault(item.Kind);
        if (IsRejected(item, rules)) return Refused(SpreadRefusal.RejectedBefore, from, item, effects);
        if (item.Ttl > MaxTtl(rules))
        {
            Counters.CountTtlClamped();
            item = item with { Ttl = MaxTtl(rules) };
        }

        if (_seen.TryGetValue(item.Key, out var known))
        {
            TakeCopy(from, item, known, now, effects);
            return false;
        }

        if (item.Origin.Equals(LocalPeer)) return Refused(SpreadRefusal.OwnOrigin, from, item, effects);
        if (item.Age >= Lifetime(rules)) return Refused(SpreadRefusal.TooOld, from, item, effects);
        if (rules is null)
        {
            if (!RelayUnknownKinds || !Relay) return Refused(SpreadRefusal.UnknownKind, from, item, effects);
            Counters.Count(SpreadRefusal.UnknownKind);
            return true;
        }

        if (rules.RequireSignature && !item.IsSigned) return Refused(SpreadRefusal.Unsigned, from, item, effects);
        return !rules.Validate || Pending < _options.MaxPendingValidations || Refused(SpreadRefusal.ValidationBusy, from, item, effects);
    }

    private bool Refused(SpreadRefusal why, PeerId from, SpreadItem? item, ICollection<SpreadEffect> effects)
    {
        Counters.Count(why);
        effects.Add(new SpreadEffect(SpreadEffectKind.Refused, from, item, Why: why));
        return false;
    }

    private int MaxTtl(SpreadRules? rules) => rules?.MaxTtl ?? _options.MaxTtl;

    private TimeSpan Lifetime(SpreadRules? rules) => rules?.Lifetime ?? _options.SeenTime;

    /// <summary>One more copy of a known item. With more hops left than any before, it goes on.</summary>
    private void TakeCopy(PeerId from, SpreadItem item, SpreadEntry known, Instant now, ICollection<SpreadEffect> effects)
    {
        if (known.Fingerprint != FingerprintOf(item))
        {
            Refused(SpreadRefusal.IdCollision, from, item, effects);
            return;
        }

        Counters.CountDuplicate();
        if (item.Ttl <= known.Ttl) return;
        known.Ttl = item.Ttl;
        known.BestFrom = from;
        if (known.State == SpreadState.Accepted) Forward(known, Detach(item), now, effects);
    }

    private void TakeIn(PeerId from, SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        item = Detach(item);
        var entry = Remember(item, from, item.Ttl, now);
        if (_kinds.GetValueOrDefault(item.Kind) is not { Validate: true } rules)
        {
            Admit(entry, item, now, effects);
            return;
        }

        entry.Item = item;
        entry.Deadline = now + (rules.ValidationTimeout ?? _options.ValidationTimeout);
        _waiting.Add(entry);
        effects.Add(new SpreadEffect(SpreadEffectKind.Validate, from, item));
    }

    private void Admit(SpreadEntry entry, SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        entry.State = SpreadState.Accepted;
        var rules = _kinds.GetValueOrDefault(item.Kind);
        if (rules is { Deliver: true })
        {
            Counters.CountDelivered();
            effects.Add(new SpreadEffect(SpreadEffectKind.Deliver, entry.From, item));
        }

        if (rules is { Keep: true } && !entry.IsWithdrawn) Keep(entry, item);
        Forward(entry, item, now, effects);
    }

    private void Forward(SpreadEntry entry, SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        if (entry.Ttl <= 1) return;
        var rules = _kinds.GetValueOrDefault(entry.Kind);
        if (MayRelay(rules)) Push(item, entry, rules, now, effects);
        else Counters.CountNotRelayed();
    }

    private bool MayRelay(SpreadRules? rules) => Relay && (rules?.Relay ?? RelayUnknownKinds);

    private void Push(SpreadItem item, SpreadEntry entry, SpreadRules? rules, Instant now, ICollection<SpreadEffect> effects)
    {
        var own = entry.From.Equals(LocalPeer);
        var sent = item with { Ttl = entry.Ttl - 1, Age = now - entry.Born };
        foreach (var peer in Choose(rules?.Degree ?? _options.Degree, entry, own))
        {
            if (!own) Counters.CountForwarded();
            effects.Add(new SpreadEffect(SpreadEffectKind.Send, peer, sent));
        }
    }

    /// <summary>Random neighbours, without the one that the best copy came from and without the origin.</summary>
    private ReadOnlySpan<PeerId> Choose(int degree, SpreadEntry entry, bool own)
    {
        _chosen.Clear();
        foreach (var peer in _peers.Values)
        {
            if (peer.IsDirect && !peer.Id.Equals(entry.BestFrom) && !peer.Id.Equals(entry.Key.Origin)) _chosen.Add(peer.Id);
        }

        if (own && _chosen.Count == 0) _chosen.AddRange(_peers.Keys);
        var all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_chosen);
        if (degree == 0 || degree >= all.Length) return all;
        for (var i = 0; i < degree; i++)
        {
            var other = i + _random.Next(all.Length - i);
            (all[i], all[other]) = (all[other], all[i]);
        }

        return all[..degree];
    }

    /// <summary>A copy that holds on to no buffer that it came in.</summary>
    private static SpreadItem Detach(SpreadItem item) =>
        item with { Payload = item.Payload.ToArray(), Signature = item.Signature.ToArray(), PublicKey = item.PublicKey.ToArray() };
}
