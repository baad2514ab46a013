using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <summary>One stream or link topic of this node: its log, the order of what arrives, and whoever subscribes to it or publishes.</summary>
internal sealed partial class StreamTopic : ITopicSink
{
    private readonly Lock _gate = new();
    private readonly List<StreamLane> _lanes = [];
    private readonly List<StreamEffect> _losses = [];
    private readonly StreamTopics _owner;
    private readonly ReplayLog _log;
    private readonly Lazy<StreamPublisher> _publisher;
    private ITimer? _timer;
    private Instant _wake = Instant.Never;
    private TopicSubscription[] _subscriptions = [];
    private bool _stopped;
    private bool _forgotten;
    private long _lastUse;

    public StreamTopic(Topic topic, StreamTopics owner)
    {
        (Topic, _owner) = (topic, owner);
        _log = new ReplayLog(owner.Options);
        MaxData = owner.Wire.MaxData(topic.Wire);
        _publisher = new Lazy<StreamPublisher>(() => new StreamPublisher(this, owner));
    }

    public Topic Topic { get; }

    public StreamTopics Owner => _owner;

    /// <summary>Whether this node has named the topic itself; else a pattern has brought it, and it can be forgotten. Changed under the owner's lock of patterns.</summary>
    public bool IsOwn { get; set; }

    /// <summary>When a message came last.</summary>
    public Instant LastUse => new(Interlocked.Read(ref _lastUse));

    /// <summary>The largest envelope that a gossip message of the topic carries.</summary>
    public int MaxData { get; }

    public StreamPublisher Publisher => _publisher.Value;

    public StreamPublisher? PublisherIfAny => _publisher.IsValueCreated ? _publisher.Value : null;

    /// <summary>What keeps the topic followed; used under the owner's lock of followings.</summary>
    public IDisposable? Following { get; set; }

    public bool IsFull
    {
        get
        {
            foreach (var subscription in Volatile.Read(ref _subscriptions))
            {
                if (subscription.IsBlocking) return true;
            }

            return false;
        }
    }

    public Task RoomAsync() => _owner.RoomAsync(Volatile.Read(ref _subscriptions));

    public void Stopped()
    {
        lock (_gate)
        {
            _stopped = true;
            foreach (var subscription in _subscriptions) subscription.Complete();
            _timer?.Dispose();
        }
    }

    public void Deliver(PubSubMessage message, PeerId from)
    {
        var now = _owner.Clock.Now();
        Interlocked.Exchange(ref _lastUse, now.Ticks);
        if (StreamBundle.TryRead(message, from, _owner.Clock.GetUtcNow(), now, isReplayed: false, out var bundle) != EnvelopeRefusal.None)
        {
            _owner.Counters.CountRefused();
            return;
        }

        lock (_gate)
        {
            Keep(bundle!, now);
            foreach (var lane in _lanes)
            {
                lane.Receiver.Receive(bundle!, now, lane.Effects);
                CarryOut(lane, now);
            }

            SetTimer();
        }

        TellLosses();
    }

    /// <summary>Keeps an own bundle for those who lose it or come later.</summary>
    public void LogOwn(PubSubMessage message)
    {
        var now = _owner.Clock.Now();
        if (StreamBundle.TryRead(message, _owner.Wire.LocalPeer, _owner.Clock.GetUtcNow(), now, isReplayed: false, out var bundle) != EnvelopeRefusal.None) return;
        lock (_gate) Keep(bundle!, now);
    }

    /// <summary>Adds a subscription from now on, or from a moment in the past when its pattern was followed before the topic was met.</summary>
    public void Attach(TopicSubscription subscription, Instant since)
    {
        StreamLane? joining = null;
        lock (_gate)
        {
            if (_stopped || _lanes.Any(lane => lane.Subscriptions.Contains(subscription))) return;
            var options = subscription.Options;
            var late = options.Last is not null || options.Since is not null;
            var lane = late || options.ReorderTimeout is not null ? null : _lanes.FirstOrDefault(lane => !lane.IsOwn);
            if (lane is null)
            {
                var isOwn = late || options.ReorderTimeout is not null;
                lane = new StreamLane(new StreamReceiver(_owner.OptionsFor(options), _owner.Counters, since, joining: late), isOwn);
                _lanes.Add(lane);
            }

            lane.Subscriptions.Add(subscription);
            UpdateSubscriptions();
            if (late) joining = lane;
        }

        if (joining is not null) _owner.Tasks.Run(() => JoinAsync(joining, subscription.Options));
    }

