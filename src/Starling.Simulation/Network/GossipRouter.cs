using Starling.Protocols.PubSub;

namespace Starling.Simulation;

/// <summary>The shell of one node's router: feeds it what arrives, carries its effects out over simulated links. Nothing is encoded.</summary>
internal sealed class GossipRouter
{
    private readonly SimulatedNode _node;
    private readonly SimulationOptions _options;
    private readonly List<PubSubEffect> _effects = [];
    private Instant _timer = Instant.Never;

    public GossipRouter(SimulatedNode node)
    {
        (_node, _options) = (node, node.Network.Options);
        Core = new PubSubCore(node.Id, _options.Router, node.Random.Fork("router"));
    }

    public PubSubCore Core { get; }

    private Instant Now => _node.Network.Simulation.Now;

    public void Start()
    {
        Core.Subscribe(_options.Topic, Now, _effects);
        Flush();
    }

    public void AddPeer(SimulatedLink link)
    {
        Core.AddPeer(link.To.Id, _options.PeerKind, link.IsOutbound, null, Now, _effects);
        Flush();
    }

    public void RemovePeer(PeerId peer)
    {
        Core.RemovePeer(peer, Now, _effects);
        Flush();
    }

    public void Publish(int number)
    {
        Core.Publish(PubSubMessage.WithoutBytes(new MessageId(_node.Id, (ulong)number), _options.Topic, _options.MessageBytes), Now, _effects);
        Flush();
    }

    public void Receive(SimulatedNode from, FrameKind kind, object? payload)
    {
        switch (kind)
        {
            case FrameKind.Message:
                var message = (PubSubMessage)payload!;
                _node.Network.OnCopy(_node, message.Id.SequenceNumber);
                Core.ReceiveMessage(from.Id, message, Now, _effects);
                break;
            case FrameKind.Subscribe or FrameKind.Unsubscribe:
                Core.ReceiveSubscription(from.Id, new SubscriptionEntry((string)payload!, kind == FrameKind.Subscribe), Now, _effects);
                break;
            default:
                Core.ReceiveControl(from.Id, ControlOf(kind, payload), Now, _effects);
                break;
        }

        Flush();
    }

    /// <summary>The time that the router asked for has come.</summary>
    public void Tick()
    {
        if (Now < _timer) return;
        _timer = Instant.Never;
        Core.Heartbeat(Now, _effects);
        Flush();
        _node.Behaviour?.OnHeartbeat(_node);
    }

    /// <summary>Sends what an effect says to send, as far as there is a link.</summary>
    public void Carry(in PubSubEffect effect)
    {
        if (!_node.Links.TryGetValue(effect.Peer, out var link)) return;
        switch (effect.Kind)
        {
            case PubSubEffectKind.Send:
                link.Send(FrameKind.Message, effect.Message, effect.Message!.Size);
                break;
            case PubSubEffectKind.AnnounceSubscribe:
                link.Send(FrameKind.Subscribe, effect.Topic, 8 + effect.Topic.Length);
                break;
            case PubSubEffectKind.AnnounceUnsubscribe:
                link.Send(FrameKind.Unsubscribe, effect.Topic, 8 + effect.Topic.Length);
                break;
            case PubSubEffectKind.Graft:
                link.Send(FrameKind.Graft, null, 8 + effect.Topic.Length);
                break;
            case PubSubEffectKind.Prune:
                link.Send(FrameKind.Prune, effect.Detail, 12 + effect.Topic.Length);
                break;
            case PubSubEffectKind.IHave:
                link.Send(FrameKind.IHave, effect.Detail, 8 + effect.Topic.Length + SizeOf(effect.Detail));
                break;
            case PubSubEffectKind.IWant:
                link.Send(FrameKind.IWant, effect.Detail, 6 + SizeOf(effect.Detail));
                break;
            case PubSubEffectKind.IDontWant:
                link.Send(FrameKind.IDontWant, effect.Detail, 6 + SizeOf(effect.Detail));
                break;
        }
    }

    private void Flush()
    {
        foreach (ref readonly var effect in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_effects))
        {
            if (effect.Kind == PubSubEffectKind.Deliver) _node.Network.OnDelivered(_node, effect.Message!.Id.SequenceNumber);
            else if (_node.Behaviour is not { } behaviour || behaviour.Sends(_node, in effect)) Carry(in effect);
        }

        _effects.Clear();
        if (Core.NextTick >= _timer) return;
        _timer = Core.NextTick;
        _node.SetRouterTimer(Math.Max(0, (_timer - Now).Ticks));
    }

    private GossipControl ControlOf(FrameKind kind, object? payload) => kind switch
    {
        FrameKind.Graft => new GossipControl(GossipControlKind.Graft, _options.Topic),
        FrameKind.Prune => new GossipControl(GossipControlKind.Prune, _options.Topic, Prune: (PruneDetail?)payload),
        FrameKind.IHave => new GossipControl(GossipControlKind.IHave, _options.Topic, (MessageId[])payload!),
        FrameKind.IWant => new GossipControl(GossipControlKind.IWant, "", (MessageId[])payload!),
        _ => new GossipControl(GossipControlKind.IDontWant, "", (MessageId[])payload!),
    };

    /// <summary>An id is the origin's 38 bytes, the number's 8, a tag and a length.</summary>
    private static int SizeOf(object? ids) => ((MessageId[])ids!).Length * 48;
}
