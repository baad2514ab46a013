using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Starling.Protocols.Spread;

/// <summary>Hands items from neighbour to neighbour, each hop one less, and each node once: the pure part of <c>/starling/spread/1.0.0</c>.</summary>
/// <remarks>An item is delivered once per node. A later copy that has more hops left than any before is handed on again, not delivered
/// again, so that the order in which copies arrive does not shorten an item's reach. What effects carry is copied, except in
/// <see cref="SpreadEffectKind.Verify"/>: the buffer that a frame came in may be used again after the call. Not safe for several threads.</remarks>
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
        Relay = options.Relay;
    }

    /// <summary>This node.</summary>
    public PeerId LocalPeer { get; }

    /// <summary>What was counted so far.</summary>
    public SpreadCounters Counters { get; } = new();

    /// <summary>Whether to hand on what others send; from now on.</summary>
    public bool Relay { get; set; }

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
    /// <returns>False when an item by this id was sent before.</returns>
    public bool Publish(SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(item);
        ArgumentNullException.ThrowIfNull(effects);
        if (!item.Origin.Equals(LocalPeer)) throw new ArgumentException("An own item has this node as its origin.", nameof(item));
        var ttl = item.Ttl == 0 ? _options.MaxTtl : Math.Min(item.Ttl, _options.MaxTtl);
        Expire(now);
        if (_seen.ContainsKey(item.Key)) return false;
        var rules = _kinds.GetValueOrDefault(item.Kind);
        var entry = Remember(item, LocalPeer, ttl + 1, now);
        entry.State = SpreadState.Accepted;
        Counters.CountPublished();
        if (rules is { Keep: true }) Keep(entry, item);
        Push(item, entry, rules, effects);
        return true;
    }

    /// <summary>A neighbour has sent an item.</summary>
    /// <remarks>An item with a signature that is worth checking comes back as <see cref="SpreadEffectKind.Verify"/>; nothing is remembered of it until <see cref="Accept"/>.</remarks>
    public void Receive(PeerId from, SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(item);
        ArgumentNullException.ThrowIfNull(effects);
        if (!MayCome(from, 1, now)) return;
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

    /// <summary>A validator has judged. Too late a verdict changes nothing.</summary>
    public void Judge(SpreadKey key, SpreadVerdict verdict, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        Tick(now, effects);
        if (!_seen.TryGetValue(key, out var entry) || entry.State != SpreadState.Pending) return;
        var item = entry.Item!;
        EndWait(entry);
        switch (verdict)
        {
            case SpreadVerdict.Accept:
                Counters.CountAccepted();
                Admit(entry, item, effects);
                break;
            case SpreadVerdict.Reject:
                Counters.CountRejected();
                Reject(entry, now);
                break;
            default:
                Counters.CountIgnored();
                break;
        }
    }

    /// <summary>The first instant at which <see cref="Tick"/> has something to do.</summary>
    public Instant NextTick => _waiting.Min?.Deadline ?? Instant.Never;

    /// <summary>Ends waits for verdicts whose time is over.</summary>
    public void Tick(Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        while (_waiting.Min is { } entry && entry.Deadline <= now)
        {
            effects.Add(new SpreadEffect(SpreadEffectKind.StopValidating, entry.From, entry.Item));
            EndWait(entry);
            Counters.CountTimedOut();
        }
    }

    private bool MayCome(PeerId from, int count, Instant now)
    {
        if (_peers.TryGetValue(from, out var peer) && peer.TryCount(count, now)) return true;
        Counters.Count(SpreadRefusal.Flooded);
        return false;
    }

    /// <summary>Whether the item is one to take in. Deals with those that are known.</summary>
    private bool IsNew(PeerId from, ref SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        Expire(now);
        if (_rejected.ContainsKey(item.Key)) return Refused(SpreadRefusal.RejectedBefore);
        if (item.Ttl > _options.MaxTtl)
        {
            Counters.CountTtlClamped();
            item = item with { Ttl = _options.MaxTtl };
        }

        if (_seen.TryGetValue(item.Key, out var known))
        {
            TakeCopy(from, item, known, effects);
            return false;
        }

        if (item.Origin.Equals(LocalPeer)) return Refused(SpreadRefusal.OwnOrigin);
        if (!_kinds.TryGetValue(item.Kind, out var rules))
        {
            Counters.Count(SpreadRefusal.UnknownKind);
            return _options.RelayUnknownKinds && Relay;
        }

        if (rules.RequireSignature && !item.IsSigned) return Refused(SpreadRefusal.Unsigned);
        return !rules.Validate || Pending < _options.MaxPendingValidations || Refused(SpreadRefusal.ValidationBusy);
    }

    private bool Refused(SpreadRefusal why)
    {
        Counters.Count(why);
        return false;
    }

    /// <summary>One more copy of a known item. With more hops left than any before, it goes on.</summary>
    private void TakeCopy(PeerId from, SpreadItem item, SpreadEntry known, ICollection<SpreadEffect> effects)
    {
        if (known.Fingerprint != FingerprintOf(item))
        {
            Counters.Count(SpreadRefusal.IdCollision);
            return;
        }

        Counters.CountDuplicate();
        if (item.Ttl <= known.Ttl) return;
        known.Ttl = item.Ttl;
        known.BestFrom = from;
        if (known.State == SpreadState.Accepted) Forward(known, Detach(item), effects);
    }

    private void TakeIn(PeerId from, SpreadItem item, Instant now, ICollection<SpreadEffect> effects)
    {
        item = Detach(item);
        var entry = Remember(item, from, item.Ttl, now);
        if (_kinds.GetValueOrDefault(item.Kind) is not { Validate: true } rules)
        {
            Admit(entry, item, effects);
            return;
        }

        entry.Item = item;
        entry.Deadline = now + (rules.ValidationTimeout ?? _options.ValidationTimeout);
        _waiting.Add(entry);
        effects.Add(new SpreadEffect(SpreadEffectKind.Validate, from, item));
    }

    private void EndWait(SpreadEntry entry)
    {
        _waiting.Remove(entry);
        entry.State = SpreadState.Ignored;
        entry.Item = null;
    }

    private void Admit(SpreadEntry entry, SpreadItem item, ICollection<SpreadEffect> effects)
    {
        entry.State = SpreadState.Accepted;
        var rules = _kinds.GetValueOrDefault(item.Kind);
        if (rules is { Deliver: true })
        {
            Counters.CountDelivered();
            effects.Add(new SpreadEffect(SpreadEffectKind.Deliver, entry.From, item));
        }

        if (rules is { Keep: true }) Keep(entry, item);
        Forward(entry, item, effects);
    }

    private void Forward(SpreadEntry entry, SpreadItem item, ICollection<SpreadEffect> effects)
    {
        if (entry.Ttl <= 1) return;
        var rules = _kinds.GetValueOrDefault(entry.Kind);
        if (MayRelay(rules)) Push(item, entry, rules, effects);
        else Counters.CountNotRelayed();
    }

    private bool MayRelay(SpreadRules? rules) => Relay && (rules?.Relay ?? _options.RelayUnknownKinds);

    private void Push(SpreadItem item, SpreadEntry entry, SpreadRules? rules, ICollection<SpreadEffect> effects)
    {
        var own = entry.From.Equals(LocalPeer);
        var sent = item with { Ttl = entry.Ttl - 1 };
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

    private static UInt128 FingerprintOf(SpreadItem item)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(head, item.Kind);
        BinaryPrimitives.WriteInt32BigEndian(head[4..], item.Payload.Length);
        BinaryPrimitives.WriteInt32BigEndian(head[8..], item.Signature.Length);
        hash.AppendData(head);
        hash.AppendData(item.Payload.Span);
        hash.AppendData(item.Signature.Span);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return BinaryPrimitives.ReadUInt128BigEndian(digest);
    }
}
