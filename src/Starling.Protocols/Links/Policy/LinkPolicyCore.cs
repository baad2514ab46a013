namespace Starling.Protocols.Links.Policy;

/// <summary>Decides which links a node keeps: whom to dial, when to dial again, whom to prune. The one place from which a node dials unasked.</summary>
/// <remarks>
/// <para>A peer is dialled for one of four claims, the strongest first: the user asked to keep it; a persistent source, such as a list of bootstrap
/// addresses, vouches for it; it was a neighbour and is lost; a source found it while the node has fewer neighbours than it wants. Dials are bounded in
/// number at once and in any one second, and each peer is left alone for a growing, jittered pause after a failure and for a pause by reason after a good-bye.</para>
/// <para>Links beyond the high water mark are pruned to the low one, the least useful first: transient before direct, then by priority, sum of tags,
/// whether a persistent source vouches for the peer, whether this node dialled, health, and age. What the user keeps or protects is never pruned.</para>
/// <para>Not safe for several threads; the shell calls it under a lock. Effects are carried out in order.</para>
/// </remarks>
public sealed partial class LinkPolicyCore
{
    private const int MaxAddresses = 32;

    private readonly Dictionary<object, Entry> _entries = [];
    private readonly PeerId _self;
    private readonly LinkPolicyOptions _options;
    private readonly RandomSource _random;
    private Instant _timer = Instant.Never;

    /// <summary>Creates a policy that knows nobody.</summary>
    /// <param name="self">This node's id.</param>
    /// <param name="options">The aims and bounds; read at every step.</param>
    /// <param name="random">For jitter and for the choice among peers.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message says which.</exception>
    public LinkPolicyCore(PeerId self, LinkPolicyOptions options, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(self);
        OptionProblems.ThrowIfAny(options);
        (_self, _options, _random) = (self, options, random);
    }

    /// <summary>Links that the whole node holds, those included that are not ready yet, and how many it may hold: the numbers of its resource budget. To be set before each step.</summary>
    public (long Used, long Limit) Budget { get; set; } = (0, long.MaxValue);

    /// <summary>Links that are ready and not being closed.</summary>
    public int LinkCount { get; private set; }

    /// <summary>Direct ones among them.</summary>
    public int NeighbourCount { get; private set; }

    /// <summary>Dials under way.</summary>
    public int DialCount => _dials.Count;

    /// <summary>Whether a lost link is being made again.</summary>
    public bool IsReconnecting => _entries.Values.Any(one => one.IsLost);

    /// <summary>Peers that are found, wanted, linked or lost.</summary>
    public int PeerCount => _entries.Count;

    /// <summary>Targets that the user asked to keep and that are not linked now.</summary>
    public int MissingCount => _entries.Values.Count(one => one is { Want: not null, Link: null });

    /// <summary>The standing of every ready link.</summary>
    public IEnumerable<LinkStanding> Links => _entries.Values.Where(one => one.Link is not null).Select(Describe);

    /// <summary>The standing of the link to a peer, or null.</summary>
    public LinkStanding? Find(PeerId peer) => _entries.GetValueOrDefault(peer) is { Link: not null } entry ? Describe(entry) : null;

