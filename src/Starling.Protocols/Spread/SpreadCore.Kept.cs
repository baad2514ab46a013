namespace Starling.Protocols.Spread;

/// <content>Items kept for neighbours to come: offered by id, sent when asked for.</content>
public sealed partial class SpreadCore
{
    /// <summary>Ids in one offer: well below what a neighbour reads in a frame at its defaults.</summary>
    private const int MaxOffered = 1024;

    private readonly LinkedList<SpreadEntry> _kept = new();
    private long _keptBytes;

    /// <summary>Items that are kept for neighbours to come.</summary>
    public int Kept => _kept.Count;

    /// <summary>A neighbour offers items; those that are new here are asked for.</summary>
    public void ReceiveHave(PeerId from, IEnumerable<SpreadKey> keys, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        SpreadKey[] offered = [.. keys];
        if (offered.Length == 0 || !MayCome(from, offered.Length, now, effects)) return;
        Expire(now);
        SpreadKey[] wanted = [.. offered.Where(key => !_seen.ContainsKey(key) && !_rejected.TryGet(key, out _) && !key.Origin.Equals(LocalPeer))];
        if (wanted.Length > 0) effects.Add(new SpreadEffect(SpreadEffectKind.SendWant, from, Keys: wanted));
    }

    /// <summary>A neighbour asks for items that it was offered. It gets no more than it was offered.</summary>
    public void ReceiveWant(PeerId from, IEnumerable<SpreadKey> keys, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        SpreadKey[] wanted = [.. keys];
        if (wanted.Length == 0 || !MayCome(from, wanted.Length, now, effects)) return;
        Expire(now);
        var peer = _peers[from];
        foreach (var key in wanted)
        {
            if (peer.Offered == 0)
            {
                Refused(SpreadRefusal.Flooded, from, null, effects);
                return;
            }

            if (!_seen.TryGetValue(key, out var entry) || !MayOffer(entry, now)) continue;
            peer.Offered--;
            if (!entry.From.Equals(LocalPeer)) Counters.CountForwarded();
            effects.Add(new SpreadEffect(SpreadEffectKind.Send, from, entry.Item! with { Ttl = entry.Ttl - 1, Age = now - entry.Born }));
        }
    }

    private void Offer(SpreadPeer peer, Instant now, ICollection<SpreadEffect> effects)
    {
        Expire(now);
        SpreadKey[] keys = [.. _kept.Where(entry => MayOffer(entry, now) && !entry.Key.Origin.Equals(peer.Id)).Select(entry => entry.Key).TakeLast(Math.Min(MaxOffered, Math.Min(_options.MaxEntriesPerFrame, _options.MaxFrameBytes / SpreadCodec.MaxKeyBytes)))];
        peer.Offered = keys.Length;
        if (keys.Length > 0) effects.Add(new SpreadEffect(SpreadEffectKind.SendHave, peer.Id, Keys: keys));
    }

    private bool MayOffer(SpreadEntry entry, Instant now) =>
        entry is { State: SpreadState.Accepted, Item: not null, Ttl: > 1 } && entry.OfferedUntil > now && (entry.From.Equals(LocalPeer) || MayRelay(_kinds.GetValueOrDefault(entry.Kind)));

    private void Keep(SpreadEntry entry, SpreadItem item)
    {
        if (!KeepsItems || _options.MaxKept == 0 || item.Payload.Length > _options.MaxKeptBytes) return;
        entry.Item = item;
        entry.KeptAt = _kept.AddLast(entry);
        _keptBytes += item.Payload.Length;
        while (_kept.Count > _options.MaxKept || _keptBytes > _options.MaxKeptBytes)
        {
            Unkeep(_kept.First!.Value);
            Counters.CountKeptEvicted();
        }
    }

    private void Unkeep(SpreadEntry entry)
    {
        if (entry.KeptAt is null) return;
        _kept.Remove(entry.KeptAt);
        entry.KeptAt = null;
        _keptBytes -= entry.Item!.Payload.Length;
        entry.Item = null;
    }
}
