using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Topics of one node: subscribe, publish, and who follows what. Safe for several threads.</summary>
/// <remarks>Messages go to directly linked subscribers, and each node hands what it follows on to its own neighbours, each message once per node.
/// Delivery is in order per origin along one path, and at most once. Nothing is kept for those who are not there.</remarks>
public sealed partial class PubSubService : IAsyncDisposable
{
    private readonly ConcurrentDictionary<TopicSubscription, SubscriptionSink> _subscriptions = new(ReferenceEqualityComparer.Instance);
    private readonly TopicSetting _setting;
    private readonly TopicWire _wire;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _stopping;

    /// <summary>Starts: serves the protocol, follows the host's links.</summary>
    /// <param name="host">Where links and streams come from; stays the caller's and must outlive this.</param>
    /// <param name="identity">Signs what is published; stays the caller's.</param>
    /// <param name="options">The bounds; null takes the defaults. Not to be changed afterwards.</param>
    /// <param name="budget">Counts queued bytes (<see cref="ResourceKind.QueueBytes"/>); null makes one of its own.</param>
    /// <param name="clock">The clock; null takes the system's.</param>
    /// <param name="random">Spreads the delays of reopening; null takes the system's.</param>
    /// <param name="logger">Null logs nothing.</param>
    /// <param name="meters">Makes the meter; null makes one outside any factory.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the identity is not the host's.</exception>
    public PubSubService(
        ILinkHost host,
        NodeIdentity identity,
        PubSubServiceOptions? options = null,
        ResourceBudget? budget = null,
        TimeProvider? clock = null,
        RandomSource? random = null,
        ILogger<PubSubService>? logger = null,
        IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(identity);
        if (!identity.PeerId.Equals(host.LocalPeer)) throw new ArgumentException("The identity is not that of the host.", nameof(identity));
        options ??= new PubSubServiceOptions();
        options.Validate();
        clock ??= TimeProvider.System;
        _setting = new TopicSetting(
            options,
            budget ?? new ResourceBudget(),
            clock,
            (random ?? RandomSource.System).Fork("pubsub"),
            new PubSubLog(logger ?? NullLogger<PubSubService>.Instance),
            new PubSubMetrics(meters));
        _wire = new TopicWire(host, identity, _setting);
    }

    /// <summary>What was counted so far.</summary>
    public PubSubCounters Counters => _wire.Counters;

    /// <summary>Relayed messages that were shed because a neighbour was slow.</summary>
    public long DroppedForSlowPeers => _setting.Metrics.DroppedFor(DropReason.SlowPeer);

    /// <summary>Messages that subscriptions dropped because their readers were slow.</summary>
    public long DroppedForSlowSubscribers => _setting.Metrics.DroppedFor(DropReason.SlowSubscriber);

    /// <summary>Messages that were queued to a neighbour when its link ended.</summary>
    public long DroppedWithLinks => _setting.Metrics.DroppedFor(DropReason.LinkClosed);

    /// <summary>What is built on topics uses this.</summary>
    internal ITopicWire Wire => _wire;

    /// <summary>The linked peers that follow a topic now.</summary>
    public IReadOnlyList<PeerId> Subscribers(string topic) => _wire.Followers(Plain(topic));

    /// <summary>The topics that this node follows and at least one linked peer as well.</summary>
    public IReadOnlyList<string> PairedTopics => [.. _subscriptions.Keys.Select(one => one.Topic).Distinct(StringComparer.Ordinal).Where(topic => Subscribers(topic).Count > 0)];

    /// <summary>How every topic does that this node follows or has published to.</summary>
    public IReadOnlyList<TopicStatus> Status() => [.. _wire.Routers.SelectMany(router => router.Status())];

    /// <summary>Who is told which neighbours are in meshes and which peers are worth a link; null tells nobody. To be set before the first link.</summary>
    public ITopicLinks? Links
    {
        get => _setting.Links;
        set => _setting.Links = value;
    }

    /// <summary>The topics that this node follows.</summary>
    public ValueTask<IReadOnlyList<string>> TopicsAsync() => new([.. _wire.Routers.SelectMany(router => router.FollowedTopics())]);

    /// <summary>Completes once at least so many linked peers follow a topic.</summary>
    /// <exception cref="ObjectDisposedException">The node stopped while waiting.</exception>
    public Task WaitForSubscribersAsync(string topic, int count = 1, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsStopping, this);
        return _wire.WaitForFollowersAsync(Plain(topic), count, cancellationToken);
    }

    /// <summary>Follows a topic. When it returns, every message that is taken in from now on reaches the subscription, and neighbours are being told.</summary>
    /// <param name="topic">The topic's name, up to <see cref="PubSubOptions.MaxTopicBytes"/> bytes of UTF-8.</param>
    /// <param name="options">The subscription's queue; null takes the defaults.</param>
    /// <exception cref="ArgumentException">The name or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The node follows as many topics as it may.</exception>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    public ValueTask<TopicSubscription> SubscribeAsync(string topic, SubscriptionOptions? options = null)
    {
        PubSubCore.CheckTopic(topic, _setting.Options);
        ObjectDisposedException.ThrowIf(IsStopping, this);
        options ??= new SubscriptionOptions();
        var subscription = new TopicSubscription(topic, options, _setting.Budget, LeaveAsync);
        var sink = new SubscriptionSink(subscription, options.WhenFull == Overflow.Block, _setting);
        sink.Follow(_wire, Plain(topic));
        _subscriptions.TryAdd(subscription, sink);
        return new ValueTask<TopicSubscription>(subscription);
    }

    /// <summary>Completes when everything published or relayed so far was handed to the links: call it before stopping to lose nothing.</summary>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _wire.FlushAsync().WaitAsync(cancellationToken);

    /// <summary>Stops: subscriptions end, what is queued to neighbours is written for up to <see cref="PubSubServiceOptions.StopTimeout"/>, streams are closed. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopping, 1) != 0)
        {
            await _stopped.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await _wire.DisposeAsync().ConfigureAwait(false);
            _setting.Metrics.Dispose();
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    private bool IsStopping => Volatile.Read(ref _stopping) != 0;

    private static WireTopic Plain(string topic) => new(TopicFamily.LibP2P, topic);

    private ValueTask LeaveAsync(TopicSubscription subscription)
    {
        if (_subscriptions.TryRemove(subscription, out var sink)) sink.Leave();
        return ValueTask.CompletedTask;
    }
}
