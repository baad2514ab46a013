using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Who at this node takes which topic's messages.</content>
internal sealed partial class TopicRouter
{
    private readonly Dictionary<string, FollowedTopic> _topics = new(StringComparer.Ordinal);

    /// <summary>Follows a topic as long as it has a sink.</summary>
    public IDisposable Follow(string topic, ITopicSink sink)
    {
        using var turn = BeginTurn();
        ObjectDisposedException.ThrowIf(_stopped, typeof(PubSubService));
        Core.Subscribe(topic, Clock.Now(), _effects);
        if (!_topics.TryGetValue(topic, out var followed)) _topics.Add(topic, followed = new FollowedTopic());
        followed.Sinks = [.. followed.Sinks, sink];
        return new Following(this, topic, sink);
    }

    private void Leave(string topic, ITopicSink sink)
    {
        using var turn = BeginTurn();
        if (_stopped || !_topics.TryGetValue(topic, out var followed)) return;
        followed.Sinks = [.. followed.Sinks.Where(other => !ReferenceEquals(other, sink))];
        if (followed.Sinks.Length > 0) return;
        _topics.Remove(topic);
        Core.Unsubscribe(topic, Clock.Now(), _effects);
    }

    private void Deliver(PubSubMessage message, PeerId from)
    {
        if (!_topics.TryGetValue(message.Topic, out var followed)) return;
        foreach (var sink in followed.Sinks)
        {
            sink.Deliver(message, from);
            if (_full is not null && sink.IsFull && !_full.Contains(sink)) _full.Add(sink);
        }
    }

    private sealed class FollowedTopic
    {
        /// <summary>Replaced whole, so that a sink may leave while messages are delivered.</summary>
        public ITopicSink[] Sinks { get; set; } = [];

        public void Stop()
        {
            foreach (var sink in Sinks) sink.Stopped();
        }
    }

    private sealed class Following(TopicRouter router, string topic, ITopicSink sink) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0) router.Leave(topic, sink);
        }
    }
}
