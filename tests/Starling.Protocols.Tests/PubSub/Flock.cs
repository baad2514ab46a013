using Starling.Protocols.PubSub;
using Starling.Protocols.Tests.PubSub.Wire;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>Several routers linked as a graph, on virtual time; whatever they send arrives through the codec, in an order drawn from a seed.</summary>
internal sealed class Flock : IDisposable
{
    private readonly RandomSource _random;
    private readonly List<(Bird From, Bird To, Queue<byte[]> Wire)> _wires = [];
    private readonly List<PubSubEffect> _effects = [];

    public Flock(int size, ulong seed = 1, PubSubOptions? options = null)
    {
        Options = options ?? new PubSubOptions();
        _random = RandomSource.Seeded(seed);
        Birds = [.. Enumerable.Range(0, size).Select(_ => new Bird(Options))];
    }

    public PubSubOptions Options { get; }

    public IReadOnlyList<Bird> Birds { get; }

    public Instant Now { get; set; } = new(TimeSpan.TicksPerDay);

    public void Link(int left, int right)
    {
        foreach (var (from, to) in new[] { (left, right), (right, left) })
        {
            _wires.Add((Birds[from], Birds[to], new Queue<byte[]>()));
            Birds[from].Core.AddPeer(Birds[to].Id, PubSubPeerKind.FloodSub, isOutbound: from == left, null, Now, _effects);
            CarryOut(Birds[from]);
        }
    }

    public void Unlink(int left, int right)
    {
        foreach (var (from, to) in new[] { (Birds[left], Birds[right]), (Birds[right], Birds[left]) })
        {
            _wires.RemoveAll(wire => wire.From == from && wire.To == to);
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
        while (true)
        {
            var busy = _wires.Where(wire => wire.Wire.Count > 0).ToArray();
            if (busy.Length == 0) return;
            var (from, to, wire) = busy[_random.Next(busy.Length)];
            Receive(to, from.Id, wire.Dequeue());
        }
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
                    Send(bird, effect.Peer, sized);
                    break;
                case PubSubEffectKind.AnnounceSubscribe or PubSubEffectKind.AnnounceUnsubscribe:
                    var entry = new byte[RpcCodec.SizeOfSubscription(effect.Topic)];
                    Assert.Equal(entry.Length, RpcCodec.WriteSubscription(entry, effect.Topic, effect.Kind == PubSubEffectKind.AnnounceSubscribe));
                    Send(bird, effect.Peer, entry);
                    break;
                default:
                    bird.Heard.Add(effect);
                    break;
            }
        }

        _effects.Clear();
    }

    private void Send(Bird from, PeerId to, byte[] frame)
    {
        foreach (var wire in _wires)
        {
            if (wire.From == from && wire.To.Id.Equals(to)) wire.Wire.Enqueue(frame);
        }
    }

    internal sealed class Bird
    {
        public Bird(PubSubOptions options)
        {
            Core = new PubSubCore(Id, options, RandomSource.Seeded(1));
            Signer = new MessageSigner(Identity, DateTimeOffset.UnixEpoch.AddYears(60));
        }

        public NodeIdentity Identity { get; } = NodeIdentity.Generate();

        public PeerId Id => Identity.PeerId;

        public PubSubCore Core { get; }

        public MessageSigner Signer { get; }

        public int Verifications { get; set; }

        public List<PubSubMessage> Delivered { get; } = [];

        public List<PubSubEffect> Heard { get; } = [];
    }
}

/// <summary>Messages as the generated classes see them.</summary>
internal static class WireExtensions
{
    public static WireMessage ToWire(this PubSubMessage message) => WireMessage.Parser.ParseFrom(message.Encoded.Span);

    public static WireRpc InRpc(this WireMessage message) => new() { Publish = { message } };
}
