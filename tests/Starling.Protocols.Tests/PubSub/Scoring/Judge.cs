using Starling.Protocols.PubSub;
using Starling.Protocols.PubSub.Scoring;

namespace Starling.Protocols.Tests.PubSub.Scoring;

/// <summary>A score keeper on virtual time, with short names for what happens.</summary>
internal sealed class Judge
{
    public const string Topic = "songs";
    private ulong _lastId;

    public Judge(PeerScoreOptions options)
    {
        Options = options;
        Scores = new PeerScore(options, Now);
    }

    public PeerScoreOptions Options { get; }

    public PeerScore Scores { get; }

    public Instant Now { get; private set; } = new(TimeSpan.FromHours(1).Ticks);

    /// <summary>Options under which nothing counts but what a test turns on.</summary>
    public static PeerScoreOptions Only(Action<TopicScoreOptions>? topic = null, Action<PeerScoreOptions>? peer = null)
    {
        var scored = new TopicScoreOptions
        {
            TimeInMeshWeight = 0,
            FirstMessageDeliveriesWeight = 0,
            InvalidMessageDeliveriesWeight = 0,
            FirstMessageDeliveriesDecay = 0.5,
            MeshMessageDeliveriesDecay = 0.5,
            MeshFailurePenaltyDecay = 0.5,
            InvalidMessageDeliveriesDecay = 0.5,
        };
        topic?.Invoke(scored);
        var options = new PeerScoreOptions { BehaviourPenaltyWeight = 0, TopicScoreCap = 0 };
        options.Topics.Add(Topic, scored);
        peer?.Invoke(options);
        return options;
    }

    public static PeerId Peer(int number) => PeerId.FromBytes([0x00, 0x04, .. BitConverter.GetBytes(number)]);

    public static MessageId Id(ulong number) => new(Peer(-1), number);

    public MessageId NewId() => Id(++_lastId);

    public void Add(int peer, string? address = null) => Scores.AddPeer(Peer(peer), address, Now);

    public void Remove(int peer) => Scores.RemovePeer(Peer(peer), Now);

    public void Graft(int peer, string topic = Topic) => Scores.Graft(Peer(peer), topic, Now);

    public void Prune(int peer, string topic = Topic) => Scores.Prune(Peer(peer), topic);

    public void Deliver(int peer, string topic = Topic) => Scores.Deliver(Peer(peer), NewId(), topic, Now);

    public void Duplicate(int peer, MessageId id) => Scores.Duplicate(Peer(peer), id, Topic, Now);

    public void Reject(int peer, MessageId id, ScoreRejection why = ScoreRejection.Invalid) => Scores.Reject(Peer(peer), id, Topic, why, Now);

    public double Score(int peer) => Scores.Score(Peer(peer));

    /// <summary>Time passes second by second, with the decay of each.</summary>
    public void Seconds(double seconds)
    {
        var until = Now + TimeSpan.FromSeconds(seconds);
        while (Now < until)
        {
            var step = Now + TimeSpan.FromSeconds(1);
            Now = step < until ? step : until;
            Scores.Decay(Now);
        }
    }

    /// <summary>Time passes without a decay.</summary>
    public void Pass(TimeSpan time) => Now += time;
}
