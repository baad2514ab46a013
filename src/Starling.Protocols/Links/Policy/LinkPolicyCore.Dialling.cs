namespace Starling.Protocols.Links.Policy;

/// <content>Whom to dial next, and what follows from how it ended.</content>
public sealed partial class LinkPolicyCore
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly Dictionary<long, Entry> _dials = [];
    private readonly Queue<Instant> _begun = new();
    private long _lastDial;

    /// <summary>Direct neighbours that the node looks for: as many as it is told to, and the budget has room for.</summary>
    public int WantedNeighbours => Math.Min(_options.Neighbours, EffectiveLow);

    /// <summary>A dial ended.</summary>
    /// <param name="dial">The effect that was carried out.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="answered">Who answered, when a link was made.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void OnDialed(LinkPolicyEffect.Dial dial, DialOutcome outcome, PeerId? answered, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(dial);
        ArgumentNullException.ThrowIfNull(effects);
        if (!_dials.Remove(dial.Id, out var entry)) return;
        entry.IsDialing = false;
        entry.IsRefused = outcome == DialOutcome.Refused;
        switch (outcome)
        {
            case DialOutcome.Linked:
                var linked = entry.Peer is null && answered is not null ? Name(entry, answered) : entry;

                // A link that was lost before this was told has set its pause already; one that is not told of yet must not be dialled again.
                if (linked.Link is null && linked.Next <= now) linked.Next = now + Pause(++linked.Failures);
                break;
            case DialOutcome.Self:
                entry.Next = Instant.Never;
                break;
            default:
                Failed(entry, now, effects);
                break;
        }

        entry.DialWhy = null;
        Forget(entry);
        Advance(now, effects);
    }

    private void Failed(Entry entry, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        entry.Attempts++;
        var pause = Pause(1 + entry.Failures++);
        entry.Next = now + pause;
        if (entry.Link is not null) return;
        var limit = entry.Claim switch
        {
            Claim.User => entry.Want!.Options.Limit,
            Claim.Lost => _options.ReconnectAttempts,
            _ => null,
        };
        if (entry.Attempts >= limit) GiveUp(entry, now, effects);
        else if (entry.IsLost) effects.Add(new LinkPolicyEffect.Reconnecting(entry.Peer!, entry.Attempts + 1, pause));
    }

    /// <summary>Dials what is due, as far as the bounds allow.</summary>
    /// <returns>When something is due next.</returns>
    private Instant DialDue(Instant now, ICollection<LinkPolicyEffect> effects)
    {
        while (_begun.TryPeek(out var begun) && now - begun >= Second) _begun.Dequeue();
        while (_dials.Count < _options.MaxDials)
        {
            var (entry, next) = Choose(now);
            if (entry is null) return next;
            if (_begun.Count >= _options.MaxDialsPerSecond) return _begun.Peek() + Second;
            Dial(entry, now, effects);
        }

        // The end of a dial goes on.
        return Instant.Never;
    }

    /// <summary>The entry that is due now and has the strongest claim, or when to look again.</summary>
    private (Entry? Entry, Instant Next) Choose(Instant now)
    {
        var least = LeastClaim(now);
        Entry? best = null, lost = null;
        var next = Instant.Never;
        var isMissing = NeighbourCount < WantedNeighbours;
        var isLostLast = isMissing && _dials.Values.Count(one => one.Claim == Claim.Lost) >= (_options.MaxDials + 1) / (IsDeserted ? 4 : 2);
        foreach (var entry in _entries.Values)
        {
            if (entry.IsDialing || entry.Link is not null || entry.Next == Instant.Never || !entry.HasAddress) continue;
            var claim = entry.Claim;
            var due = DueOf(entry, claim);
            if (claim >= least)
            {
                ref var first = ref (isLostLast && claim == Claim.Lost ? ref lost : ref best);
                if (due > now) next = Sooner(next, due);
                else if (first is null || IsBefore(entry, first)) first = entry;
            }
            else if (claim >= Claim.Lost || (claim == Claim.Found && isMissing))
            {
                // Held back by the budget, or by dials that may still succeed: neither always tells when it is over.
                next = Sooner(next, Later(due, now + Second));
            }
        }

        return (best ?? lost, next);
    }

    /// <summary>The weakest claim for which there is room.</summary>
    private Claim LeastClaim(Instant now)
    {
        var total = Math.Max(Budget.Used, LinkCount) + _dials.Count;
        if (total >= Budget.Limit) return Claim.User + 1;
        if (total >= EffectiveHigh) return Claim.User;
        if (total >= EffectiveLow) return Claim.Persistent;

        // Those who look for neighbours find each other: half of what is missing is dialled, the other half dials. Who has lost nearly all leaves nothing to the others.
        // A dial that takes long, or that failed before, is not waited for.
        var isDeserted = IsDeserted;
        var promising = _dials.Values.Count(one => one.Attempts == 0 && now - one.Tried < (one.Claim == Claim.Lost || isDeserted ? Second : _options.DialPatience));
        var missing = WantedNeighbours - NeighbourCount;
        return promising < (isDeserted ? missing : (missing + 1) / 2) ? Claim.Found : Claim.Lost;
    }

    /// <summary>Whether nearly all neighbours are lost: those that are known otherwise are the way back.</summary>
    private bool IsDeserted => NeighbourCount * 4 < WantedNeighbours && IsReconnecting;

    private Instant DueOf(Entry entry, Claim claim)
    {
        if (entry.Peer is null || !_recent.TryGetValue(entry.Peer, out var recent)) return entry.Next;

        // A strong claim has its own pause; only the user's own good-bye holds against a persistent source.
        var holds = claim == Claim.Found || (claim == Claim.Persistent && recent.Peer.Until == Instant.Never);
        return holds ? Later(entry.Next, recent.Peer.Until) : entry.Next;
    }

    private static bool IsBefore(Entry entry, Entry other) =>
        (StandingOf(other), entry.Failures, entry.Rank).CompareTo((StandingOf(entry), other.Failures, other.Rank)) < 0;

    /// <summary>A lost neighbour goes first once. After a dial in vain it waits behind those that have not failed: where most neighbours are gone, they are the way back.</summary>
    private static Claim StandingOf(Entry entry) => entry is { Claim: Claim.Lost, Attempts: > 0 } ? Claim.Found : entry.Claim;

    private void Dial(Entry entry, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        entry.IsDialing = true;
        entry.Tried = now;
        entry.DialWhy = entry.Claim switch
        {
            Claim.User => "user",
            Claim.Lost => entry.Why,
            _ => entry.Sources.MaxBy(one => one.Value.IsPersistent).Key,
        };
        _begun.Enqueue(now);
        var id = ++_lastDial;
        _dials.Add(id, entry);
        effects.Add(new LinkPolicyEffect.Dial(id, entry.Peer, [.. entry.Addresses], entry.DialWhy));
    }

    /// <summary>The jittered pause after so many failures in a row.</summary>
    private TimeSpan Pause(int failures)
    {
        if (failures == 0) return _random.Jitter(_options.ReconnectDelay);
        var pause = _options.FirstPause * Math.Pow(2, Math.Min(failures - 1, 20));
        return _random.Jitter(pause < _options.LongestPause ? pause : _options.LongestPause);
    }
}
