namespace Starling.Protocols.PubSub;

/// <summary>How the mesh is kept and gossiped over: the parameters of the gossipsub specs, under their meaning, with the spec's names beside them.</summary>
public sealed class GossipOptions : ICheckedOptions
{
    /// <summary>Time between heartbeats. Default 1 second. The first comes after a random part of it, so that nodes started together do not beat together.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Neighbours wanted in a topic's mesh, the spec's D. Default 6.</summary>
    /// <remarks>About ln(N)+2 reaches everyone; each extra one costs one more copy of every message.</remarks>
    public int MeshDegree { get; set; } = 6;

    /// <summary>With fewer than these more are grafted, D_low. Default 4; at most <see cref="MeshDegree"/>.</summary>
    public int MeshLow { get; set; } = 4;

    /// <summary>With more than these some are pruned, D_high. Default 12; at least <see cref="MeshDegree"/>.</summary>
    public int MeshHigh { get; set; } = 12;

    /// <summary>Best scored neighbours that such a pruning keeps; the others stay by chance, D_score. Default 4; at most <see cref="MeshDegree"/>.</summary>
    public int MeshScored { get; set; } = 4;

    /// <summary>Neighbours of a mesh that this node has dialled, at least, where there are so many, D_out. Default 2; below <see cref="MeshLow"/> and at most half of <see cref="MeshDegree"/>.</summary>
    public int MeshOutbound { get; set; } = 2;

    /// <summary>Neighbours outside the mesh that are told of new messages at each heartbeat, at least, D_lazy. Default 6.</summary>
    public int LazyDegree { get; set; } = 6;

    /// <summary>The part of the neighbours outside the mesh that is told, where that is more. Default 0.25; 0 to 1.</summary>
    public double GossipFactor { get; set; } = 0.25;

    /// <summary>Heartbeats for which a message is kept to be asked for, <c>mcache_len</c>. Default 5.</summary>
    public int HistoryLength { get; set; } = 5;

    /// <summary>Heartbeats for which neighbours are told of a message, <c>mcache_gossip</c>. Default 3; at most <see cref="HistoryLength"/>.</summary>
    public int HistoryGossip { get; set; } = 3;

    /// <summary>Bytes of messages kept to be asked for. Default 32 MiB; the oldest make room early and are counted.</summary>
    /// <remarks>Above 6.4 MiB a second this bound shortens <see cref="HistoryLength"/>. One message always fits.</remarks>
    public long MaxHistoryBytes { get; set; } = 32 << 20;

    /// <summary>Messages kept to be asked for. Default 65,536; the oldest make room early and are counted. Cost: about 150 bytes each beside the message.</summary>
    public int MaxHistoryMessages { get; set; } = 65_536;