    /// <summary>A link to a peer is ready.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="kind">How long the link is meant to last.</param>
    /// <param name="direction">Who dialled.</param>
    /// <param name="addresses">Where the peer can be dialled, as far as the link tells; at most 32 are used.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void OnLinkUp(PeerId peer, LinkKind kind, Direction direction, IReadOnlyList<Multiaddr> addresses, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(peer);
        var entry = EntryOf(peer);
        Count(entry.Link, -1);
        entry.Why = WhyLinked(entry, direction);
        entry.Link = new Link(kind, direction, now) { UseDue = now + _options.UnusedAfter };
        entry.Health = 1;
        Count(entry.Link, +1);
        entry.Told = [.. addresses.Take(MaxAddresses)];
        (entry.IsLost, entry.Attempts) = (false, 0);
        _recent.Remove(peer);
        Advance(now, effects);
    }

    /// <summary>The peer of a link told where it can be dialled.</summary>
    public void OnTold(PeerId peer, IReadOnlyList<Multiaddr> addresses)
    {
        if (_entries.GetValueOrDefault(peer) is { Link: not null } entry) entry.Told = [.. addresses.Take(MaxAddresses)];
    }

    /// <summary>A link has become direct or transient.</summary>
    public void OnKindChanged(PeerId peer, LinkKind kind, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        if (_entries.GetValueOrDefault(peer)?.Link is not { } link) return;
        Count(link, -1);
        link.Kind = kind;
        link.UseDue = now + _options.UnusedAfter;
        Count(link, +1);
        Advance(now, effects);
    }

    /// <summary>The answer to <see cref="LinkPolicyEffect.AskUse"/>.</summary>
    /// <param name="peer">Whose link.</param>
    /// <param name="lastUsed">When payload went over it last, or it began.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void OnUsed(PeerId peer, Instant lastUsed, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        if (_entries.GetValueOrDefault(peer) is not { Link: { IsClosing: false } link } entry) return;
        link.UseDue = lastUsed + _options.UnusedAfter;
        if (link.UseDue <= now && IsTransient(entry))
        {
            Close(entry, new CloseInfo(CloseReason.Unused, $"The link carried nothing for {_options.UnusedAfter.TotalSeconds:0.###} s."), effects);
        }

        Advance(now, effects);
    }

    /// <summary>Does what is due. Calling it early or late does no harm.</summary>
    public void Tick(Instant now, ICollection<LinkPolicyEffect> effects)
    {
        _timer = Instant.Never;
        Advance(now, effects);
    }

    private void Advance(Instant now, ICollection<LinkPolicyEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        var next = Prune(now, effects);
        next = Sooner(next, AskUse(now, effects));
        next = Sooner(next, DialDue(now, effects));
        if (next == _timer) return;
        _timer = next;
        effects.Add(new LinkPolicyEffect.SetTimer(next));
    }

    /// <summary>Asks after transient links that may have been unused for too long; the shell answers at once, or by the next time.</summary>
    private Instant AskUse(Instant now, ICollection<LinkPolicyEffect> effects)
    {
        var next = Instant.Never;
        if (LinkCount == NeighbourCount) return next;
        foreach (var entry in _entries.Values.Where(IsTransient))
        {
            if (entry.Link!.UseDue <= now)
            {
                entry.Link.UseDue = now + _options.UnusedAfter;
                effects.Add(new LinkPolicyEffect.AskUse(entry.Peer!));
            }

            next = Sooner(next, entry.Link.UseDue);
        }

        return next;
    }

    private static bool IsTransient(Entry entry) => entry is { Link: { Kind: LinkKind.Transient, IsClosing: false }, IsProtected: false };

    private void Close(Entry entry, CloseInfo why, ICollection<LinkPolicyEffect> effects)
    {
        Count(entry.Link, -1);
        entry.Link!.IsClosing = true;
        effects.Add(new LinkPolicyEffect.Close(entry.Peer!, why));
    }

    private void Count(Link? link, int change)
    {
        if (link is null or { IsClosing: true }) return;
        LinkCount += change;
        if (link.Kind == LinkKind.Direct) NeighbourCount += change;
    }

    private static string WhyLinked(Entry entry, Direction direction) => direction switch
    {
        _ when entry.Want is not null => "user",
        Direction.Outbound when entry.DialWhy is { } why => why,
        Direction.Outbound => "dialled",
        _ => "inbound",
    };

    private static LinkStanding Describe(Entry entry) => new(
        entry.Peer!, entry.Link!.Kind, entry.Link.Direction, entry.Priority, entry.Why, entry.Link.Since, entry.Want is not null, [.. entry.Protections], new Dictionary<string, int>(entry.Tags));

    private Entry EntryOf(object key)
    {
        if (_entries.TryGetValue(key, out var entry)) return entry;
        return _entries[key] = new Entry(key, _random.NextUInt64());
    }

    /// <summary>Forgets an entry about which there is nothing left to know.</summary>
    private void Forget(Entry entry)
    {
        if (entry is { Sources.Count: 0, Want: null, Link: null, IsLost: false, IsDialing: false, Protections.Count: 0, Tags.Count: 0 }) _entries.Remove(entry.Key);
    }

    private static Instant Sooner(Instant left, Instant right) => left < right ? left : right;

    private static Instant Later(Instant left, Instant right) => left > right ? left : right;
}
