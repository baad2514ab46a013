using Starling.Protocols.PubSub;

namespace Starling.Fuzz;

/// <summary>Pub/sub RPCs, from the bytes to the router: nothing that its origin did not sign is delivered, and the tables stay within their bounds.</summary>
internal sealed class TopicRpcs : Target
{
    private static readonly PubSubOptions Options = new();
    private static readonly NodeIdentity Identity = NodeIdentity.Generate();
    private static readonly PeerId Local = PeerId.FromBytes([0, 36, 8, 1, 18, 32, .. new byte[32]]);
    private static readonly HashSet<string> Signed = [];

    private readonly List<PubSubEffect> _effects = [];
    private readonly Rpc _rpc = new();
    private PubSubCore _core = null!;
    private int _fed;

    public TopicRpcs()
        : base("topics", Subscriptions(), Message("news", "first"u8), Message("news", "second"u8), [.. Subscriptions(), .. Message("other", [])], Controls(), [.. Controls(), .. Subscriptions(), .. Message("news", "third"u8)])
    {
    }

    public override void Feed(byte[] input, RandomSource random)
    {
        if (_fed++ % 1000 == 0)
        {
            _core = new PubSubCore(Local, Options, RandomSource.Seeded(1));
            _core.AddPeer(Identity.PeerId, PubSubPeerKind.Mesh12, isOutbound: false, null, default, _effects);
            _core.Subscribe("news", default, _effects);
            _core.Subscribe("news.>", default, _effects);
        }

        _effects.Clear();
        if (RpcCodec.Decode(input, Options, _rpc) != PubSubRefusal.None) return;
        var now = new Instant(_fed * TimeSpan.TicksPerSecond / 4);
        _core.Heartbeat(now, _effects);
        if (_core.Receive(Identity.PeerId, _rpc, now, _effects) > 0) _rpc.VerifySignatures();
        _core.Accept(Identity.PeerId, _rpc, now, _effects);
        Hold(_core.Mesh("news").Count() <= 1, "the only neighbour is in the mesh at most once");
        Hold(_core.HistoryCount <= Options.Gossip.MaxHistoryMessages, "the history is bounded");
        foreach (var effect in _effects)
        {
            if (effect.Kind == PubSubEffectKind.Deliver) Hold(Signed.Contains(Convert.ToHexString(effect.Message!.Data.Span)), "only what was signed is delivered");
            if (effect.Kind == PubSubEffectKind.IWant) Hold(((MessageId[])effect.Detail!).Length <= Options.Gossip.MaxGossipIds, "no more is asked for than may be");
            if (GossipControl.From(effect) is { } control) Hold(Written(control), "what the router says fits its announced size and is read again");
        }
    }

    private static bool Written(in GossipControl control)
    {
        var bytes = Encode(control);
        return RpcCodec.Decode(bytes, Options, new Rpc()) == PubSubRefusal.None;
    }

    private static byte[] Controls()
    {
        MessageId[] ids = [new(Identity.PeerId, 1), new(Local, ulong.MaxValue)];
        return
        [
            .. Encode(new GossipControl(GossipControlKind.Graft, "news")),
            .. Encode(new GossipControl(GossipControlKind.Prune, "news", default, new PruneDetail(TimeSpan.FromSeconds(60), [new ExchangedPeer(Local, new byte[] { 1, 2, 3 })]))),
            .. Encode(new GossipControl(GossipControlKind.IHave, "news", ids)),
            .. Encode(new GossipControl(GossipControlKind.IWant, "", ids)),
            .. Encode(new GossipControl(GossipControlKind.IDontWant, "", ids)),
        ];
    }

    private static byte[] Encode(in GossipControl control)
    {
        var length = RpcCodec.SizeOfControlEntry(in control, MessageIdForm.PeerId);
        var frame = new byte[RpcCodec.SizeOfControl(length)];
        var head = RpcCodec.WriteControlHead(frame, length);
        Hold(RpcCodec.WriteControlEntry(frame.AsSpan(head), in control, MessageIdForm.PeerId) == length, "an entry takes the size that was announced");
        return frame;
    }

    private static byte[] Subscriptions()
    {
        var rpc = new byte[RpcCodec.SizeOfSubscription("news") + RpcCodec.SizeOfSubscription("other")];
        var length = RpcCodec.WriteSubscription(rpc, "news", true);
        RpcCodec.WriteSubscription(rpc.AsSpan(length), "other", false);
        return rpc;
    }

    private static byte[] Message(string topic, ReadOnlySpan<byte> data)
    {
        Signed.Add(Convert.ToHexString(data));
        var message = new MessageSigner(Identity, new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero)).Sign(topic, data);
        var rpc = new byte[RpcCodec.SizeOfMessage(message.Encoded.Length)];
        RpcCodec.WriteMessage(rpc, message.Encoded.Span);
        return rpc;
    }
}
