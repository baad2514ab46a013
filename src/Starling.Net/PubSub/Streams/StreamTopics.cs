using System.Collections.Concurrent;
using Starling.Net.Links;
using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <summary>The stream and link topics of one node, above the wire that carries their bundles. Safe for several threads.</summary>
/// <remarks>Locks are taken in this order: who is followed, the wire's, who subscribes to patterns, a topic's, a subscription's.</remarks>
internal sealed partial class StreamTopics : IAsyncDisposable
{
    private readonly ConcurrentDictionary<WireTopic, StreamTopic> _topics = new();
    private readonly ConcurrentDictionary<WireTopic, StreamPattern> _patterns = new();
    private readonly ConcurrentDictionary<WireTopic, IReadOnlySet<PeerId>> _members = new();
    private readonly Lock _following = new();
    private readonly Lock _patternGate = new();
    private readonly TopicSetting _setting;
    private readonly ILinkHost _host;
    private readonly CancellationTokenSource _stop = new();
    private readonly Action<TopicSubscription> _leave;
    private readonly ReplayServer _server;
    private long _logBytes;
    private int _ownTopics;

    public StreamTopics(ILinkHost host, ITopicWire wire, TopicSetting setting, Action<TopicSubscription> leave)
    {
        (_host, Wire, _setting, _leave) = (host, wire, setting, leave);
        Tasks = new BackgroundTasks(setting.Log.StreamTaskFailed);
        Losses = new Turns(1024, setting.Log.StreamTaskFailed);
        LossLoop = Task.Run(Losses.RunAsync);
        Client = new ReplayClient(host, this, setting);
        _server = new ReplayServer(host, this, setting);
        _sources = host.Observe(_sourceWatch);
        setting.Metrics.Observe(Counters);
    }

    public ITopicWire Wire { get; }

    public StreamTopicOptions Options => _setting.Options.Streams;

    public TimeProvider Clock => _setting.Clock;

    public TimeSpan PublishTimeout => _setting.Options.PublishTimeout;

    public bool EchoOwnMessages => _setting.Options.EchoOwnMessages;

