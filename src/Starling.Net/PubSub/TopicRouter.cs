using System.Threading.Channels;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>The router's loop: runs one event at a time against the core and carries out its effects, none of which waits.</summary>
internal sealed partial class TopicRouter
{
    private const int MaxEvents = 1024;
    private readonly Channel<RouterEvent> _events = Channel.CreateBounded<RouterEvent>(new BoundedChannelOptions(MaxEvents) { SingleReader = true });
    private readonly List<PubSubEffect> _effects = [];
    private readonly Dictionary<string, List<TopicSubscription>> _subscriptions = new(StringComparer.Ordinal);
    private List<TopicSubscription>? _blocked;
    private int _sent;
    private int _missed;
    private bool _waited;

    public TopicRouter(PeerId local, PubSubServiceOptions options, ResourceBudget budget, TimeProvider clock, RandomSource random, PubSubLog log, Func<PubSubCounters, PubSubMetrics> metrics)
    {
        LocalPeer = local;
        Options = options;
        Budget = budget;
        Clock = clock;
        Random = random;
        Log = log;
        Core = new PubSubCore(local, options, random);
        Metrics = metrics(Core.Counters);
        Loop = Task.Run(LoopAsync);
    }

    public PeerId LocalPeer { get; }

    public PubSubServiceOptions Options { get; }

    public ResourceBudget Budget { get; }

    public TimeProvider Clock { get; }

    public RandomSource Random { get; }

    public PubSubLog Log { get; }

    public PubSubMetrics Metrics { get; }

    /// <summary>To be used only in the router's turn.</summary>
    public PubSubCore Core { get; }

    public SubscriberBoard Board { get; } = new();

    /// <summary>Completes after <see cref="Stop"/>, once every event that came before has run.</summary>
    public Task Loop { get; }

    /// <summary>Puts an event in line; waits while the line is full.</summary>
    /// <exception cref="ObjectDisposedException">The router has stopped.</exception>
    public async ValueTask PostAsync(RouterEvent happened)
    {
        try
        {
            await _events.Writer.WriteAsync(happened).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(PubSubService), "This node's topics have been stopped.");
        }
    }

    /// <summary>Runs something in the router's turn and waits for it.</summary>
    public async ValueTask RunAsync(Action<TopicRouter> run)
    {
        var call = new RouterCall(run);
        await PostAsync(call).ConfigureAwait(false);
        await call.Completion.ConfigureAwait(false);
    }

    /// <summary>No further event is taken.</summary>
    public void Stop() => _events.Writer.TryComplete();

    /// <summary>Waits for a subscription's room, no longer than it may make others wait.</summary>
    public async Task WaitForRoomAsync(TopicSubscription subscription, CancellationToken cancellationToken)
    {
        try
        {
            await subscription.RoomAsync().WaitAsync(subscription.BlockTimeout, Clock, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Log.SubscriberStalled(subscription.Topic, subscription.BlockTimeout);
            subscription.StopWaiting();
        }
    }

    public int Receive(PeerId from, Rpc rpc)
    {
        var unverified = Core.Receive(from, rpc, Clock.Now(), _effects);
        CarryOut();
        return unverified;
    }

    public void Accept(PeerId from, Rpc rpc, List<TopicSubscription> blocked)
    {
        _blocked = blocked;
        Core.Accept(from, rpc, Clock.Now(), _effects);
        CarryOut();
        _blocked = null;
    }

    public PublishResult Publish(PubSubMessage message, bool waited, List<TopicSubscription> blocked)
    {
        (_sent, _missed, _waited, _blocked) = (0, 0, waited, blocked);
        Core.Publish(message, Clock.Now(), _effects);
        CarryOut();
        _blocked = null;
        if (_missed > 0) return new PublishResult(PublishStatus.Backpressured, _sent, _missed);
        return _sent == 0 ? new PublishResult(PublishStatus.NoPeers) : new PublishResult(PublishStatus.Sent, _sent);
    }

    public void Subscribe(TopicSubscription subscription)
    {
        Core.Subscribe(subscription.Topic, Clock.Now(), _effects);
        CarryOut();
        if (!_subscriptions.TryGetValue(subscription.Topic, out var list)) _subscriptions.Add(subscription.Topic, list = []);
        list.Add(subscription);
    }

    public void Unsubscribe(TopicSubscription subscription)
    {
        if (!_subscriptions.TryGetValue(subscription.Topic, out var list) || !list.Remove(subscription)) return;
        LeaveIfUnused(subscription.Topic, list);
        CarryOut();
    }

    public void EndSubscriptions()
    {
        foreach (var subscription in _subscriptions.Values.SelectMany(list => list)) subscription.Complete();
    }

    private async Task LoopAsync()
    {
        await foreach (var happened in _events.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                ReconcileLinks();
                happened.Run(this);
                happened.Done();
            }
#pragma warning disable CA1031 // The loop outlives any event; the one who sent it gets the error.
            catch (Exception error)
#pragma warning restore CA1031
            {
                _effects.Clear();
                happened.Fail(error);
            }
        }
    }

    private void CarryOut()
    {
        // An effect may add further ones at the end.
        for (var i = 0; i < _effects.Count; i++)
        {
            var effect = _effects[i];
            switch (effect.Kind)
            {
                case PubSubEffectKind.Deliver:
                    Deliver(effect.Message!, effect.Peer);
                    break;
                case PubSubEffectKind.Send:
                    Send(_peers[effect.Peer], effect.Message!);
                    break;
                case PubSubEffectKind.PeerSubscribed:
                    Board.Add(effect.Topic, _peers[effect.Peer]);
                    break;
                case PubSubEffectKind.PeerUnsubscribed:
                    Board.Remove(effect.Topic, _peers[effect.Peer]);
                    break;
                case PubSubEffectKind.AnnounceSubscribe or PubSubEffectKind.AnnounceUnsubscribe:
                    var peer = _peers[effect.Peer];
                    if (!peer.Queue.Announce(effect.Topic, effect.Kind == PubSubEffectKind.AnnounceSubscribe)) peer.Restart();
                    break;
            }
        }

        _effects.Clear();
    }

    private void Send(PubSubPeer peer, PubSubMessage message)
    {
        if (!message.Id.Origin.Equals(LocalPeer)) Metrics.Dropped(DropReason.SlowPeer, peer.Queue.EnqueueRelayed(message));
        else if (peer.Queue.TryEnqueueOwn(message, _waited)) _sent++;
        else if (!peer.Queue.IsClosed) _missed++;
    }

    private void Deliver(PubSubMessage message, PeerId from)
    {
        if (!_subscriptions.TryGetValue(message.Topic, out var list)) return;
        var delivered = new TopicMessage(message, from, Clock.GetUtcNow());
        for (var i = list.Count - 1; i >= 0; i--)
        {
            var subscription = list[i];
            var room = subscription.Enqueue(delivered, out var dropped);
            Metrics.Dropped(DropReason.SlowSubscriber, dropped);
            if (!room && _blocked is not null && !_blocked.Contains(subscription)) _blocked.Add(subscription);
            if (subscription.HasEnded) list.RemoveAt(i);
        }

        LeaveIfUnused(message.Topic, list);
    }

    private void LeaveIfUnused(string topic, List<TopicSubscription> list)
    {
        if (list.Count > 0) return;
        _subscriptions.Remove(topic);
        Core.Unsubscribe(topic, Clock.Now(), _effects);
    }
}
