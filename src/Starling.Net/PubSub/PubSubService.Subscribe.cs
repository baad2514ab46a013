using System.Collections.Concurrent;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Subscribing.</content>
public sealed partial class PubSubService
{
    private readonly ConcurrentDictionary<TopicSubscription, IDisposable[]> _paired = new(ReferenceEqualityComparer.Instance);

    /// <summary>Follows a topic, or every topic that a pattern means. When it returns, every message that is taken in from now on reaches the subscription, and neighbours are being told.</summary>
    /// <param name="topic">The topic; its name has up to <see cref="PubSubOptions.MaxTopicBytes"/> bytes of UTF-8, for a stream topic 17 fewer.</param>
    /// <param name="options">The subscription's queue, and what it wants of the past; null takes the defaults.</param>
    /// <exception cref="ArgumentException">The name or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The node follows as many topics as it may.</exception>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    public ValueTask<TopicSubscription> SubscribeAsync(Topic topic, SubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(topic);
        return SubscribeAsync([topic], options);
    }

    /// <summary>Follows several topics in one sequence; each message shows its topic. All of them are followed, or none.</summary>
    /// <param name="topics">The topics, of any kinds; at least one.</param>
    /// <param name="options">The queue that they share; null takes the defaults.</param>
    /// <inheritdoc cref="SubscribeAsync(Topic, SubscriptionOptions?)" path="/exception"/>
    public ValueTask<TopicSubscription> SubscribeAsync(IReadOnlyList<Topic> topics, SubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(topics);
        if (topics.Count == 0) throw new ArgumentException("There is no topic to subscribe to; name at least one.", nameof(topics));
        ObjectDisposedException.ThrowIf(IsStopping, this);
        options ??= new SubscriptionOptions();
        options.Pairing?.Validate();
        Topic[] wanted = [.. topics.Distinct()];
        if ((options.Last ?? (object?)options.Since) is not null && wanted.FirstOrDefault(topic => topic.Kind == TopicKind.Plain) is { } plain)
        {
            throw new ArgumentException($"The plain topic '{plain.Name}' has no past to begin with; leave {nameof(options.Last)} and {nameof(options.Since)} out, or use a stream topic.", nameof(options));
        }

        var subscription = new TopicSubscription(wanted, options, _setting.Budget, LeaveAsync);
        var sinks = new List<SubscriptionSink>();
        _subscriptions.TryAdd(subscription, sinks);
        try
        {
            foreach (var topic in wanted)
            {
                if (topic.Kind == TopicKind.Plain) FollowPlain(topic, subscription, sinks);
                else _streams.Subscribe(topic, subscription);
            }
        }
        catch
        {
            Leave(subscription);
            throw;
        }

        if (options.Pairing is { } pairing) Pair(subscription, pairing);
        return new ValueTask<TopicSubscription>(subscription);
    }

    /// <summary>Follows a stream or link topic without reading it: hands it on to other neighbours and keeps its log for them, until disposed.</summary>
    /// <inheritdoc cref="SubscribeAsync(Topic, SubscriptionOptions?)" path="/exception"/>
    public IDisposable Keep(Topic topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        if (topic.Kind == TopicKind.Plain) throw new ArgumentException($"The plain topic '{topic.Name}' has no log to keep; use a stream topic.", nameof(topic));
        ObjectDisposedException.ThrowIf(IsStopping, this);
        return _streams.Keep(topic);
    }

    /// <summary>Changes who may know of a link topic: who is no longer among them is told nothing more of it, and nothing more is believed of it.</summary>
    /// <param name="topic">A link topic or pattern with its new members.</param>
    /// <exception cref="ArgumentException">The topic is of another kind.</exception>
    public void SetMembers(Topic topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        if (topic.Kind != TopicKind.Link) throw new ArgumentException($"'{topic.Name}' is a {topic.Kind} topic, which everybody may follow; only link topics have members.", nameof(topic));
        _streams.SetMembers(topic);
    }

    /// <summary>Adds an observer of messages that are lost to this node's subscriptions; called one at a time and in order on a thread of the pool. Disposing removes it.</summary>
    public IDisposable Observe(Action<MissedMessages> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return _streams.Observe(observer);
    }

    private void FollowPlain(Topic topic, TopicSubscription subscription, List<SubscriptionSink> sinks)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        var sink = new SubscriptionSink(subscription, _setting);
        sink.Follow(_wire, topic.Wire);
        sinks.Add(sink);
    }

    private void Pair(TopicSubscription subscription, Pairing.PairingOptions pairing)
    {
        var keep = KeepPaired ?? throw new InvalidOperationException($"Nothing finds others of topics here; leave {nameof(SubscriptionOptions)}.{nameof(SubscriptionOptions.Pairing)} out.");
        IDisposable[] kept = [.. subscription.Topics.Select(topic => keep(topic, pairing))];
        _paired[subscription] = kept;
        if (!_subscriptions.ContainsKey(subscription)) Unpair(subscription);
    }

    private void Unpair(TopicSubscription subscription)
    {
        if (!_paired.TryRemove(subscription, out var kept)) return;
        foreach (var pairing in kept) pairing.Dispose();
    }

    private ValueTask LeaveAsync(TopicSubscription subscription)
    {
        Leave(subscription);
        return ValueTask.CompletedTask;
    }

    private void Leave(TopicSubscription subscription)
    {
        if (!_subscriptions.TryRemove(subscription, out var sinks)) return;
        Unpair(subscription);
        foreach (var sink in sinks) sink.Leave();
        if (subscription.Topics.Any(topic => topic.Kind != TopicKind.Plain)) _streams.Unsubscribe(subscription);
    }
}