    /// <summary>Of everything this node publishes, microseconds since 1970: see <see cref="PubSubServiceOptions.StartFile"/>.</summary>
    public ulong Epoch => (ulong)((_setting.Begin - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);

    public StreamCounters Counters { get; } = new();

    public ReplayClient Client { get; }

    public BackgroundTasks Tasks { get; }

    public CancellationToken Stopping => _stop.Token;

    private Turns Losses { get; }

    private Task LossLoop { get; }

    /// <summary>The topic's object, made when it is first needed.</summary>
    /// <exception cref="ArgumentException">The name cannot be a topic's.</exception>
    /// <exception cref="InvalidOperationException">There are as many topics as there may be.</exception>
    public StreamTopic Of(Topic topic)
    {
        if (topic.Known is StreamTopic known && ReferenceEquals(known.Owner, this)) return known;

        // Also one that a pattern has brought already: from its first use on, its own members hold.
        Admit(topic);
        if (!_topics.TryGetValue(topic.Wire, out var found) || !found.IsOwn)
        {
            PubSubCore.CheckTopic(topic.Wire.Name, _setting.Options);
            found = Make(topic, isOwn: true) ?? throw new InvalidOperationException($"The node keeps {Options.MaxTopics} stream topics already; raise {nameof(StreamTopicOptions)}.{nameof(StreamTopicOptions.MaxTopics)} to add '{topic.Name}'.");
        }

        topic.Known = found;
        return found;
    }

    /// <summary>The topic of a gossip message that came for a pattern. Those have a bound of their own: at it, the one that was silent longest is forgotten.</summary>
    public StreamTopic? OfWire(TopicKind kind, string wireName)
    {
        var family = kind == TopicKind.Link ? TopicFamily.Starling : TopicFamily.LibP2P;
        if (_topics.TryGetValue(new WireTopic(family, wireName), out var found)) return found;
        if (!wireName.StartsWith(TopicNames.StreamPrefix, StringComparison.Ordinal)) return null;
        var name = wireName[TopicNames.StreamPrefix.Length..];
        return Make(kind == TopicKind.Link ? Topic.Link(name, []) : Topic.Stream(name), isOwn: false);
    }

    /// <summary>A topic that is kept already, or null.</summary>
    public StreamTopic? Find(bool isLink, string name) =>
        _topics.GetValueOrDefault(new WireTopic(isLink ? TopicFamily.Starling : TopicFamily.LibP2P, TopicNames.ToWire(name, isStream: true)));

    /// <summary>Whether a peer may be told of a topic, and be believed about it.</summary>
    /// <remarks>A link topic that was never named itself has the members of the patterns that mean it: who is in all of their lists.</remarks>
    public bool IsMember(Topic topic, PeerId peer)
    {
        if (topic.Kind != TopicKind.Link) return true;
        if (_members.TryGetValue(topic.Wire, out var members)) return members.Contains(peer);
        var isMember = false;
        foreach (var (pattern, those) in _members)
        {
            if (!TopicNames.Matches(pattern.Name, topic.Wire.Name)) continue;
            if (!those.Contains(peer)) return false;
            isMember = true;
        }

        return isMember;
    }

    /// <summary>Changes who may know of a link topic or pattern.</summary>
    public void SetMembers(Topic topic)
    {
        _members[topic.Wire] = topic.Members!;
        Wire.Admit(topic.Wire, topic.Members!);
    }

    /// <summary>Adds a subscription to a topic, or to every topic that a pattern matches.</summary>
    public void Subscribe(Topic topic, TopicSubscription subscription)
    {
        PubSubCore.CheckTopic(topic.Wire.Name, _setting.Options);
        Admit(topic);
        if (topic.IsPattern)
        {
            SubscribePattern(topic, subscription);
            return;
        }

        var stream = Of(topic);
        lock (_following)
        {
            stream.Attach(subscription, Clock.Now());
            try
            {
                stream.Following ??= Wire.Follow(topic.Wire, stream);
            }
            catch
            {
                stream.Detach(subscription);
                throw;
            }
        }
    }

    /// <summary>Makes who may know of a link topic known to the wire before the topic is used.</summary>
    public void Meet(Topic topic)
    {
        PubSubCore.CheckTopic(topic.Wire.Name, _setting.Options);
        Admit(topic);
    }

    /// <summary>Follows a topic for others: its messages are handed on and kept in the log.</summary>
    public IDisposable Keep(Topic topic)
    {
        Meet(topic);
        return Wire.Follow(topic.Wire, new StreamPattern(topic, this, Clock.Now()));
    }

    /// <summary>Takes a subscription away from everything; what nobody needs any more is no longer followed.</summary>
    public void Unsubscribe(TopicSubscription subscription)
    {
        lock (_following)
        {
            lock (_patternGate)
            {
                foreach (var pattern in _patterns.Values) pattern.Subscriptions = [.. pattern.Subscriptions.Where(other => !ReferenceEquals(other, subscription))];
            }

            foreach (var topic in _topics.Values)
            {
                if (!topic.Detach(subscription) || topic.Following is not { } following) continue;
                topic.Following = null;
                following.Dispose();
            }

            foreach (var pattern in _patterns.Values.Where(pattern => pattern.Subscriptions.Length == 0))
            {
                pattern.Following?.Dispose();
                _patterns.TryRemove(pattern.Topic.Wire, out _);
            }
        }
    }

    /// <summary>What may be asked of neighbours for a subscription's order.</summary>
    public StreamOptions OptionsFor(SubscriptionOptions subscription) => subscription.ReorderTimeout is not { } timeout
        ? Options
        : new StreamOptions { ReorderTimeout = timeout, RecoveryDelay = Options.RecoveryDelay, MaxHeldBytes = Options.MaxHeldBytes, MaxOrigins = Options.MaxOrigins };

    public long AddLogBytes(long change) => Interlocked.Add(ref _logBytes, change);

    public void DroppedForSlowSubscriber(int count) => _setting.Metrics.Dropped(DropReason.SlowSubscriber, count);

    /// <summary>A subscription has ended by itself, perhaps in the wire's turn: leaves the topic outside of it.</summary>
    public void LeaveLater(TopicSubscription subscription) => Tasks.Run(() =>
    {
        _leave(subscription);
        return Task.CompletedTask;
    });

    public Task RoomAsync(TopicSubscription[] subscriptions) => Task.WhenAll(subscriptions.Where(subscription => subscription.IsBlocking).Select(subscription => subscription.WaitForRoomAsync(_setting)));

    /// <summary>Completes when everything that was published is handed to the wire.</summary>
    public Task FlushAsync() => Task.WhenAll(_topics.Values.Select(topic => topic.PublisherIfAny?.FlushAsync() ?? Task.CompletedTask));

    public async ValueTask DisposeAsync()
    {
        _server.Dispose();
        _sources.Dispose();
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var topic in _topics.Values)
        {
            topic.PublisherIfAny?.Stop();
            topic.Stopped();
        }

        await Tasks.WhenEmpty().ConfigureAwait(false);
        Losses.Stop();
        await LossLoop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Admit(Topic topic)
    {
        if (topic.Kind == TopicKind.Link && _members.TryAdd(topic.Wire, topic.Members!)) Wire.Admit(topic.Wire, topic.Members!);
    }

    private StreamTopic? Make(Topic topic, bool isOwn)
    {
        lock (_patternGate)
        {
            _topics.TryGetValue(topic.Wire, out var found);
            if (isOwn && found?.IsOwn != true && _ownTopics++ >= Options.MaxTopics)
            {
                _ownTopics--;
                return null;
            }

            if (found is not null)
            {
                found.IsOwn |= isOwn;
                return found;
            }

            if (!isOwn && _topics.Count - _ownTopics >= Options.MaxTopics) ForgetOne();
            var made = new StreamTopic(topic, this) { IsOwn = isOwn };
            foreach (var pattern in _patterns.Values.Where(pattern => Means(pattern.Topic, topic)))
            {
                foreach (var subscription in pattern.Subscriptions) made.Attach(subscription, pattern.Since);
            }

            return _topics[topic.Wire] = made;
        }
    }

    /// <summary>Forgets the topic that only patterns brought and that was silent longest.</summary>
    private void ForgetOne()
    {
        if (_topics.Where(topic => !topic.Value.IsOwn).MinBy(topic => topic.Value.LastUse) is not { Value: { } oldest } found) return;
        _topics.TryRemove(found.Key, out _);
        oldest.Forget();
        Counters.CountTopicForgotten();
    }

    private void SubscribePattern(Topic topic, TopicSubscription subscription)
    {
        lock (_following)
        {
            var pattern = _patterns.GetOrAdd(topic.Wire, _ => new StreamPattern(topic, this, Clock.Now()));
            lock (_patternGate)
            {
                pattern.Subscriptions = [.. pattern.Subscriptions, subscription];
                foreach (var known in _topics.Values.Where(known => Means(topic, known.Topic))) known.Attach(subscription, Clock.Now());
            }

            try
            {
                pattern.Following ??= Wire.Follow(topic.Wire, pattern);
            }
            catch
            {
                lock (_patternGate) pattern.Subscriptions = [.. pattern.Subscriptions.Where(other => !ReferenceEquals(other, subscription))];
                _patterns.TryRemove(topic.Wire, out _);
                throw;
            }
        }
    }

    private static bool Means(Topic pattern, Topic topic) => pattern.Kind == topic.Kind && TopicNames.Matches(pattern.Name, topic.Name);
}
