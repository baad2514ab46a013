namespace Starling.Protocols.PubSub;

/// <content>Topics that this node publishes to without following them, and what neighbours outside the mesh are told.</content>
public sealed partial class PubSubCore
{
    private readonly List<(TopicState Topic, Neighbour[] To)> _audiences = [];

    private void MaintainFanouts(Instant now)
    {
        for (var i = _fanouts.Count - 1; i >= 0; i--)
        {
            var topic = _fanouts[i];
            if (topic.FanoutUntil <= now || topic.IsFollowed)
            {
                _fanouts.RemoveAt(i);
                topic.Fanout.Clear();
                Forget(topic);
                continue;
            }

            if (Score is not null) topic.Fanout.RemoveAll(neighbour => ScoreOf(neighbour) < Score.Thresholds.Publish);
            FillFanout(topic);
        }
    }

    private void FillFanout(TopicState topic)
    {
        if (topic.Fanout.Count >= _gossip.MeshDegree || topic.Fanout.Count == topic.Followers.Count) return;
        _candidates.Clear();
        foreach (var neighbour in topic.Followers)
        {
            if (neighbour.CanMesh && !topic.Fanout.Contains(neighbour) && (Score is null || ScoreOf(neighbour) >= Score.Thresholds.Publish)) _candidates.Add(neighbour);
        }

        Shuffle(_candidates);
        for (var i = 0; i < _candidates.Count && topic.Fanout.Count < _gossip.MeshDegree; i++) topic.Fanout.Add(_candidates[i]);
    }

    /// <summary>Tells some neighbours outside each mesh of the messages of the last heartbeats (gossipsub 1.1, "Adaptive Gossip Dissemination").</summary>
    private void Gossip(ICollection<PubSubEffect> effects)
    {
        if (_history.Count == 0) return;
        foreach (var topic in _followed) FindAudience(topic, topic.Mesh);
        foreach (var topic in _fanouts) FindAudience(topic, topic.Fanout);
        if (_audiences.Count == 0) return;
        foreach (var message in _history.Recent())
        {
            if (_topics.TryGetValue(message.Topic, out var topic)) topic.Gossip?.Add(message.Id);
        }

        foreach (var (topic, to) in _audiences)
        {
            Tell(topic, to, effects);
            topic.Gossip = null;
        }

        _audiences.Clear();
    }

    private void FindAudience(TopicState topic, List<Neighbour> except)
    {
        if (topic.IsPattern || topic.Followers.Count == except.Count) return;
        _candidates.Clear();
        foreach (var neighbour in topic.Followers)
        {
            if (neighbour.CanMesh && !except.Contains(neighbour) && !IsDeaf(neighbour)) _candidates.Add(neighbour);
        }

        if (_candidates.Count == 0) return;
        Shuffle(_candidates);
        var count = Math.Min(_candidates.Count, Math.Max(_gossip.LazyDegree, (int)(_gossip.GossipFactor * _candidates.Count)));
        if (count == 0) return;
        topic.Gossip = [];
        _audiences.Add((topic, [.. _candidates.Take(count)]));
    }

    private void Tell(TopicState topic, Neighbour[] to, ICollection<PubSubEffect> effects)
    {
        var ids = topic.Gossip!;
        if (ids.Count == 0) return;
        MessageId[]? all = null;
        foreach (var neighbour in to)
        {
            MessageId[] told;
            if (ids.Count <= _gossip.MaxGossipIds)
            {
                told = all ??= [.. ids];
            }
            else
            {
                // Too many for one IHAVE: each neighbour is told of others.
                Shuffle(ids);
                told = [.. ids.Take(_gossip.MaxGossipIds)];
            }

            Counters.CountTold(told.Length);
            effects.Add(new PubSubEffect(PubSubEffectKind.IHave, neighbour.Id, topic.Name, null, told));
        }
    }
}
