using Starling.Protocols.PubSub;
using Starling.Protocols.Tests.PubSub.Wire;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>Several routers linked as a graph, on virtual time; whatever they send arrives through the codec, in an order drawn from a seed.</summary>
internal sealed class Flock : IDisposable
{
    private readonly RandomSource _random;
    private readonly Dictionary<(PeerId From, PeerId To), Wire> _wires = [];
    private readonly List<Wire> _busy = [];
    private readonly PubSubPeerKind _kind;
    private readonly List<PubSubEffect> _effects = [];

    public Flock(int size, ulong seed = 1, PubSubOptions? options = null, PubSubPeerKind kind = PubSubPeerKind.FloodSub, OriginPolicy policy = OriginPolicy.Signed)
    {
        Options = options ?? new PubSubOptions();
        _kind = kind;
        _random = RandomSource.Seeded(seed);
        Birds = [.. Enumerable.Range(0, size).Select(i => new Bird(Options, _random.Fork($"bird {i}"), policy))];
    }

    /// <summary>Says of a frame that is sent whether it is lost.</summary>
    public Func<Bird, PeerId, PubSubEffect, bool>? IsLost { get; set; }

    public PubSubOptions Options { get; }

    public IReadOnlyList<Bird> Birds { get; }

    public Instant Now { get; set; } = new(TimeSpan.TicksPerDay);

    public void Link(int left, int right)
    {
        foreach (var (from, to) in new[] { (left, right), (right, left) })
        {
            _wires[(Birds[from].Id, Birds[to].Id)] = new Wire(Birds[from], Birds[to]);
            Birds[from].Core.AddPeer(Birds[to].Id, _kind, isOutbound: from == left, null, Now, _effects);
            CarryOut(Birds[from]);
        }
    }

    public void Unlink(int left, int right)
    {
        foreach (var (from, to) in new[] { (Birds[left], Birds[right]), (Birds[right], Birds[left]) })
        {
            if (_wires.Remove((from.Id, to.Id), out var cut)) _busy.Remove(cut);
            from.Core.RemovePeer(to.Id, Now, _effects);
            CarryOut(from);
        }
    }

    public void Subscribe(int bird, string topic)
    {
        Birds[bird].Core.Subscribe(topic, Now, _effects);
        CarryOut(Birds[bird]);
    }

    public void Unsubscribe(int bird, string topic)
    {
        Birds[bird].Core.Unsubscribe(topic, Now, _effects);
        CarryOut(Birds[bird]);
    }

    public int Publish(int bird, string topic, byte[] data)
    {
        var count = Birds[bird].Core.Publish(Birds[bird].Signer.Sign(topic, data), Now, _effects);
        CarryOut(Birds[bird]);
        return count;
    }

    /// <summary>Lets every frame that is under way arrive, each wire in order, the wires in any order.</summary>
    public void Settle()
    {
        while (_busy.Count > 0)
        {
            var at = _random.Next(_busy.Count);
            var wire = _busy[at];
            var frame = wire.Frames.Dequeue();
            if (wire.Frames.Count == 0) _busy.RemoveAt(at);
            Receive(wire.To, wire.From.Id, frame);
        }
    }

