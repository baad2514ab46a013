namespace Starling.Protocols.PubSub;

/// <summary>What a router knows of one neighbour.</summary>
internal sealed class Neighbour(PeerId id, PubSubPeerKind kind, bool isOutbound)
{
    private HashSet<MessageId>? _unwanted;
    private HashSet<MessageId>? _unwantedBefore;

    public PeerId Id { get; } = id;

    public PubSubPeerKind Kind { get; } = kind;

    public bool IsOutbound { get; } = isOutbound;

    /// <summary>Outside every mesh, by agreement.</summary>
    public bool IsExplicit { get; set; }

    public MessageIdForm Form { get; set; }

    /// <summary>Whether it can be in a mesh and be gossiped to.</summary>
    public bool CanMesh => Kind != PubSubPeerKind.FloodSub && !IsExplicit;

    /// <summary>Every name that it has announced, patterns and those of closed topics included.</summary>
    public HashSet<string> Topics { get; } = new(StringComparer.Ordinal);

    /// <summary>The patterns among them.</summary>
    public List<string> Patterns { get; } = [];

    /// <summary>IHAVEs since the last heartbeat.</summary>
    public int IHaves { get; set; }

    /// <summary>Ids asked for since the last heartbeat.</summary>
    public int Asked { get; set; }

    /// <summary>Ids that it asked for since the last heartbeat.</summary>
    public int Wanted { get; set; }

    /// <summary>Ids of IDONTWANT since the last heartbeat.</summary>
    public int DontWants { get; set; }

    /// <summary>Patterns that it announced since the last heartbeat.</summary>
    public int NewPatterns { get; set; }

    /// <summary>GRAFTs of it that were refused since the last heartbeat.</summary>
    public int RefusedGrafts { get; set; }

    public bool Wants(MessageId id) => _unwanted is null || !(_unwanted.Contains(id) || _unwantedBefore!.Contains(id));

    public void AddUnwanted(MessageId id)
    {
        if (_unwanted is null) (_unwanted, _unwantedBefore) = ([], []);
        _unwanted.Add(id);
    }

    /// <summary>Forgets the ids of the time before the last.</summary>
    public void AgeUnwanted()
    {
        if (_unwanted is null) return;
        (_unwanted, _unwantedBefore) = (_unwantedBefore!, _unwanted);
        _unwanted.Clear();
        if (_unwantedBefore.Count == 0) _unwanted = _unwantedBefore = null;
    }
}
