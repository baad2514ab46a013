namespace Starling.Protocols.PubSub;

/// <summary>What a router knows of one topic, or of a pattern that it holds.</summary>
internal sealed class TopicState(string name)
{
    public string Name { get; } = name;

    public bool IsPattern { get; } = TopicNames.IsPattern(name);

    public bool IsStream { get; } = TopicNames.IsStream(name);

    /// <summary>Rules that were set for this name; else those of a held pattern, or the default ones, hold.</summary>
    public TopicRules? OwnRules { get; set; }

    public TopicRules Rules { get; set; } = TopicRules.Default;

    public bool IsSubscribed { get; set; }

    /// <summary>A held pattern means this topic: its messages are taken.</summary>
    public bool IsMatched { get; set; }

    /// <summary>A pattern to which the node is subscribed means this topic: its messages are delivered.</summary>
    public bool IsDeliveredByPattern { get; set; }

    /// <summary>Followed only because of a pattern.</summary>
    public bool IsJoinedByPattern { get; set; }

    /// <summary>Known only because a pattern means it and messages came.</summary>
    public bool IsKept { get; set; }

    /// <summary>Announced to neighbours and, unless it is a pattern, meshed.</summary>
    public bool IsFollowed { get; set; }

    public bool IsDelivered => IsSubscribed || IsDeliveredByPattern;

    public bool IsTaken => IsFollowed || IsMatched;

    public Instant LastMessage { get; set; }

    /// <summary>Neighbours that announced the topic itself and may follow it.</summary>
    public HashSet<Neighbour> Followers { get; } = [];

    /// <summary>Those who get every message whoever is in the mesh: floodsub and explicit followers, and neighbours that follow it by a pattern only.</summary>
    public List<Neighbour> Always { get; } = [];

    public List<Neighbour> Mesh { get; } = [];

    /// <summary>Neighbours chosen for own messages while the topic is not followed.</summary>
    public List<Neighbour> Fanout { get; } = [];

    public Instant FanoutUntil { get; set; }

    public Dictionary<PeerId, Backoff> Backoffs { get; } = [];

    /// <summary>Ids to be gossiped in the heartbeat that is running.</summary>
    public List<MessageId>? Gossip { get; set; }

    public bool IsUnused => !IsFollowed && !IsSubscribed && !IsKept && OwnRules is null && Followers.Count == 0 && Fanout.Count == 0 && Backoffs.Count == 0;
}

/// <summary>A time during which a neighbour and this node do not graft each other.</summary>
internal readonly record struct Backoff(Instant Since, Instant Until);