    /// <summary>How long this node keeps its choice of neighbours for a topic that it publishes to and does not follow. Default 1 minute after the last message.</summary>
    public TimeSpan FanoutTime { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether an own message goes to every neighbour that follows the topic, not only to the mesh. Default true.</summary>
    /// <remarks>The quickest way out, and one that a hostile mesh cannot close; it costs one copy per following neighbour.</remarks>
    public bool FloodPublish { get; set; } = true;

    /// <summary>How long a pruned neighbour has to wait before it may graft again. Default 1 minute, in whole seconds on the wire.</summary>
    public TimeSpan PruneBackoff { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The same after this node has left the topic. Default 10 seconds.</summary>
    public TimeSpan UnsubscribeBackoff { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest backoff that is kept. Default 1 hour; a neighbour that asks for more is taken at this.</summary>
    public TimeSpan MaxBackoff { get; set; } = TimeSpan.FromHours(1);

    /// <summary>What this node waits beyond a backoff before it grafts. Default 2 seconds: a heartbeat of the other's and the way there.</summary>
    public TimeSpan BackoffSlack { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>A graft that comes so soon after its prune costs a second penalty. Default 10 seconds.</summary>
    public TimeSpan GraftFloodThreshold { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Refused GRAFTs that are answered, per neighbour and heartbeat. Default 1,024; further ones are refused in silence and counted.</summary>
    public int MaxRefusedGrafts { get; set; } = 1024;

    /// <summary>Backoffs that are remembered for one topic. Default 4,096; the ones that end first make room and are counted. Cost: about 60 bytes each.</summary>
    public int MaxBackoffs { get; set; } = 4096;

    /// <summary>Whether a neighbour pruned because the mesh is full is told of others that it may link to. Default false, as in other implementations.</summary>
    /// <remarks>It tells strangers who else follows the topic. What neighbours tell in return is taken whenever their score allows it.</remarks>
    public bool PeerExchange { get; set; }

    /// <summary>Peers named in one prune, sent and read. Default 16.</summary>
    public int MaxExchangedPeers { get; set; } = 16;

    /// <summary>Peers named by prunes that this node asks to be linked to between two heartbeats. Default 8; further ones are passed over and counted.</summary>
    public int MaxConnects { get; set; } = 8;

    /// <summary>Ids in one IHAVE, and ids asked for or served, per neighbour and heartbeat, of one kind. Default 5,000.</summary>
    /// <remarks>With <see cref="HistoryGossip"/> 3 that covers 1,666 messages a second: beyond it gossip repairs only a part.</remarks>
    public int MaxGossipIds { get; set; } = 5000;

    /// <summary>IHAVEs that are looked at, per neighbour and heartbeat. Default 10, as in other implementations.</summary>
    public int MaxIHaves { get; set; } = 10;

    /// <summary>How long a neighbour has to send what it had and was asked for. Default 3 seconds; then its promise is broken and costs a penalty.</summary>
    public TimeSpan PromiseTime { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How often one message is sent to one neighbour that asks for it. Default 3.</summary>
    public int MaxRetransmissions { get; set; } = 3;

    /// <summary>Encoded size from which a new message is followed by IDONTWANT. Default 1,024 bytes: below, the word costs as much as the copy that it saves.</summary>
    public int IDontWantSize { get; set; } = 1024;

    /// <summary>Ids of IDONTWANT that are heeded, per neighbour and heartbeat. Default 1,000; further ones are ignored and counted. Kept for two to four heartbeats, about 60 bytes each.</summary>
    public int MaxIDontWants { get; set; } = 1000;

    /// <summary>Heartbeats between two attempts to better a mesh whose median score is low. Default 60.</summary>
    public int OpportunisticGraftTicks { get; set; } = 60;

    /// <summary>Neighbours grafted by such an attempt. Default 2.</summary>
    public int OpportunisticGrafts { get; set; } = 2;

    /// <summary>Heartbeats between two attempts to be linked to explicit peers that are not. Default 300.</summary>
    public int ExplicitConnectTicks { get; set; } = 300;

    /// <summary>Topics that this node follows because a pattern of its own matches them. Default 256; further ones are not joined, which is counted, and their messages come only from neighbours that publish or mesh them.</summary>
    public int MaxPatternTopics { get; set; } = 256;

    /// <summary>How long such a topic is kept without a message. Default 5 minutes.</summary>
    public TimeSpan PatternTopicTime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Patterns that one neighbour may announce. Default 64, and twice as many between two heartbeats; further ones are ignored and counted.</summary>
    /// <remarks>Each is compared with every topic that this node comes to know: the product of both bounds is the work that neighbours can cause.</remarks>
    public int MaxPatternsPerPeer { get; set; } = 64;

    /// <summary>Messages that wait for a verdict. Default 1,024; with so many, further ones are dropped, counted and may come again.</summary>
    public int MaxValidations { get; set; } = 1024;

    /// <summary>Bytes of messages that wait for a verdict. Default 16 MiB; as above. One message always fits.</summary>
    public long MaxValidationBytes { get; set; } = 16 << 20;

    /// <summary>The longest wait for a verdict. Default 30 seconds; then the message is ignored and counted.</summary>
    public TimeSpan ValidationTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Positive(HeartbeatInterval, nameof(HeartbeatInterval));
        problems.Within(MeshDegree, 1, 1024, nameof(MeshDegree));
        problems.Within(MeshLow, 1, MeshDegree, nameof(MeshLow));
        problems.Within(MeshHigh, MeshDegree, 4096, nameof(MeshHigh));
        problems.Within(MeshScored, 0, MeshDegree, nameof(MeshScored));
        problems.Within(MeshOutbound, 0, Math.Max(0, Math.Min(MeshLow - 1, MeshDegree / 2)), nameof(MeshOutbound));
        problems.Within(LazyDegree, 0, 4096, nameof(LazyDegree));
        problems.Within(GossipFactor, 0.0, 1.0, nameof(GossipFactor));
        problems.Within(HistoryLength, 1, 1024, nameof(HistoryLength));
        problems.Within(HistoryGossip, 1, HistoryLength, nameof(HistoryGossip));
        problems.Least(MaxHistoryBytes, 1, nameof(MaxHistoryBytes));
        problems.Least(MaxHistoryMessages, 1, nameof(MaxHistoryMessages));
        problems.Positive(FanoutTime, nameof(FanoutTime));
        problems.Positive(PruneBackoff, nameof(PruneBackoff));
        problems.Positive(UnsubscribeBackoff, nameof(UnsubscribeBackoff));
        problems.Positive(MaxBackoff, nameof(MaxBackoff));
        problems.NotNegative(BackoffSlack, nameof(BackoffSlack));
        problems.NotNegative(GraftFloodThreshold, nameof(GraftFloodThreshold));
        problems.Least(MaxRefusedGrafts, 1, nameof(MaxRefusedGrafts));
        problems.Least(MaxBackoffs, 1, nameof(MaxBackoffs));
        problems.Within(MaxExchangedPeers, 0, 1024, nameof(MaxExchangedPeers));
        problems.Within(MaxConnects, 0, 1024, nameof(MaxConnects));
        problems.Within(MaxGossipIds, 1, 1_000_000, nameof(MaxGossipIds));
        problems.Least(MaxIHaves, 1, nameof(MaxIHaves));
        problems.Positive(PromiseTime, nameof(PromiseTime));
        problems.Least(MaxRetransmissions, 1, nameof(MaxRetransmissions));
        problems.Least(IDontWantSize, 0, nameof(IDontWantSize));
        problems.Within(MaxIDontWants, 0, 1_000_000, nameof(MaxIDontWants));
        problems.Least(OpportunisticGraftTicks, 1, nameof(OpportunisticGraftTicks));
        problems.Within(OpportunisticGrafts, 0, 1024, nameof(OpportunisticGrafts));
        problems.Least(ExplicitConnectTicks, 1, nameof(ExplicitConnectTicks));
        problems.Least(MaxPatternTopics, 0, nameof(MaxPatternTopics));
        problems.Positive(PatternTopicTime, nameof(PatternTopicTime));
        problems.Within(MaxPatternsPerPeer, 0, 4096, nameof(MaxPatternsPerPeer));
        problems.Least(MaxValidations, 1, nameof(MaxValidations));
        problems.Least(MaxValidationBytes, 1, nameof(MaxValidationBytes));
        problems.Positive(ValidationTimeout, nameof(ValidationTimeout));
    }
}
