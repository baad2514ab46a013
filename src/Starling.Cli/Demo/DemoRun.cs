using System.Globalization;
using Starling.Net.PubSub;

namespace Starling.Cli.Demo;

/// <summary>A flock of nodes on loopback that find each other by multicast, and one file streamed among them.</summary>
/// <param name="file">What is streamed.</param>
/// <param name="count">How many nodes; the first publishes.</param>
/// <param name="time">How long the file is streamed again and again, or null for once.</param>
internal sealed class DemoRun(DemoFile file, int count, TimeSpan? time) : IAsyncDisposable
{
    private static readonly TimeSpan DiscoveryTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StallTimeout = TimeSpan.FromSeconds(30);
    private static readonly SubscriptionOptions Lossless = new() { WhenFull = Overflow.Block, BlockTimeout = StallTimeout };
    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly string _topic = "demo-" + RandomSource.System.NextUInt64().ToString("x16", CultureInfo.InvariantCulture);
    private readonly List<DemoPeer> _peers = [];
    private readonly List<TopicSubscription> _topics = [];
    private long _started;

    /// <summary>The nodes, once they are started.</summary>
    public IReadOnlyList<DemoPeer> Peers => _peers;

    private DemoPeer Publisher => _peers[0];

    /// <summary>Starts the nodes, each with a new identity and a free port, and no address of another.</summary>
    /// <exception cref="StarlingException">A node cannot start, for example because multicast is not possible here.</exception>
    public async Task StartAsync(NodeSetup setup, CancellationToken cancellationToken)
    {
        _started = _clock.GetTimestamp();
        for (var number = 1; number <= count; number++)
        {
            var node = await setup.StartAsync(cancellationToken).ConfigureAwait(false);
            _peers.Add(new DemoPeer($"node {number}", node, isPublisher: number == 1));
        }
    }

    /// <summary>What is going on, for people.</summary>
    public string Stage { get; private set; } = $"{count} nodes are looking for each other";

    /// <summary>Waits until the nodes have found each other, and streams the file.</summary>
    public async Task<DemoOutcome> RunAsync(CancellationToken cancellationToken)
    {
        var discovery = await LinkAsync(cancellationToken).ConfigureAwait(false);
        Stage = $"{Publisher.Name} is streaming {file.Path}";
        return await StreamAsync(discovery, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes when every node is linked with every other and knows what it follows.</summary>
    /// <returns>The time that it took.</returns>
    /// <exception cref="StarlingException">It did not come to that in time.</exception>
    private async Task<TimeSpan> LinkAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(DiscoveryTimeout);
        try
        {
            foreach (var peer in _peers.Skip(1)) _topics.Add(await peer.Node.SubscribeAsync(_topic, Lossless, deadline.Token).ConfigureAwait(false));
            await Task.WhenAll(_peers.Select(peer => peer.Node.WaitForSubscribersAsync(_topic, peer.IsPublisher ? count - 1 : count - 2, deadline.Token))).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var links = _peers.Sum(peer => peer.Node.Links.Count) / 2;
            throw new StarlingException(
                $"only {links} of {count * (count - 1) / 2} links were made within {DiscoveryTimeout.TotalSeconds} s: does this machine let multicast through on its loopback interface?");
        }

        return _clock.GetElapsedTime(_started);
    }

    /// <summary>Streams the file and waits until every subscriber has it.</summary>
    private async Task<DemoOutcome> StreamAsync(TimeSpan discovery, CancellationToken cancellationToken)
    {
        var times = new SendTimes(_clock);
        var window = new DemoWindow([.. _peers.Skip(1)]);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var following = _peers.Skip(1).Zip(_topics, (peer, topic) => peer.FollowAsync(topic, times, window, done.Token)).ToList();
        var started = _clock.GetTimestamp();
        long passes = 0;
        do
        {
            await foreach (var line in file.ReadAsync(cancellationToken).ConfigureAwait(false))
                await PublishAsync(line, times, window, cancellationToken).ConfigureAwait(false);
            passes++;
        }
        while (file.Lines > 0 && _clock.GetElapsedTime(started) < time);

        await WaitAsync(window.WaitForAllAsync(Publisher.Sent, cancellationToken)).ConfigureAwait(false);
        var streaming = _clock.GetElapsedTime(started);
        await done.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(following).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var receipts = _peers.Skip(1).Select(peer => new DemoReceipt(peer.Name, peer.Node.PeerId, peer.Received.ToStream(), peer.Latencies.Percentile(0.5)));
        return new DemoOutcome(count, file, passes, Publisher.Sent.ToStream(), [.. receipts], discovery, streaming);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var topic in _topics) await topic.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_peers.Select(peer => peer.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    private async Task WaitAsync(Task progress)
    {
        try
        {
            if (!progress.IsCompletedSuccessfully) await progress.WaitAsync(StallTimeout, _clock).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            var behind = _peers.Skip(1).MinBy(peer => peer.Received.Messages)!;
            throw new StarlingException($"{behind.Name} got {behind.Received.Messages} of {Publisher.Sent.Messages} lines and then nothing for {StallTimeout.TotalSeconds} s", e);
        }
    }

    private async Task PublishAsync(ReadOnlyMemory<byte> line, SendTimes times, DemoWindow window, CancellationToken cancellationToken)
    {
        await WaitAsync(window.WaitForRoomAsync(Publisher.Sent, cancellationToken)).ConfigureAwait(false);
        times.Stamp();
        var result = await Publisher.Node.PublishAsync(_topic, line, cancellationToken).ConfigureAwait(false);
        if (result.Recipients != count - 1)
            throw new StarlingException($"line {Publisher.Sent.Messages + 1} reached {result.Recipients} of {count - 1} subscribers ({result.Status})");
        Publisher.Sent.Add(line.Span);
    }
}
