using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Who of the neighbours follows which topic, for every thread to read and to wait on. The router alone writes it.</summary>
/// <param name="isOpen">Whether a topic without a list of members is everybody's.</param>
internal sealed class SubscriberBoard(bool isOpen)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<PubSubPeer>> _followers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _patterns = new(StringComparer.Ordinal);
    private readonly HashSet<Waiter> _waiters = [];
    private readonly Dictionary<string, IReadOnlySet<PeerId>> _members = new(StringComparer.Ordinal);

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
            TellWaiters(topic);
        }
    }

    /// <summary>Sets whose the followers of a topic can be, or of all that a pattern of this node's means; null: as if nothing had been said. Whoever else announces a pattern that means the topic does not follow it.</summary>
    public void SetMembers(string topic, IReadOnlySet<PeerId>? members)
    {
        lock (_gate)
        {
            if (members is null) _members.Remove(topic);
            else _members[topic] = members;
            TellWaiters(topic);
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
                if (TopicNames.Matches(pattern, topic) && FindFull(Admitted(topic, pattern), size) is { } blocked) return blocked;
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

    private static PeerQueue? FindFull(IEnumerable<PubSubPeer> followers, int size)
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
            if (TopicNames.Matches(pattern, topic)) followers.UnionWith(Admitted(topic, pattern));
        }

        return followers;
    }

    private void TellWaiters(string changed)
    {
        foreach (var waiter in _waiters)
        {
            if ((waiter.Topic == changed || TopicNames.Matches(changed, waiter.Topic)) && Distinct(waiter.Topic).Count >= waiter.Count) waiter.Reached.TrySetResult();
        }
    }

    /// <summary>Those who announced a pattern and may follow a topic that it means.</summary>
    private IEnumerable<PubSubPeer> Admitted(string topic, string pattern)
    {
        if (_members.Count == 0) return isOpen ? _followers[pattern] : [];
        if (!_members.TryGetValue(topic, out var members)) members = _members.FirstOrDefault(other => TopicNames.Matches(other.Key, topic)).Value;
        if (members is null) return isOpen ? _followers[pattern] : [];
        return _followers[pattern].Where(peer => members.Contains(peer.Id));
    }

    private sealed class Waiter(string topic, int count)
    {
        public string Topic { get; } = topic;

        public int Count { get; } = count;

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
