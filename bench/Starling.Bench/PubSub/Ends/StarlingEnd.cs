using Starling.Net.PubSub;

namespace Starling.Bench.PubSub.Ends;

/// <summary>A Starling node as publisher or subscriber, with the options that a program gets by default; a slow reader makes its publisher wait, so that nothing is lost.</summary>
internal sealed class StarlingEnd(StarlingNode node) : IBenchEnd
{
    private readonly Dictionary<string, TopicSubscription> _subscriptions = new(StringComparer.Ordinal);
    private IReadOnlyList<PeerId> _members = [];
    private (string Text, Topic Topic)? _last;

    public string Address => node.Addresses[0].ToString();

    public static async Task<StarlingEnd> StartAsync() => new(await StarlingNode.StartAsync(new StarlingOptions { Mdns = false }));

    public async Task ConnectAsync(string address) => await node.ConnectAsync(Multiaddr.Parse(address));

    /// <summary>Says who is a member of <see cref="BenchTopicKind.Link"/> topics.</summary>
    public void SetMembers(string members) => _members = [.. members.Split(',').Select(PeerId.Parse)];

    public async Task SubscribeAsync(string topic) =>
        _subscriptions[topic] = await node.SubscribeAsync(TopicOf(topic), new SubscriptionOptions { WhenFull = Overflow.Block });

    public Task WaitAsync(string topic, int subscribers) => node.WaitForSubscribersAsync(TopicOf(topic), subscribers);

    public ValueTask PublishAsync(string topic, ReadOnlyMemory<byte> payload)
    {
        var publish = node.PublishAsync(TopicOf(topic), payload);
        if (!publish.IsCompletedSuccessfully) return AwaitAsync(publish);
        Check(publish.Result);
        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync() => ValueTask.CompletedTask;

    public async Task ReceiveAsync(string topic, Tally tally)
    {
        await foreach (var message in _subscriptions[topic])
        {
            if (tally.Take(message.Data.Span)) return;
        }

        throw new InvalidDataException("The subscription ended.");
    }

    public ValueTask DisposeAsync() => node.DisposeAsync();

    /// <summary>The topic that a kind and a name stand for.</summary>
    private Topic TopicOf(string text)
    {
        if (_last is { } last && ReferenceEquals(last.Text, text)) return last.Topic;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var name = text[(colon + 1)..];
        var topic = Enum.Parse<BenchTopicKind>(text.AsSpan(0, colon), ignoreCase: true) switch
        {
            BenchTopicKind.Plain => Topic.Plain(name),
            BenchTopicKind.Link => Topic.Link(name, _members),
            _ => Topic.Stream(name),
        };
        _last = (text, topic);
        return topic;
    }

    private static async ValueTask AwaitAsync(ValueTask<PublishResult> publish) => Check(await publish);

    private static void Check(PublishResult result)
    {
        if (!result.IsSent) throw new InvalidDataException($"A publish ended as {result.Status}.");
    }
}
