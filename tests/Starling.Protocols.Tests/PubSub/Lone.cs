using Starling.Protocols.PubSub;
using Starling.Protocols.PubSub.Scoring;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>One router on virtual time among neighbours that only say what a test has them say. Effects are those of the last call.</summary>
internal sealed class Lone
{
    public const string Topic = "songs";
    private ulong _number;

    public Lone(PubSubOptions? options = null, PeerScoreOptions? score = null, OriginPolicy policy = OriginPolicy.Signed)
    {
        Options = options ?? new PubSubOptions();
        Core = new PubSubCore(Peer(250), Options, RandomSource.Seeded(5), policy);
        if (score is not null) Core.Score = new PeerScore(score, Now);
    }

    public PubSubOptions Options { get; }

    public PubSubCore Core { get; }

    public List<PubSubEffect> Effects { get; } = [];

    public Instant Now { get; set; } = new(TimeSpan.TicksPerDay);

    /// <summary>The id of the neighbour with this number.</summary>
    public static PeerId Peer(int number) => PeerId.FromBytes([0, 36, 8, 1, 18, 32, .. new byte[30], (byte)(number >> 8), (byte)number]);

    /// <summary>So many neighbours that follow the topic, from number 0 on.</summary>
    public Lone With(int followers, PubSubPeerKind kind = PubSubPeerKind.Mesh12, bool isOutbound = false, int from = 0)
    {
        for (var i = from; i < from + followers; i++)
        {
            Link(i, kind, isOutbound);
            Says(i, Topic);
        }

        Effects.Clear();
        return this;
    }

    public Lone Follow(string topic = Topic)
    {
        Do(core => core.Subscribe(topic, Now, Effects));
        return this;
    }

    public void Link(int peer, PubSubPeerKind kind = PubSubPeerKind.Mesh12, bool isOutbound = false) =>
        Do(core => core.AddPeer(Peer(peer), kind, isOutbound, null, Now, Effects));

    public void Says(int peer, string topic, bool subscribe = true) => Do(core => core.ReceiveSubscription(Peer(peer), new SubscriptionEntry(topic, subscribe), Now, Effects));

    public void Grafts(int peer, string topic = Topic) => Do(core => core.ReceiveControl(Peer(peer), new GossipControl(GossipControlKind.Graft, topic), Now, Effects));

    public void Prunes(int peer, TimeSpan? backoff = null, params ExchangedPeer[] others) =>
        Do(core => core.ReceiveControl(Peer(peer), new GossipControl(GossipControlKind.Prune, Topic, default, new PruneDetail(backoff, others)), Now, Effects));

    public void Has(int peer, params MessageId[] ids) => Do(core => core.ReceiveControl(Peer(peer), new GossipControl(GossipControlKind.IHave, Topic, ids), Now, Effects));

    public void Wants(int peer, params MessageId[] ids) => Do(core => core.ReceiveControl(Peer(peer), new GossipControl(GossipControlKind.IWant, "", ids), Now, Effects));

    public void DoesNotWant(int peer, params MessageId[] ids) => Do(core => core.ReceiveControl(Peer(peer), new GossipControl(GossipControlKind.IDontWant, "", ids), Now, Effects));

    public PubSubMessage Message(int origin = 200, string topic = Topic, int size = 100) =>
        PubSubMessage.WithoutBytes(new MessageId(Peer(origin), ++_number), topic, size);

    public PubSubMessage Own(string topic = Topic, int size = 100) => PubSubMessage.WithoutBytes(new MessageId(Peer(250), ++_number), topic, size);

    public PubSubMessage Brings(int peer, PubSubMessage? message = null)
    {
        message ??= Message();
        Do(core => core.ReceiveMessage(Peer(peer), message, Now, Effects));
        return message;
    }

    public int Publish(PubSubMessage? message = null)
    {
        var count = 0;
        Do(core => count = core.Publish(message ?? Own(), Now, Effects));
        return count;
    }

    public void Beat(int times = 1)
    {
        Effects.Clear();
        for (var i = 0; i < times; i++)
        {
            Now += Options.Gossip.HeartbeatInterval;
            Core.Heartbeat(Now, Effects);
        }
    }

    public void Do(Action<PubSubCore> what)
    {
        Effects.Clear();
        what(Core);
    }

    public int[] Mesh(string topic = Topic) => [.. Core.Mesh(topic).Select(Number).Order()];

    /// <summary>Whom the last call had something of this kind for.</summary>
    public int[] To(PubSubEffectKind kind) => [.. Effects.Where(effect => effect.Kind == kind).Select(effect => Number(effect.Peer)).Order()];

    public IEnumerable<PubSubEffect> Of(PubSubEffectKind kind) => Effects.Where(effect => effect.Kind == kind);

    public PruneDetail PruneTo(int peer) => (PruneDetail)Of(PubSubEffectKind.Prune).Single(effect => Number(effect.Peer) == peer).Detail!;

    public long Refused(PubSubRefusal reason) => Core.Counters.Refused(reason);

    private static int Number(PeerId peer) => peer.Bytes[^2] << 8 | peer.Bytes[^1];
}
