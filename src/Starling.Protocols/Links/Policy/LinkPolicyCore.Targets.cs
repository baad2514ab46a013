namespace Starling.Protocols.Links.Policy;

/// <content>Who might be linked: what sources find and what the user asks for.</content>
public sealed partial class LinkPolicyCore
{
    /// <summary>Who answered at addresses that name nobody.</summary>
    private readonly Dictionary<Multiaddr, PeerId> _answered = [];

    /// <summary>A source vouches for a peer, in place of what it said before.</summary>
    /// <param name="source">Which source.</param>
    /// <param name="peer">Who should answer, or null where the source does not know; then the first address stands for the peer.</param>
    /// <param name="addresses">Where; at most 32 are used.</param>
    /// <param name="isMutual">Whether the peer is likely to dial this node just now.</param>
    /// <param name="isPersistent">Whether the node is to stay linked to the peer whatever number of neighbours it has.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void OnFound(string source, PeerId? peer, IReadOnlyList<Multiaddr> addresses, bool isMutual, bool isPersistent, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (addresses.Count == 0 || _self.Equals(peer)) return;
        var key = KeyOf(peer, addresses);
        if (!_entries.TryGetValue(key, out var entry))
        {
            if (_entries.Count - LinkCount >= _options.MaxCandidates)
            {
                effects.Add(new LinkPolicyEffect.Refused(LinkPolicyRefusal.TooManyCandidates));
                return;
            }

            entry = EntryOf(key);
            if (isMutual && IsSecond(entry)) entry.Next = now + _random.Jitter(_options.TieDelay, 0.75, 1.25);
        }
        else if (addresses.Except(entry.Addresses).Any())
        {
            // A new address is worth a new try, but not one for every packet that names another.
            entry.Failures = 0;
            entry.Next = Sooner(entry.Next, Later(now, entry.Tried + _random.Jitter(_options.FirstPause)));
        }

        entry.Set(source, new Vouch([.. addresses.Take(MaxAddresses)], isPersistent));
        if (peer is not null) ForgiveIfMoved(peer, addresses);
        Advance(now, effects);
    }

    /// <summary>A source no longer vouches for a peer; without any, and if nobody asked for it, it is not dialled any more.</summary>
    public void OnLost(string source, PeerId? peer, IReadOnlyList<Multiaddr> addresses, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        if (peer is null && addresses.Count == 0) return;
        if (!_entries.TryGetValue(KeyOf(peer, addresses), out var entry) || !entry.Unset(source)) return;
        if (peer is null) _answered.Remove(addresses[0]);
        Forget(entry);
        Advance(now, effects);
    }

    /// <summary>The user asks to stay linked to a peer, now and whatever was before: pauses and the list of the recently disconnected do not count.</summary>
    /// <param name="peer">Who, or null where only the addresses are known; then the first address stands for the peer.</param>
    /// <param name="addresses">Where; may be empty for a peer that sources will find. At most 32 are used.</param>
    /// <param name="options">How it is kept.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void Keep(PeerId? peer, IReadOnlyList<Multiaddr> addresses, LinkKeepOptions options, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (peer is null && addresses.Count == 0) throw new ArgumentException("Name a peer, an address, or both.", nameof(addresses));
        if (_self.Equals(peer)) throw new ArgumentException("A node keeps no link to itself.", nameof(peer));
        if (options.Limit is < 1) throw new ArgumentException("A limit of dials is at least 1.", nameof(options));
        var entry = EntryOf(KeyOf(peer, addresses));
        entry.Want = new Want([.. addresses.Take(MaxAddresses)], options);
        entry.Priority = options.Priority ?? entry.Priority;
        (entry.Attempts, entry.Failures, entry.Next) = (0, 0, now);
        if (entry.Link is not null) entry.Why = "user";
        if (entry.Peer is { } named) _recent.Remove(named);
        Advance(now, effects);
    }

    /// <summary>The user no longer asks for a peer. The link stays, as one like any other.</summary>
    /// <returns>Whether it was asked for.</returns>
    public bool Release(PeerId? peer, IReadOnlyList<Multiaddr> addresses, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        if (!_entries.TryGetValue(KeyOf(peer, addresses), out var entry) || entry.Want is null) return false;
        (entry.Want, entry.IsLost) = (null, false);
        Forget(entry);
        Advance(now, effects);
        return true;
    }

    /// <summary>Whether the link to a peer, or to who answered at an address, is ready.</summary>
    public bool IsLinked(PeerId? peer, IReadOnlyList<Multiaddr> addresses) =>
        _entries.GetValueOrDefault(KeyOf(peer, addresses))?.Link is { IsClosing: false };

    /// <summary>Restrictions have changed: what this node refused to dial may be tried again.</summary>
    public void OnRestrictionsChanged(Instant now, ICollection<LinkPolicyEffect> effects)
    {
        foreach (var entry in _entries.Values.Where(one => one.IsRefused))
        {
            (entry.IsRefused, entry.Next) = (false, Sooner(entry.Next, now));
        }

        foreach (var peer in _recent.Where(one => one.Value.Peer.Reason == CloseReason.Blocked).Select(one => one.Key).ToList()) _recent.Remove(peer);
        Advance(now, effects);
    }

    /// <summary>Leaves nobody alone any longer: the list of the recently disconnected is empty.</summary>
    public void ForgetRecent(Instant now, ICollection<LinkPolicyEffect> effects)
    {
        _recent.Clear();
        OnRestrictionsChanged(now, effects);
    }

    private object KeyOf(PeerId? peer, IReadOnlyList<Multiaddr> addresses)
    {
        if (peer is not null) return peer;
        return _answered.TryGetValue(addresses[0], out var known) ? known : addresses[0];
    }

    /// <summary>Of two nodes that may dial each other at the same time, whether this one waits: the one with the greater id.</summary>
    private bool IsSecond(Entry entry) => entry.Peer is { } peer && _self.CompareTo(peer) > 0;

    /// <summary>Somebody answered where nobody was named: from now on that peer is expected there.</summary>
    private Entry Name(Entry nameless, PeerId peer)
    {
        _entries.Remove(nameless.Key);
        if (_answered.Count >= _options.MaxCandidates) _answered.Remove(_answered.Keys.First());
        _answered[(Multiaddr)nameless.Key] = peer;
        var entry = EntryOf(peer);
        foreach (var (source, vouch) in nameless.Sources)
        {
            var known = entry.Sources.GetValueOrDefault(source);
            entry.Set(source, new Vouch([.. (known?.Addresses ?? []).Union(vouch.Addresses).Take(MaxAddresses)], vouch.IsPersistent || known is { IsPersistent: true }));
        }

        entry.Want ??= nameless.Want;
        entry.Priority = entry.Priority > nameless.Priority ? entry.Priority : nameless.Priority;
        entry.Tried = Later(entry.Tried, nameless.Tried);
        if (entry.Want is not null) entry.Why = "user";
        else if (entry.Why == "dialled") entry.Why = nameless.DialWhy ?? entry.Why;
        return entry;
    }
}
