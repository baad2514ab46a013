namespace Starling.Protocols.Discovery;

/// <summary>Decides when to dial which found peer: bounded in parallel dials and in peers kept, with a growing, jittered pause after each failure.</summary>
/// <remarks><para>A peer is dialled as long as some source vouches for it and no link to it is there. Two nodes that find each other at
/// the same time would dial each other at the same time: where a source says so, the one with the greater id waits a little for
/// the other's dial. Links that are made twice all the same are the link layer's to sort out.</para>
/// <para>Not safe for several threads.</para></remarks>
public sealed class DialPlan
{
    private const int MaxAddresses = 32;

    private readonly Dictionary<object, Candidate> _candidates = [];
    private readonly Dictionary<PeerId, Instant> _linked = [];
    private readonly DialPlanOptions _options;
    private readonly RandomSource _random;
    private readonly PeerId _self;
    private Instant _timer = Instant.Never;
    private int _dialing;

    /// <summary>Creates an empty plan.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public DialPlan(PeerId self, DialPlanOptions options, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _self = self;
        _options = options;
        _random = random;
    }

    /// <summary>Peers that some source vouches for.</summary>
    public int Count => _candidates.Count;

    /// <summary>A source vouches for a peer, in place of what it said before.</summary>
    /// <param name="source">Which source.</param>
    /// <param name="peer">Who should answer, or null where the source does not know; then the first address stands for the peer.</param>
    /// <param name="addresses">Where; at most 32 are used.</param>
    /// <param name="isMutual">Whether the peer is likely to dial this node just now.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void OnFound(string source, PeerId? peer, IReadOnlyList<Multiaddr> addresses, bool isMutual, Instant now, ICollection<DialEffect> effects)
    {
        if (addresses.Count == 0 || _self.Equals(peer)) return;
        object key = peer is null ? addresses[0] : peer;
        if (!_candidates.TryGetValue(key, out var candidate))
        {
            if (_candidates.Count >= _options.MaxPeers)
            {
                effects.Add(new DialEffect.Refused());
                return;
            }

            var waits = isMutual && peer is not null && _self.CompareTo(peer) > 0;
            candidate = new Candidate(key, peer) { Next = waits ? now + _random.Jitter(_options.TieDelay, 0.75, 1.25) : now };
            _candidates.Add(key, candidate);
        }
        else if (addresses.Any(one => !candidate.Sources.Values.Any(known => known.Contains(one))))
        {
            // A new address is worth a new try, but not one for every packet that names another.
            candidate.Failures = 0;
            candidate.Next = Sooner(candidate.Next, Later(now, candidate.Tried + _random.Jitter(_options.FirstPause)));
        }

        candidate.Sources[source] = [.. addresses.Take(MaxAddresses)];
        Advance(now, effects);
    }

    /// <summary>A source no longer vouches for a peer; without any, it is not dialled any more.</summary>
    public void OnLost(string source, PeerId? peer, IReadOnlyList<Multiaddr> addresses, Instant now, ICollection<DialEffect> effects)
    {
        object? key = peer is null ? addresses.Count > 0 ? addresses[0] : null : peer;
        if (key is null || !_candidates.TryGetValue(key, out var candidate) || !candidate.Sources.Remove(source)) return;
        Forget(candidate);
        Advance(now, effects);
    }

    /// <summary>A link to a peer is ready.</summary>
    public void OnConnected(PeerId peer, Instant now) => _linked[peer] = now;

    /// <summary>The link to a peer is gone.</summary>
    /// <param name="peer">Whose link.</param>
    /// <param name="isWanted">Whether this node closed it on request: then it stays closed until the peer is found at another address.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void OnDisconnected(PeerId peer, bool isWanted, Instant now, ICollection<DialEffect> effects)
    {
        if (!_linked.Remove(peer, out var since)) return;
        foreach (var candidate in _candidates.Values.Where(one => peer.Equals(one.Peer)))
        {
            if (now - since >= _options.LongestPause) candidate.Failures = 0;
            candidate.Next = isWanted ? Instant.Never : now + Pause(candidate);
        }

        Advance(now, effects);
    }

    /// <summary>A dial ended.</summary>
    /// <param name="dial">The dial effect that was carried out.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="answered">Who answered, when a link was made.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void OnDialed(DialEffect.Dial dial, DialOutcome outcome, PeerId? answered, Instant now, ICollection<DialEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(dial);
        var candidate = (Candidate)dial.Token;
        candidate.IsDialing = false;
        _dialing--;

        // A link that is made stays in the plan with its pause: should it fail at once, it is not dialled in a tight circle.
        if (outcome == DialOutcome.Linked) candidate.Peer ??= answered;
        candidate.Next = outcome == DialOutcome.Self ? Instant.Never : now + Pause(candidate);
        Forget(candidate);
        Advance(now, effects);
    }

    /// <summary>Dials what is due. Calling it early or late does no harm.</summary>
    public void Tick(Instant now, ICollection<DialEffect> effects)
    {
        _timer = Instant.Never;
        Advance(now, effects);
    }

    private void Advance(Instant now, ICollection<DialEffect> effects)
    {
        var next = Instant.Never;
        foreach (var candidate in _candidates.Values.Where(IsWaiting).OrderBy(one => one.Next))
        {
            if (_dialing >= _options.MaxDials || _linked.Count + _dialing >= _options.MaxLinks) break;
            next = candidate.Next;
            if (next > now) break;
            next = Instant.Never;
            Dial(candidate, now, effects);
        }

        if (next == _timer) return;
        _timer = next;
        effects.Add(new DialEffect.SetTimer(next));
    }

    private bool IsWaiting(Candidate one) => !one.IsDialing && one.Next != Instant.Never && (one.Peer is null || !_linked.ContainsKey(one.Peer));

    private void Dial(Candidate candidate, Instant now, ICollection<DialEffect> effects)
    {
        candidate.IsDialing = true;
        candidate.Tried = now;
        _dialing++;
        effects.Add(new DialEffect.Dial(candidate, candidate.Peer, [.. candidate.Sources.Values.SelectMany(one => one).Distinct().Take(MaxAddresses)]));
    }

    private TimeSpan Pause(Candidate candidate)
    {
        var pause = _options.FirstPause * Math.Pow(2, Math.Min(candidate.Failures++, 20));
        return _random.Jitter(pause < _options.LongestPause ? pause : _options.LongestPause);
    }

    private void Forget(Candidate candidate)
    {
        if (candidate.Sources.Count == 0 && !candidate.IsDialing) _candidates.Remove(candidate.Key);
    }

    private static Instant Sooner(Instant left, Instant right) => left < right ? left : right;

    private static Instant Later(Instant left, Instant right) => left > right ? left : right;

    private sealed class Candidate(object key, PeerId? peer)
    {
        public object Key { get; } = key;

        public PeerId? Peer { get; set; } = peer;

        public Dictionary<string, IReadOnlyList<Multiaddr>> Sources { get; } = [];

        public Instant Next { get; set; }

        public Instant Tried { get; set; } = new(long.MinValue / 2);

        public int Failures { get; set; }

        public bool IsDialing { get; set; }
    }
}
