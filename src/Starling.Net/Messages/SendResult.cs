namespace Starling.Net.Messages;

/// <summary>What became of a message for one peer.</summary>
public enum SendStatus
{
    /// <summary>A small message: the link took it, in order behind all that was sent before. A large one: the peer took it in and said so.</summary>
    Sent,

    /// <summary>There is no link to the peer.</summary>
    NoLink,

    /// <summary>It is larger than this node sends or the peer takes.</summary>
    TooLarge,

    /// <summary>The peer did not take it in time. It was withdrawn; where part of it was under way already, the detail says so and it may still arrive, whole.</summary>
    Backpressured,

    /// <summary>The peer does not speak the protocol.</summary>
    NotSupported,

    /// <summary>The peer refused it, or this node has stopped; the detail says why.</summary>
    Rejected,

    /// <summary>The link ended, or the stream did; the detail says how.</summary>
    Failed,
}

/// <summary>What became of a message for one peer.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Status">The outcome.</param>
/// <param name="Detail">A sentence for people; empty when the status says it all.</param>
public sealed record SendResult(PeerId Peer, SendStatus Status, string Detail = "")
{
    /// <summary>Whether it was sent.</summary>
    public bool IsSent => Status == SendStatus.Sent;
}

/// <summary>How a message is sent.</summary>
public sealed record SendOptions
{
    /// <summary>The pause between two peers. Default none: all at once, those with a link of high priority first.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>How long to wait for a slow peer; null takes <see cref="MessageOptions.SendTimeout"/> for small messages and <see cref="MessageOptions.StallTimeout"/> for large ones.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>Whom a message is for.</summary>
public sealed class SendTargets
{
    private SendTargets(IReadOnlyList<PeerId>? peers, int? random) => (Peers, Count) = (peers, random);

    /// <summary>All direct neighbours: the default.</summary>
    public static SendTargets Neighbours { get; } = new(null, null);

    internal IReadOnlyList<PeerId>? Peers { get; }

    internal int? Count { get; }

    /// <summary>So many direct neighbours by lot; all when there are fewer.</summary>
    public static SendTargets Random(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return new SendTargets(null, count);
    }

    /// <summary>These peers, each once, also over transient links.</summary>
    public static SendTargets To(params IEnumerable<PeerId> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        return new SendTargets([.. peers.Distinct()], null);
    }
}
