using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Who of the neighbours follows which topic, for every thread to read and to wait on. The router alone writes it.</summary>
internal sealed class SubscriberBoard
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<PubSubPeer>> _followers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _patterns = new(StringComparer.Ordinal);
    private readonly HashSet<Waiter> _waiters = [];

    public void Add(string topic, PubSubPeer peer)
    {
        lock (_gate)
        {
            if (!_followers.TryGetValue(topic, out var followers))
            {
                _followers.Add(topic, followers = []);
                if (TopicNames.IsPattern(topic)) _patterns.Add(topic);
            }

            followers.Add(peer);
            foreach (var waiter in _waiters)
            {
                if ((waiter.Topic == topic || TopicNames.Matches(topic, waiter.Topic)) && Distinct(waiter.Topic).Count >= waiter.Count) waiter.Reached.TrySetResult();
            }
        }
    }

    public void Remove(string topic, PubSubPeer peer)
    {
        lock (_gate)
        {
            if (!_followers.TryGetValue(topic, out var followers) || !followers.Remove(peer) || followers.Count > 0) return;
            _followers.Remove(topic);
            _patterns.Remove(topic);
        }
    }

    /// <summary>The neighbours that follow a topic, or a pattern that matches it.</summary>
    public IReadOnlyList<PeerId> Followers(string topic)
    {
        lock (_gate) return [.. Distinct(topic).Select(peer => peer.Id)];
    }

    /// <summary>Every neighbour with each name that it has announced.</summary>
    public IReadOnlyList<(string Topic, PeerId Peer)> All()
    {
        lock (_gate) return [.. _followers.SelectMany(topic => topic.Value.Select(peer => (topic.Key, peer.Id)))];
    }

    /// <summary>A follower's queue that cannot take so many bytes now, or null.</summary>
    public PeerQueue? FindFull(string topic, int size)
    {
        lock (_gate)
        {
            if (_followers.TryGetValue(topic, out var followers) && FindFull(followers, size) is { } full) return full;
            foreach (var pattern in _patterns)
            {
                if (TopicNames.Matches(pattern, topic) && FindFull(_followers[pattern], size) is { } blocked) return blocked;
            }

            return null;
        }
    }

    /// <summary>Completes once so many peers follow the topic.</summary>
    public async Task WaitAsync(string topic, int count, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(topic, count);
        lock (_gate)
        {
            if (count <= 0 || Distinct(topic).Count >= count) return;
            _waiters.Add(waiter);
        }

        try
        {
            await waiter.Reached.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate) _waiters.Remove(waiter);
        }
    }

    /// <summary>No peer will follow anything any more: whoever waits is told.</summary>
    public void Stop(Exception why)
    {
        lock (_gate)
        {
            foreach (var waiter in _waiters) waiter.Reached.TrySetException(why);
        }
    }

    private static PeerQueue? FindFull(HashSet<PubSubPeer> followers, int size)
    {
        foreach (var peer in followers)
        {
            if (!peer.Queue.HasRoom(size)) return peer.Queue;
        }

        return null;
    }

    private HashSet<PubSubPeer> Distinct(string topic)
    {
        HashSet<PubSubPeer> followers = _followers.TryGetValue(topic, out var exact) ? [.. exact] : [];
        foreach (var pattern in _patterns)
        {
            if (TopicNames.Matches(pattern, topic)) followers.UnionWith(_followers[pattern]);
        }

        return followers;
    }

    private sealed class Waiter(string topic, int count)
    {
        public string Topic { get; } = topic;

        public int Count { get; } = count;

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
