namespace Starling.Protocols.PubSub;

/// <summary>The bounds of a topic router. Every one has a named outcome when it is hit, counted in <see cref="PubSubCounters"/>.</summary>
public class PubSubOptions : ICheckedOptions
{
    /// <summary>Protocol ids that are served and opened, best first. Default: empty, which stands for gossipsub 1.2 and 1.1, then floodsub.</summary>
    /// <remarks>A neighbour that speaks floodsub alone gets every message of the topics it follows.</remarks>
    public IReadOnlyList<string> Protocols { get; set; } = [];

    /// <summary>Largest RPC that is read, in bytes. Default 4 MiB, as js-libp2p; a larger one ends the stream before its body is read.</summary>
    /// <remarks>Cost: one buffer of at most this size per neighbour, only while such an RPC arrives.</remarks>
    public int MaxRpcBytes { get; set; } = 4 << 20;

    /// <summary>Largest encoded message, in bytes, read or published. Default 1 MiB less 64 bytes, so that an RPC holding it fits the 1 MiB that go-libp2p reads.</summary>
    /// <remarks>About 130 bytes of it plus the topic's name are origin, number and signature.</remarks>
    public int MaxMessageBytes { get; set; } = (1 << 20) - 64;

    /// <summary>Longest topic name in UTF-8 bytes. Default 256.</summary>
    public int MaxTopicBytes { get; set; } = 256;

    /// <summary>Topics that one neighbour may follow. Default 1,024; further ones are ignored and counted.</summary>
    /// <remarks>Cost: up to (<see cref="MaxTopicBytes"/> × 2 + 100) bytes each, per neighbour.</remarks>
    public int MaxTopicsPerPeer { get; set; } = 1024;

    /// <summary>Topics that this node may follow. Default 1,024, the number that a Starling neighbour accepts.</summary>
    public int MaxTopics { get; set; } = 1024;

    /// <summary>Subscription entries read from one RPC. Default 5,000, as js-libp2p; an RPC with more ends the stream.</summary>
    public int MaxSubscriptionsPerRpc { get; set; } = 5000;

    /// <summary>Messages read from one RPC. Default 5,000, as js-libp2p; an RPC with more ends the stream.</summary>
    public int MaxMessagesPerRpc { get; set; } = 5000;

    /// <summary>How long a message id is remembered. Default 2 minutes, the gossipsub spec's <c>seen_ttl</c>.</summary>
    public TimeSpan SeenTime { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Message ids that are remembered at most. Default 262,144; the oldest make room and are counted.</summary>
    /// <remarks>Cost: about 64 bytes each, 16 MiB in all. Above 2,184 messages a second this bound shortens <see cref="SeenTime"/>.</remarks>
    public int MaxSeen { get; set; } = 262_144;

    /// <summary>Origins whose id and key are kept decoded. Default 4,096; cost about 600 bytes each. Others are decoded anew.</summary>
    public int MaxOrigins { get; set; } = 4096;

    /// <summary>Whether a published message is also delivered to this node's own subscriptions. Default false, as in libp2p.</summary>
    public bool EchoOwnMessages { get; set; }

    /// <summary>Numbers behind an origin's highest one within which copies of stream topics are told apart. Default 16,384; 64 to 1,048,576. Older ones count as known.</summary>
    /// <remarks>Cost: an eighth of it in bytes for each origin of a stream topic, at most <see cref="MaxOrigins"/> of them: 8 MiB by default.</remarks>
    public int SeenWindow { get; set; } = 16_384;

    /// <summary>Control messages (the entries of IHAVE, IWANT, GRAFT, PRUNE and IDONTWANT) read from one RPC. Default 5,000; an RPC with more ends the stream.</summary>
    public int MaxControlsPerRpc { get; set; } = 5000;

    /// <summary>Message ids in the control messages of one RPC. Default 20,000; an RPC with more ends the stream. Cost: 8 bytes each while it is read.</summary>
    public int MaxIdsPerRpc { get; set; } = 20_000;

    /// <summary>How the mesh is kept and gossiped over.</summary>
    public GossipOptions Gossip { get; set; } = new();

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it and says what to change.</exception>
    public void Validate() => OptionProblems.ThrowIfAny(this);

    /// <inheritdoc/>
    public virtual void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        foreach (var protocol in Protocols.Where(protocol => PubSubProtocol.KindOf(protocol) is null))
        {
            problems.Add(nameof(Protocols), protocol, "is no protocol of topics", $"use {string.Join(", ", PubSubProtocol.Default)}, or leave the list empty");
        }

        problems.Least(MaxRpcBytes, 1, nameof(MaxRpcBytes));
        problems.Least(MaxMessageBytes, 1, nameof(MaxMessageBytes));
        problems.Least(MaxTopicBytes, 1, nameof(MaxTopicBytes));
        problems.Least(MaxTopicsPerPeer, 1, nameof(MaxTopicsPerPeer));
        problems.Least(MaxTopics, 1, nameof(MaxTopics));
        problems.Least(MaxSubscriptionsPerRpc, 1, nameof(MaxSubscriptionsPerRpc));
        problems.Least(MaxMessagesPerRpc, 1, nameof(MaxMessagesPerRpc));
        problems.Least(MaxSeen, 1, nameof(MaxSeen));
        problems.Least(MaxOrigins, 1, nameof(MaxOrigins));
        problems.Least(MaxControlsPerRpc, 1, nameof(MaxControlsPerRpc));
        problems.Least(MaxIdsPerRpc, 1, nameof(MaxIdsPerRpc));
        problems.Within(SeenWindow, 64, 1 << 20, nameof(SeenWindow));
        problems.Positive(SeenTime, nameof(SeenTime));
        problems.Within(nameof(Gossip), Gossip);
        if (MaxMessageBytes > MaxRpcBytes - 16)
        {
            problems.Add(nameof(MaxMessageBytes), MaxMessageBytes, $"does not fit into an RPC of {nameof(MaxRpcBytes)} ({MaxRpcBytes})", "leave it at least 16 bytes smaller");
        }
    }
}

/// <summary>Protocol ids of topics on the wire.</summary>
public static class PubSubProtocol
{
    /// <summary>Flooding: every message goes to every neighbour that follows its topic.</summary>
    public const string FloodSub = "/floodsub/1.0.0";

    /// <summary>Gossipsub 1.0.</summary>
    public const string Mesh10 = "/meshsub/1.0.0";

    /// <summary>Gossipsub 1.1.</summary>
    public const string Mesh11 = "/meshsub/1.1.0";

    /// <summary>Gossipsub 1.2.</summary>
    public const string Mesh12 = "/meshsub/1.2.0";

    /// <summary>Gossipsub 1.2 between Starling nodes, under <see cref="OriginPolicy.Link"/>.</summary>
    public const string StarlingMesh = "/starling/meshsub/1.0.0";

    /// <summary>What libp2p peers are served and sent, best first.</summary>
    public static IReadOnlyList<string> Default { get; } = [Mesh12, Mesh11, FloodSub];

    /// <summary>What a neighbour whose stream speaks this protocol understands; null for an id that is no topic protocol's.</summary>
    public static PubSubPeerKind? KindOf(string protocol) => protocol switch
    {
        FloodSub => PubSubPeerKind.FloodSub,
        Mesh10 => PubSubPeerKind.Mesh10,
        Mesh11 => PubSubPeerKind.Mesh11,
        Mesh12 or StarlingMesh => PubSubPeerKind.Mesh12,
        _ => null,
    };
}
