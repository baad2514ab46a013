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
        : base("topics", Subscriptions(), Message("news", "first"u8), Message("news", "second"u8), [.. Subscriptions(), .. Message("other", [])])
    {
    }

    public override void Feed(byte[] input, RandomSource random)
    {
        if (_fed++ % 1000 == 0)
        {
            _core = new PubSubCore(Local, Options, RandomSource.Seeded(1));
            _core.AddPeer(Identity.PeerId, PubSubPeerKind.Mesh12, isOutbound: false, null, default, _effects);
            _core.Subscribe("news", default, _effects);
        }

        _effects.Clear();
        if (RpcCodec.Decode(input, Options, _rpc) != PubSubRefusal.None) return;
        var now = new Instant(_fed * TimeSpan.TicksPerSecond);
        if (_core.Receive(Identity.PeerId, _rpc, now, _effects) > 0) _rpc.VerifySignatures();
        _core.Accept(Identity.PeerId, _rpc, now, _effects);
        foreach (var effect in _effects)
        {
            if (effect.Kind == PubSubEffectKind.Deliver) Hold(Signed.Contains(Convert.ToHexString(effect.Message!.Data.Span)), "only what was signed is delivered");
        }
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
