using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>What a topic promises, and to whom.</summary>
public enum TopicKind
{
    /// <summary>Starling's own, signed by whoever publishes: in order per origin, gaps recovered, late join. The default.</summary>
    Stream,

    /// <summary>What every libp2p peer knows: single signed messages of bare bytes, at most once, in no promised order.</summary>
    Plain,

    /// <summary>A stream topic of a closed list of peers, without signatures: the neighbour is authentic and the origin is what it says, so members trust each other.</summary>
    Link,
}

/// <summary>A topic: its name and its kind. A string is a stream topic. Immutable; equal when kind and name are.</summary>
/// <remarks>Names have levels with a <c>.</c> between them. To subscribe, <c>*</c> may stand for one level and <c>&gt;</c>, at the end, for one or more.
/// The three kinds are three topics, also when their names are the same.</remarks>
public sealed record Topic
{
    [ThreadStatic]
    private static Topic? _lastConverted;
    private object? _known;

    private Topic(TopicKind kind, string name, IReadOnlySet<PeerId>? members = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        (Kind, Name, Members) = (kind, name, members);
        IsPattern = TopicNames.IsPattern(name);
        Wire = new WireTopic(kind == TopicKind.Link ? TopicFamily.Starling : TopicFamily.LibP2P, TopicNames.ToWire(name, kind != TopicKind.Plain));
    }

    /// <summary>The topic that every node follows unless its options say otherwise: <c>starling.all</c>, a stream topic.</summary>
    public static Topic All { get; } = Stream("starling.all");

    /// <summary>The name as it was given.</summary>
    public string Name { get; }

    /// <summary>What it promises.</summary>
    public TopicKind Kind { get; }

    /// <summary>Whether the name is a pattern, which can be subscribed to and not published to.</summary>
    public bool IsPattern { get; }

    /// <summary>Who may know of a <see cref="TopicKind.Link"/> topic, else null. Those of a node's first use hold there until <see cref="PubSubService.SetMembers"/>.</summary>
    public IReadOnlySet<PeerId>? Members { get; }

    internal WireTopic Wire { get; }

    /// <summary>A stream topic, signed by whoever publishes.</summary>
    public static Topic Stream(string name) => new(TopicKind.Stream, name);

    /// <summary>A topic as every libp2p peer knows it.</summary>
    public static Topic Plain(string name) => new(TopicKind.Plain, name);

    /// <summary>A stream topic of a closed list of peers, without signatures.</summary>
    /// <param name="name">The name.</param>
    /// <param name="members">Who may be told of it and be believed; copied. This node is always one.</param>
    public static Topic Link(string name, IEnumerable<PeerId> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        return new Topic(TopicKind.Link, name, members.ToHashSet());
    }

    /// <summary>A stream topic, signed by whoever publishes.</summary>
    public static Topic FromString(string name)
    {
        // A literal in a loop costs one topic, not one a message.
        if (_lastConverted is { } last && ReferenceEquals(last.Name, name)) return last;
        return _lastConverted = Stream(name);
    }

    /// <summary>A stream topic, signed by whoever publishes.</summary>
    public static implicit operator Topic(string name) => FromString(name);

    /// <summary>Whether kind and name are the same.</summary>
    public bool Equals(Topic? other) => other is not null && Kind == other.Kind && string.Equals(Name, other.Name, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Name);

    /// <summary>The name, behind its kind where that is not a stream topic.</summary>
    public override string ToString() => Kind == TopicKind.Stream ? Name : $"{Kind}:{Name}";

    /// <summary>What one service last looked up for this topic, so that a publish in a loop does not look it up again.</summary>
    internal object? Known
    {
        get => Volatile.Read(ref _known);
        set => Volatile.Write(ref _known, value);
    }
}
