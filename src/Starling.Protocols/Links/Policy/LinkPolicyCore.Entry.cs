namespace Starling.Protocols.Links.Policy;

/// <content>What is kept of each peer.</content>
public sealed partial class LinkPolicyCore
{
    /// <summary>On what ground a peer is dialled; the greater first.</summary>
    private enum Claim
    {
        None,
        Found,
        Lost,
        Persistent,
        User,
    }

    /// <summary>What one source says of a peer.</summary>
    private sealed record Vouch(IReadOnlyList<Multiaddr> Addresses, bool IsPersistent);

    /// <summary>What the user asked for.</summary>
    private sealed record Want(IReadOnlyList<Multiaddr> Addresses, LinkKeepOptions Options);

    private sealed class Link(LinkKind kind, Direction direction, Instant since)
    {
        public LinkKind Kind { get; set; } = kind;

        public Direction Direction { get; } = direction;

        public Instant Since { get; } = since;

        /// <summary>When to ask after its use; only of account while it is transient.</summary>
        public Instant UseDue { get; set; }

        public bool IsClosing { get; set; }
    }

    private sealed class Entry(object key, ulong rank)
    {
        private readonly Dictionary<string, Vouch> _sources = [];

        /// <summary>The peer id, or the address of a peer that nobody has named.</summary>
        public object Key { get; } = key;

        public PeerId? Peer { get; } = key as PeerId;

        /// <summary>Decides among equals, so that not everybody dials the same peers.</summary>
        public ulong Rank { get; } = rank;

        public IReadOnlyDictionary<string, Vouch> Sources => _sources;

        /// <summary>Whether a source wants it linked whatever number of neighbours there is.</summary>
        public bool IsPersistent { get; private set; }

        public Want? Want { get; set; }

        public Link? Link { get; set; }

        public string Why { get; set; } = "";

        /// <summary>Where the last link said that the peer can be dialled.</summary>
        public IReadOnlyList<Multiaddr> Told { get; set; } = [];

        public HashSet<string> Protections { get; } = [];

        public Dictionary<string, int> Tags { get; } = [];

        public LinkPriority Priority { get; set; } = LinkPriority.Medium;

        public double Health { get; set; } = 1;

        /// <summary>Whether it was linked, is not, and is to be again.</summary>
        public bool IsLost { get; set; }

        /// <summary>Dials without success since it was wanted or lost.</summary>
        public int Attempts { get; set; }

        /// <summary>Failures in a row, short links included; sets the pause.</summary>
        public int Failures { get; set; }

        public bool IsDialing { get; set; }

        public string? DialWhy { get; set; }

        /// <summary>Whether the last dial was refused by this very node.</summary>
        public bool IsRefused { get; set; }

        /// <summary>Not dialled before.</summary>
        public Instant Next { get; set; } = new(long.MinValue);

        public Instant Tried { get; set; } = new(long.MinValue / 2);

        public bool IsProtected => Want is not null || Protections.Count > 0;

        public Claim Claim => this switch
        {
            { Want: not null } => Claim.User,
            { IsPersistent: true } => Claim.Persistent,
            { IsLost: true } => Claim.Lost,
            { Sources.Count: > 0 } => Claim.Found,
            _ => Claim.None,
        };

        public IEnumerable<Multiaddr> Addresses =>
            (Want?.Addresses ?? []).Concat(Sources.Values.SelectMany(one => one.Addresses)).Concat(Told).Distinct().Take(MaxAddresses);

        public bool HasAddress => Want is { Addresses.Count: > 0 } || Sources.Count > 0 || Told.Count > 0;

        public void Set(string source, Vouch vouch)
        {
            _sources[source] = vouch;
            IsPersistent = _sources.Values.Any(one => one.IsPersistent);
        }

        public bool Unset(string source)
        {
            if (!_sources.Remove(source)) return false;
            IsPersistent = _sources.Values.Any(one => one.IsPersistent);
            return true;
        }
    }
}
