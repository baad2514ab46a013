using Starling.Net.PubSub;

namespace Starling.Cli.Demo;

/// <summary>One node of a demo: the first publishes, the others follow.</summary>
internal sealed class DemoPeer(string name, StarlingNode node, bool isPublisher) : IAsyncDisposable
{
    public string Name => name;

    public StarlingNode Node => node;

    public bool IsPublisher => isPublisher;

    /// <summary>The TCP port that the node accepts links on.</summary>
    public string Port { get; } = node.Addresses[0].Components.First(part => part.Protocol == "tcp").Value;

    public Tally Sent { get; } = new();

    public Tally Received { get; } = new();

    public Latencies Latencies { get; } = new();

    /// <summary>The last round trip over any of the node's links, the slowest of them.</summary>
    public TimeSpan? RoundTrip() => node.Links.Select(link => link.RoundTrip?.Smoothed).Max();

    /// <summary>Takes in what the topic brings until cancelled.</summary>
    public async Task FollowAsync(TopicSubscription topic, SendTimes times, DemoWindow window, CancellationToken cancellationToken)
    {
        await foreach (var message in topic.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (times.Since(Received.Messages) is { } latency) Latencies.Add(latency);
            Received.Add(message.Data.Span);
            window.Moved();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await node.DisposeAsync().ConfigureAwait(false);
        Sent.Dispose();
        Received.Dispose();
    }
}