    /// <summary>Takes a subscription away; true when it was the last.</summary>
    public bool Detach(TopicSubscription subscription)
    {
        lock (_gate)
        {
            foreach (var lane in _lanes) lane.Subscriptions.Remove(subscription);
            _lanes.RemoveAll(lane => lane.Subscriptions.Count == 0);
            UpdateSubscriptions();
            SetTimer();
            return _lanes.Count == 0;
        }
    }

    /// <summary>Lets go of everything: should the topic be met again, it begins anew.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _forgotten = true;
            _lanes.Clear();
            UpdateSubscriptions();
            SetTimer();
            var before = _log.Bytes;
            while (_log.DropOldest()) continue;
            _owner.AddLogBytes(_log.Bytes - before);
        }
    }

    /// <summary>What the log holds of what a neighbour asks.</summary>
    public IReadOnlyList<StreamBundle> Read(ReplayRequest request)
    {
        var now = _owner.Clock.Now();
        var since = request.MaxAge is { } age ? now - age : (Instant?)null;
        lock (_gate)
        {
            _log.Trim(now);
            return request.Origin is { } origin
                ? _log.Range(origin, request.Epoch, request.First, request.First + request.Count, since)
                : _log.Recent(request.Count == 0 ? null : (int)Math.Min(request.Count, int.MaxValue), since);
        }
    }

    private void Keep(StreamBundle bundle, Instant now)
    {
        if (_forgotten) return;
        var before = _log.Bytes;
        if (!_log.Add(bundle, now)) return;
        if (_owner.AddLogBytes(_log.Bytes - before) <= _owner.Options.MaxAllLogBytes) return;
        before = _log.Bytes;
        _log.DropOldest();
        while (before - _log.Bytes < bundle.Size && _log.DropOldest()) continue;
        _owner.AddLogBytes(_log.Bytes - before);
    }

    private void CarryOut(StreamLane lane, Instant now)
    {
        foreach (var effect in lane.Effects)
        {
            switch (effect.Kind)
            {
                case StreamEffectKind.Deliver:
                    Hand(lane, effect);
                    break;
                case StreamEffectKind.Missed:
                    foreach (var subscription in lane.Subscriptions) subscription.CountLost(effect.Count);
                    if (!_losses.Any(told => told.Origin.Equals(effect.Origin) && told.Epoch == effect.Epoch && told.First == effect.First)) _losses.Add(effect);
                    break;
                case StreamEffectKind.Stale:
                    _owner.TellStale(Topic, effect.Origin);
                    break;
                default:
                    _owner.Tasks.Run(() => RecoverAsync(lane, effect));
                    break;
            }
        }

        lane.Effects.Clear();
    }

    private void Hand(StreamLane lane, in StreamEffect effect)
    {
        var delivery = new TopicDelivery(effect.Bundle!, Topic.Name, Topic.Kind);
        var subscriptions = lane.Subscriptions;
        for (var i = subscriptions.Count - 1; i >= 0; i--)
        {
            var subscription = subscriptions[i];
            _owner.DroppedForSlowSubscriber(subscription.Enqueue(delivery, effect.Bundle!, effect.First, effect.Missed));
            if (subscription.HasEnded) _owner.LeaveLater(subscription);
        }
    }

    private void UpdateSubscriptions() => Volatile.Write(ref _subscriptions, [.. _lanes.SelectMany(lane => lane.Subscriptions).Distinct()]);

    private void SetTimer()
    {
        var next = Instant.Never;
        foreach (var lane in _lanes)
        {
            if (lane.Receiver.NextTick is var tick && tick < next) next = tick;
        }

        if (next == _wake || _stopped) return;
        _wake = next;
        if (next == Instant.Never && _timer is null) return;
        _timer ??= _owner.Clock.CreateTimer(static topic => ((StreamTopic)topic!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var delay = next - _owner.Clock.Now();
        _timer.Change(next == Instant.Never ? Timeout.InfiniteTimeSpan : delay > TimeSpan.FromMilliseconds(1) ? delay : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private void Tick()
    {
        var now = _owner.Clock.Now();
        lock (_gate)
        {
            _wake = Instant.Never;
            foreach (var lane in _lanes)
            {
                lane.Receiver.Tick(now, lane.Effects);
                CarryOut(lane, now);
            }

            SetTimer();
        }

        TellLosses();
    }

    private void TellLosses()
    {
        List<StreamEffect>? losses = null;
        lock (_gate)
        {
            if (_losses.Count == 0) return;
            losses = [.. _losses];
            _losses.Clear();
        }

        foreach (var loss in losses) _owner.Tell(new MissedMessages(Topic, loss.Origin, loss.Epoch, loss.First, loss.Count));
    }
}
