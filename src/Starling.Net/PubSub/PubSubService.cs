using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Net.PubSub.Streams;
using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Net.PubSub;

/// <summary>Topics of one node: subscribe, publish, and who follows what. Safe for several threads.</summary>
/// <remarks>Each node hands what it follows on to its own neighbours, each message once per node. Stream and link topics arrive in order per origin, what is lost on the way
/// is recovered from neighbours' logs or told; plain topics arrive at most once and in no promised order.</remarks>
public sealed partial class PubSubService : IAsyncDisposable
{
    private readonly ConcurrentDictionary<TopicSubscription, IReadOnlyList<SubscriptionSink>> _subscriptions = new(ReferenceEqualityComparer.Instance);
    private readonly TopicSetting _setting;
    private readonly ConcurrentDictionary<Relaying, Topic> _relayed = new(ReferenceEqualityComparer.Instance);
    private readonly TopicWire _wire;
    private readonly StreamTopics _streams;
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
        _streams = new StreamTopics(host, _wire, _setting, Leave);
    }

    /// <summary>What was counted so far.</summary>
    public PubSubCounters Counters => _wire.Counters;

    /// <summary>Relayed messages that were shed because a neighbour was slow.</summary>
    public long DroppedForSlowPeers => _setting.Metrics.DroppedFor(DropReason.SlowPeer);

    /// <summary>Messages that subscriptions dropped because their readers were slow.</summary>
    public long DroppedForSlowSubscribers => _setting.Metrics.DroppedFor(DropReason.SlowSubscriber);

    /// <summary>Messages that were queued to a neighbour when its link ended.</summary>
    public long DroppedWithLinks => _setting.Metrics.DroppedFor(DropReason.LinkClosed);

    /// <summary>Whether messages of others are handed on, of followed topics as of relayed ones; changed live. Default true. They are delivered here in any case.</summary>
    public bool HandsOn
    {
        get => _wire.HandsOn;
        set => _wire.HandsOn = value;
    }

    /// <summary>Whether topics can be followed at this node; a root follows none. Default true.</summary>
    public bool FollowsTopics
    {
        get => _wire.FollowsTopics;
        set => _wire.FollowsTopics = value;
    }

    /// <summary>The topics that are relayed (<see cref="Relay"/>).</summary>
    public IReadOnlyList<Topic> RelayedTopics => [.. _relayed.Values.Distinct()];

    /// <summary>Relays a topic from now on, whether this node follows it or not: neighbours that follow it get its messages from here. Nothing is delivered for it. Disposing the result ends that.</summary>
    /// <param name="topic">The topic; this node must be a member of a link topic. A pattern relays no topic.</param>
    /// <exception cref="ArgumentException">The name cannot be a topic's.</exception>
    public IDisposable Relay(Topic topic)
    {
        var relaying = _wire.Relay(Meet(topic));
        var ending = new Relaying(relaying, this);
        _relayed[ending] = topic;
        return ending;
    }

    /// <summary>What is built on topics uses this.</summary>
    internal ITopicWire Wire => _wire;

    /// <summary>Keeps a topic paired until disposed; null where nothing does that.</summary>
    internal Func<Topic, Pairing.PairingOptions, IDisposable>? KeepPaired { get; set; }

    /// <summary>What stream and link topics have counted: delivered, missed, recovered and more.</summary>
    public StreamCounters StreamCounters => _streams.Counters;

    /// <summary>How every topic does that this node follows or has published to.</summary>
    public IReadOnlyList<TopicStatus> Status() => [.. _wire.Routers.SelectMany(router => router.Status())];

    /// <summary>Who is told which neighbours are in meshes and which peers are worth a link; null tells nobody. To be set before the first link.</summary>
    public ITopicLinks? Links
    {
        get => _setting.Links;
        set => _setting.Links = value;
    }

    /// <summary>The linked peers that follow a topic now, or a pattern that means it.</summary>
    public IReadOnlyList<PeerId> Subscribers(Topic topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        return _wire.Followers(topic.Wire);
    }

    /// <summary>The topics that this node has subscribed to and that at least one linked peer follows as well.</summary>
    public IReadOnlyList<Topic> PairedTopics => [.. Topics.Where(topic => Subscribers(topic).Count > 0)];

    /// <summary>The topics and patterns that this node has subscribed to.</summary>
    public IReadOnlyList<Topic> Topics => [.. _subscriptions.Keys.Where(one => !one.HasEnded).SelectMany(one => one.Topics).Distinct()];

    /// <summary>Completes once at least so many linked peers follow a topic, or a pattern that means it.</summary>
    /// <exception cref="ArgumentException">The name cannot be a topic's.</exception>
    /// <exception cref="ObjectDisposedException">The node stopped while waiting.</exception>
    public Task WaitForSubscribersAsync(Topic topic, int count = 1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ObjectDisposedException.ThrowIf(IsStopping, this);
        _streams.Meet(topic);
        return _wire.WaitForFollowersAsync(topic.Wire, count, cancellationToken);
    }

    /// <summary>Completes when everything published or relayed so far was handed to the links: call it before stopping to lose nothing.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken = default)
    {
        await _streams.FlushAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        await _wire.FlushAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
    }

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
            await HandOverAsync().ConfigureAwait(false);
            await _wire.DisposeAsync().ConfigureAwait(false);
            await _streams.DisposeAsync().ConfigureAwait(false);
            _setting.Metrics.Dispose();
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    /// <summary>The wire's name of a topic, whose members the wire knows from now on.</summary>
    internal WireTopic Meet(Topic topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        if (topic.Kind == TopicKind.Plain) PubSubCore.CheckTopic(topic.Name, _setting.Options);
        else _streams.Meet(topic);
        return topic.Wire;
    }

    private bool IsStopping => Volatile.Read(ref _stopping) != 0;

    /// <summary>What was published and is not on the wire yet goes there, for up to <see cref="PubSubServiceOptions.StopTimeout"/>.</summary>
    private async Task HandOverAsync()
    {
        try
        {
            await _streams.FlushAsync().WaitAsync(_setting.Options.StopTimeout, _setting.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _setting.Log.StoppedUnflushed(0);
        }
    }

    /// <summary>A topic that is relayed, until disposed.</summary>
    private sealed class Relaying(IDisposable relaying, PubSubService service) : IDisposable
    {
        public void Dispose()
        {
            relaying.Dispose();
            service._relayed.TryRemove(this, out _);
        }
    }
}
