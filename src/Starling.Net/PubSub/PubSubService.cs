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
    private readonly ConcurrentDictionary<TopicSubscription, byte> _subscriptions = new(ReferenceEqualityComparer.Instance);
    private readonly TopicRouter _router;
    private readonly MessageSigner _signer;
    private readonly SemaphoreSlim _signing = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly IDisposable[] _registrations;
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
        _signer = new MessageSigner(identity, clock.GetUtcNow());
        _router = new TopicRouter(
            host.LocalPeer,
            options,
            budget ?? new ResourceBudget(),
            clock,
            (random ?? RandomSource.System).Fork("pubsub"),
            new PubSubLog(logger ?? NullLogger<PubSubService>.Instance),
            counters => new PubSubMetrics(meters, counters));
        _registrations = [.. options.Protocols.Select(protocol => host.Handle(protocol, ServeAsync, maxInboundPerPeer: 4)), host.Observe(_router)];
    }

    /// <summary>What was counted so far.</summary>
    public PubSubCounters Counters => _router.Core.Counters;

    /// <summary>Relayed messages that were shed because a neighbour was slow.</summary>
    public long DroppedForSlowPeers => _router.Metrics.DroppedFor(DropReason.SlowPeer);

    /// <summary>Messages that subscriptions dropped because their readers were slow.</summary>
    public long DroppedForSlowSubscribers => _router.Metrics.DroppedFor(DropReason.SlowSubscriber);

    /// <summary>Messages that were queued to a neighbour when its link ended.</summary>
    public long DroppedWithLinks => _router.Metrics.DroppedFor(DropReason.LinkClosed);

    /// <summary>The linked peers that follow a topic now.</summary>
    public IReadOnlyList<PeerId> Subscribers(string topic) => _router.Board.Followers(topic);

    /// <summary>The topics that this node follows and at least one linked peer as well.</summary>
    public IReadOnlyList<string> PairedTopics => [.. _subscriptions.Keys.Select(one => one.Topic).Distinct(StringComparer.Ordinal).Where(topic => Subscribers(topic).Count > 0)];

    /// <summary>The topics that this node follows.</summary>
    public async ValueTask<IReadOnlyList<string>> TopicsAsync()
    {
        IReadOnlyList<string> topics = [];
        await _router.RunAsync(router => topics = [.. router.Core.Topics]).ConfigureAwait(false);
        return topics;
    }

    /// <summary>Completes once at least so many linked peers follow a topic.</summary>
    /// <exception cref="ObjectDisposedException">The node stopped while waiting.</exception>
    public Task WaitForSubscribersAsync(string topic, int count = 1, CancellationToken cancellationToken = default)
    {
        PubSubCore.CheckTopic(topic, _router.Options);
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        return _router.Board.WaitAsync(topic, count, cancellationToken);
    }

    /// <summary>Follows a topic. When it returns, every message that is taken in from now on reaches the subscription, and neighbours are being told.</summary>
    /// <param name="topic">The topic's name, up to <see cref="PubSubOptions.MaxTopicBytes"/> bytes of UTF-8.</param>
    /// <param name="options">The subscription's queue; null takes the defaults.</param>
    /// <exception cref="ArgumentException">The name or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The node follows as many topics as it may.</exception>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    public async ValueTask<TopicSubscription> SubscribeAsync(string topic, SubscriptionOptions? options = null)
    {
        PubSubCore.CheckTopic(topic, _router.Options);
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        var subscription = new TopicSubscription(topic, options ?? new SubscriptionOptions(), _router.Budget, LeaveAsync);
        await _router.RunAsync(router => router.Subscribe(subscription)).ConfigureAwait(false);
        _subscriptions.TryAdd(subscription, 0);
        return subscription;
    }

    /// <summary>Completes when everything published or relayed so far was handed to the links: call it before stopping to lose nothing.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<PubSubPeer> peers = [];
        await _router.RunAsync(router => peers = router.AllPeers()).ConfigureAwait(false);
        await Task.WhenAll(peers.Where(peer => peer.Link is not null).Select(peer => peer.Queue.FlushAsync())).WaitAsync(cancellationToken).ConfigureAwait(false);
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
            await StopAsync().ConfigureAwait(false);
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    private async Task StopAsync()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _router.Board.Stop(new ObjectDisposedException(nameof(PubSubService), "The node stopped while this was waited for."));
        await _router.RunAsync(router => router.EndSubscriptions()).ConfigureAwait(false);
        IReadOnlyList<PubSubPeer> peers = [];
        await _router.RunAsync(router => peers = router.AllPeers()).ConfigureAwait(false);
        try
        {
            await FlushAsync(CancellationToken.None).WaitAsync(_router.Options.StopTimeout, _router.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _router.Log.StoppedUnflushed(peers.Sum(peer => peer.Queue.Bytes));
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var peer in peers) peer.Stop();
        _router.Stop();
        await _router.Loop.ConfigureAwait(false);
        foreach (var peer in _router.AllPeers()) peer.Stop();
        await Task.WhenAll(_router.AllPeers().Select(peer => peer.Writing)).ConfigureAwait(false);
        foreach (var peer in _router.AllPeers()) peer.Dispose();
        _router.Metrics.Dispose();
        _signing.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        var from = stream.Connection.RemotePeer;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
            await _router.RunAsync(router => router.Attach(from)).ConfigureAwait(false);
            try
            {
                await new RpcReader(from, stream, _router).RunAsync(either.Token).ConfigureAwait(false);
            }
            finally
            {
                await _router.RunAsync(router => router.Detach(from)).ConfigureAwait(false);
            }
        }
        catch (ObjectDisposedException) when (Volatile.Read(ref _stopping) != 0)
        {
            _router.Log.PeerStopped(from);
            stream.Reset();
        }
    }

    private async ValueTask LeaveAsync(TopicSubscription subscription)
    {
        _subscriptions.TryRemove(subscription, out _);
        if (_stop.IsCancellationRequested) return;
        try
        {
            await _router.RunAsync(router => router.Unsubscribe(subscription)).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            _router.Log.LeftAfterStop(subscription.Topic);
        }
    }
}
