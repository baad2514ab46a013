using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Carries the core's effects out, in the router's turn.</content>
internal sealed partial class TopicRouter
{
    private readonly List<IFollowerObserver> _observers = [];
    private List<ITopicSink>? _full;
    private Release? _release;
    private int _sent;
    private int _missed;
    private bool _waited;
    private bool _publishing;
    private bool _carrying;

    /// <summary>Tells of every change of who follows what; of what is so already first.</summary>
    public void Observe(IFollowerObserver observer)
    {
        using var turn = BeginTurn();
        foreach (var (topic, peer) in Board.All()) observer.OnFollower(new WireTopic(Family, topic), peer, follows: true);
        _observers.Add(observer);
    }

    public void Unobserve(IFollowerObserver observer)
    {
        using var turn = BeginTurn();
        _observers.Remove(observer);
    }

    private void CarryOut()
    {
        // A turn within this one has added at the end, and the outer loop gets there.
        if (_carrying) return;
        _carrying = true;
        try
        {
            for (var i = 0; i < _effects.Count; i++) CarryOut(_effects[i]);
        }
        finally
        {
            _effects.Clear();
            _carrying = false;
        }
    }

    private void CarryOut(in PubSubEffect effect)
    {
        switch (effect.Kind)
        {
            case PubSubEffectKind.Deliver:
                Deliver(effect.Message!, effect.Peer);
                break;
            case PubSubEffectKind.Send:
                if (_peers.TryGetValue(effect.Peer, out var receiver)) Send(receiver, effect.Message!);
                break;
            case PubSubEffectKind.PeerSubscribed:
                OnFollower(effect.Topic, effect.Peer, follows: true);
                break;
            case PubSubEffectKind.PeerUnsubscribed:
                OnFollower(effect.Topic, effect.Peer, follows: false);
                break;
            case PubSubEffectKind.Validate:
                _work.Judged.Add((this, effect.Message!, effect.Peer));
                break;
            case PubSubEffectKind.MeshAdded:
                OnMesh(effect.Topic, effect.Peer, added: true);
                break;
            case PubSubEffectKind.MeshRemoved:
                OnMesh(effect.Topic, effect.Peer, added: false);
                break;
            case PubSubEffectKind.Connect:
                OnConnect(effect.Peer, effect.Detail as ReadOnlyMemory<byte>?);
                break;
            default:
                if (_peers.TryGetValue(effect.Peer, out var told)) Tell(told, effect);
                break;
        }
    }

    private void Send(PubSubPeer peer, PubSubMessage message)
    {
        var lost = 0;
        if (!_publishing)
        {
            // Also an own message that a neighbour asks for: however often it does, its queue keeps its bound.
            lost = peer.Queue.EnqueueRelayed(message);
            Metrics.Dropped(DropReason.SlowPeer, lost);
        }
        else if (peer.Queue.TryEnqueueOwn(new Outgoing(message, _release), _waited)) _sent++;
        else if (!peer.Queue.IsClosed) lost = ++_missed > 0 ? 1 : 0;
        Touch(peer);
        if (TallyOf(message.Topic) is not { } tally) return;
        tally.Sent++;
        tally.Dropped += lost;
    }

    private void Tell(PubSubPeer peer, in PubSubEffect control)
    {
        if (!peer.Queue.Tell(control, Core.IdFormOf(peer.Id), out var stale)) _work.Restarted.Add(peer);
        Metrics.Dropped(DropReason.StaleAsk, stale);
        Touch(peer);
    }

    private void Touch(PubSubPeer peer)
    {
        if (peer.IsTouched) return;
        peer.IsTouched = true;
        _work.Touched.Add(peer);
    }

    private void OnFollower(string topic, PeerId id, bool follows)
    {
        if (_peers.TryGetValue(id, out var peer))
        {
            if (follows) Board.Add(topic, peer);
            else Board.Remove(topic, peer);
        }

        foreach (var observer in _observers) observer.OnFollower(new WireTopic(Family, topic), id, follows);
    }
}
