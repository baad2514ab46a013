using System.Text;
using Starling.Net.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>Hosts with topics, linked as a test asks.</summary>
internal sealed class TopicNetwork : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private TopicNetwork(IReadOnlyList<FakeHost> hosts, IReadOnlyList<PubSubService> topics)
    {
        Hosts = hosts;
        Topics = topics;
    }

    public IReadOnlyList<FakeHost> Hosts { get; }

    public IReadOnlyList<PubSubService> Topics { get; }

    public static TopicNetwork Create(int size, PubSubServiceOptions? options = null, params int[] links)
    {
        var hosts = Enumerable.Range(0, size).Select(_ => new FakeHost()).ToArray();
        var topics = hosts.Select(host => host.Start(options)).ToArray();
        for (var i = 0; i < links.Length; i += 2) FakeHost.Link(hosts[links[i]], hosts[links[i + 1]]);
        return new TopicNetwork(hosts, topics);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var topics in Topics) await topics.DisposeAsync().AsTask().WaitAsync(Patience);
        foreach (var host in Hosts) await host.DisposeAsync();
    }
}

internal static class TopicTestExtensions
{
    public static Task Soon(this Task task) => task.WaitAsync(TopicNetwork.Patience);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(TopicNetwork.Patience);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(TopicNetwork.Patience);

    public static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(TopicNetwork.Patience);

    public static ValueTask<PublishResult> Say(this PubSubService topics, Topic topic, string text, PublishOptions? options = null) =>
        topics.PublishAsync(topic, Encoding.UTF8.GetBytes(text), options);

    public static string Text(this TopicMessage message) => Encoding.UTF8.GetString(message.Data.Span);

    public static async Task<List<string>> TakeAsync(this TopicSubscription subscription, int count)
    {
        var texts = new List<string>();
        while (texts.Count < count && await subscription.WaitToReadAsync().Soon())
        {
            while (texts.Count < count && subscription.TryRead(out var message)) texts.Add(message.Text());
        }

        return texts;
    }
}
