using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Who at this node takes which topic's messages.</content>
internal sealed partial class TopicRouter
{
    private readonly Dictionary<string, FollowedTopic> _topics = new(StringComparer.Ordinal);

    /// <summary>Who takes a topic's messages, worked out once. Emptied with every change; an array in use is never changed, so that a sink may leave while messages are delivered.</summary>
    private readonly Dictionary<string, ITopicSink[]> _audiences = new(StringComparer.Ordinal);

    /// <summary>Follows a topic as long as it has a sink.</summary>
    public IDisposable Follow(string topic, ITopicSink sink)
    {
        using var turn = BeginTurn();
        ObjectDisposedException.ThrowIf(_stopped, typeof(PubSubService));
        if (_validators.Count > 0 && FindValidator(topic) is not null) ChangeRules(topic, rules => rules with { IsValidated = true });
        Core.Subscribe(topic, Clock.Now(), _effects);
        if (!_topics.TryGetValue(topic, out var followed)) _topics.Add(topic, followed = new FollowedTopic());
        followed.Sinks = [.. followed.Sinks, sink];
        if (followed.Sinks.Length == 1) NoteFollowed();
        _audiences.Clear();
        return new Following(this, topic, sink);
    }

    private void Leave(string topic, ITopicSink sink)
    {
        using var turn = BeginTurn();
        if (_stopped || !_topics.TryGetValue(topic, out var followed)) return;
        followed.Sinks = [.. followed.Sinks.Where(other => !ReferenceEquals(other, sink))];
        _audiences.Clear();
        if (followed.Sinks.Length > 0) return;
        _topics.Remove(topic);
        NoteFollowed();
        Core.Unsubscribe(topic, Clock.Now(), _effects);
    }

    private void Deliver(PubSubMessage message, PeerId from)
    {
        if (TallyOf(message.Topic) is { } tally && !from.Equals(LocalPeer)) tally.Received++;
        foreach (var sink in AudienceOf(message.Topic))
        {
            sink.Deliver(message, from);
            if (_full is not null && sink.IsFull && !_full.Contains(sink)) _full.Add(sink);
        }
    }

    /// <summary>The sinks of a topic and of the patterns that match it.</summary>
    private ITopicSink[] AudienceOf(string topic)
    {
        if (_audiences.TryGetValue(topic, out var audience)) return audience;
        IEnumerable<ITopicSink> sinks = _topics.TryGetValue(topic, out var followed) ? followed.Sinks : [];
        foreach (var (pattern, those) in _topics)
        {
            if (TopicNames.Matches(pattern, topic)) sinks = sinks.Concat(those.Sinks);
        }

        if (_audiences.Count >= 2 * Options.MaxTopics) _audiences.Clear();
        return _audiences[topic] = [.. sinks];
    }

    private sealed class FollowedTopic
    {
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
