namespace Starling.Net.PubSub;

/// <content>What each topic has moved, for those who look.</content>
internal sealed partial class TopicRouter
{
    /// <summary>Weight of the last heartbeat in a rate.</summary>
    private const double Smoothing = 0.3;
    private readonly Dictionary<string, Tally> _tallies = new(StringComparer.Ordinal);
    private Tally? _lastTally;
    private Instant _talliedAt;

    public IReadOnlyList<TopicStatus> Status()
    {
        using var turn = BeginTurn();
        return [.. _tallies.Keys.Union(Core.Topics, StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(StatusOf)];
    }

    private TopicStatus StatusOf(string topic)
    {
        var tally = _tallies.GetValueOrDefault(topic) ?? new Tally(topic);
        IReadOnlyList<TopicMeshPeer> mesh = _meshes.TryGetValue(topic, out var peers) ? [.. peers.Select(peer => new TopicMeshPeer(peer, Core.Score?.Score(peer) ?? 0))] : [];
        return new TopicStatus(topic, Protocols[0], Core.Topics.Contains(topic), Board.Followers(topic), mesh, tally.Received, tally.Sent, tally.Dropped, tally.ReceivedRate, tally.SentRate);
    }

    /// <summary>The counts of a topic; null when so many are counted already that this one is not.</summary>
    private Tally? TallyOf(string topic)
    {
        if (_lastTally is { } last && ReferenceEquals(last.Topic, topic)) return last;
        if (!_tallies.TryGetValue(topic, out var tally))
        {
            if (_tallies.Count >= 2 * Options.MaxTopics) return null;
            _tallies.Add(topic, tally = new Tally(topic));
        }

        return _lastTally = tally;
    }

    private void UpdateRates()
    {
        var now = Clock.Now();
        var seconds = (now - _talliedAt).TotalSeconds;
        _talliedAt = now;
        if (seconds <= 0) return;
        foreach (var tally in _tallies.Values) tally.Update(seconds);
    }

    private sealed class Tally(string topic)
    {
        private long _received;
        private long _sent;

        public string Topic { get; } = topic;

        public long Received { get; set; }

        public long Sent { get; set; }

        public long Dropped { get; set; }

        public double ReceivedRate { get; private set; }

        public double SentRate { get; private set; }

        public void Update(double seconds)
        {
            ReceivedRate += Smoothing * (((Received - _received) / seconds) - ReceivedRate);
            SentRate += Smoothing * (((Sent - _sent) / seconds) - SentRate);
            (_received, _sent) = (Received, Sent);
        }
    }
}