    /// <summary>Time passes until every node has had so many heartbeats; what they send arrives.</summary>
    public void Beat(int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            Now += Options.Gossip.HeartbeatInterval;
            foreach (var bird in Birds) Beat(bird);
            Settle();
        }
    }

    public void Beat(Bird bird)
    {
        bird.Core.Heartbeat(Now, _effects);
        CarryOut(bird);
    }

    /// <summary>Does something to one router and carries out what it says.</summary>
    public void Do(Bird bird, Action<PubSubCore, List<PubSubEffect>> what)
    {
        what(bird.Core, _effects);
        CarryOut(bird);
    }

    public PubSubRefusal Receive(Bird to, PeerId from, ReadOnlyMemory<byte> frame)
    {
        var rpc = new Rpc();
        var refusal = RpcCodec.Decode(frame, Options, rpc);
        if (refusal != PubSubRefusal.None) return refusal;
        var unverified = to.Core.Receive(from, rpc, Now, _effects);
        CarryOut(to);
        if (unverified == 0) return refusal;
        to.Verifications += unverified;
        rpc.VerifySignatures();
        to.Core.Accept(from, rpc, Now, _effects);
        CarryOut(to);
        return refusal;
    }

    public void Dispose()
    {
        foreach (var bird in Birds) bird.Identity.Dispose();
    }

    private void CarryOut(Bird bird)
    {
        foreach (var effect in _effects)
        {
            switch (effect.Kind)
            {
                case PubSubEffectKind.Deliver:
                    bird.Delivered.Add(effect.Message!);
                    break;
                case PubSubEffectKind.Send:
                    var sized = new byte[RpcCodec.SizeOfMessage(effect.Message!.Encoded.Length)];
                    Assert.Equal(sized.Length, RpcCodec.WriteMessage(sized, effect.Message.Encoded.Span));
                    Send(bird, effect, sized);
                    break;
                case PubSubEffectKind.AnnounceSubscribe or PubSubEffectKind.AnnounceUnsubscribe:
                    var entry = new byte[RpcCodec.SizeOfSubscription(effect.Topic)];
                    Assert.Equal(entry.Length, RpcCodec.WriteSubscription(entry, effect.Topic, effect.Kind == PubSubEffectKind.AnnounceSubscribe));
                    Send(bird, effect, entry);
                    break;
                case PubSubEffectKind.Graft or PubSubEffectKind.Prune or PubSubEffectKind.IHave or PubSubEffectKind.IWant or PubSubEffectKind.IDontWant:
                    Send(bird, effect, Encode(GossipControl.From(effect)!.Value, bird.Core.IdFormOf(effect.Peer)));
                    bird.Said.Add(effect);
                    break;
                default:
                    bird.Heard.Add(effect);
                    break;
            }
        }

        _effects.Clear();
    }

    public static byte[] Encode(GossipControl control, MessageIdForm form = MessageIdForm.PeerId)
    {
        var entries = RpcCodec.SizeOfControlEntry(in control, form);
        var frame = new byte[RpcCodec.SizeOfControl(entries)];
        var at = RpcCodec.WriteControlHead(frame, entries);
        Assert.Equal(entries, RpcCodec.WriteControlEntry(frame.AsSpan(at), in control, form));
        return frame;
    }

    private void Send(Bird from, PubSubEffect effect, byte[] frame)
    {
        if (IsLost?.Invoke(from, effect.Peer, effect) == true || !_wires.TryGetValue((from.Id, effect.Peer), out var wire)) return;
        wire.Frames.Enqueue(frame);
        if (wire.Frames.Count == 1) _busy.Add(wire);
    }

    private sealed record Wire(Bird From, Bird To)
    {
        public Queue<byte[]> Frames { get; } = new();
    }

    internal sealed class Bird
    {
        public Bird(PubSubOptions options, RandomSource random, OriginPolicy policy)
        {
            Core = new PubSubCore(Id, options, random, policy);
            Signer = new MessageSigner(Identity, DateTimeOffset.UnixEpoch.AddYears(60), policy);
        }

        public NodeIdentity Identity { get; } = NodeIdentity.Generate();

        public PeerId Id => Identity.PeerId;

        public PubSubCore Core { get; }

        public MessageSigner Signer { get; }

        public int Verifications { get; set; }

        public List<PubSubMessage> Delivered { get; } = [];

        public List<PubSubEffect> Heard { get; } = [];

        /// <summary>Control messages that it sent.</summary>
        public List<PubSubEffect> Said { get; } = [];
    }
}

/// <summary>Messages as the generated classes see them.</summary>
internal static class WireExtensions
{
    public static WireMessage ToWire(this PubSubMessage message) => WireMessage.Parser.ParseFrom(message.Encoded.Span);

    public static WireRpc InRpc(this WireMessage message) => new() { Publish = { message } };
}
