namespace Starling.Protocols.PubSub;

/// <content>Messages that go out: own ones, and those of others.</content>
public sealed partial class PubSubCore
{
    private readonly List<TopicState> _fanouts = [];

    /// <summary>Whether messages of others are handed on, and kept for neighbours to ask for; from now on. Default true. They are delivered here in any case.</summary>
    public bool HandsOn { get; set; } = true;

    /// <summary>Sends a message of this node: to every neighbour that follows its topic, or to the mesh only, as <see cref="GossipOptions.FloodPublish"/> says.</summary>
    /// <returns>How many neighbours it goes to.</returns>
    public int Publish(PubSubMessage message, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(effects);
        Counters.CountPublished();
        StartTicking(now);
        var topic = StateOf(message.Topic);
        if (_options.EchoOwnMessages && topic.IsDelivered)
        {
            effects.Add(new PubSubEffect(PubSubEffectKind.Deliver, _local, message.Topic, message));
        }

        _history.Put(message);
        var count = 0;
        foreach (var neighbour in topic.Always) count += SendOwn(neighbour, message, effects);
        foreach (var neighbour in Receivers(topic, now))
        {
            if (neighbour.CanMesh) count += SendOwn(neighbour, message, effects);
        }

        Forget(topic);
        return count;
    }

    /// <summary>Those that an own message goes to, beside those who get every message.</summary>
    private IReadOnlyCollection<Neighbour> Receivers(TopicState topic, Instant now)
    {
        if (_gossip.FloodPublish) return topic.Followers;
        if (topic.IsFollowed && topic.Mesh.Count > 0) return topic.Mesh;
        if (topic.Fanout.Count == 0)
        {
            FillFanout(topic);
            if (topic.Fanout.Count > 0 && !_fanouts.Contains(topic)) _fanouts.Add(topic);
        }

        topic.FanoutUntil = now + _gossip.FanoutTime;
        return topic.Fanout;
    }

    private int SendOwn(Neighbour neighbour, PubSubMessage message, ICollection<PubSubEffect> effects)
    {
        if (Score is not null && ScoreOf(neighbour) < Score.Thresholds.Publish)
        {
            Counters.CountWithheld();
            return 0;
        }

        effects.Add(new PubSubEffect(PubSubEffectKind.Send, neighbour.Id, message.Topic, message));
        return 1;
    }

    /// <summary>A message is good: it is delivered, kept to be asked for, and handed on.</summary>
    private void Spread(PubSubMessage message, TopicState topic, PeerId from, Instant now, ICollection<PubSubEffect> effects)
    {
        Counters.CountDelivered();
        Score?.Deliver(from, message.Id, topic.Name, now);
        if (topic.IsDelivered) effects.Add(new PubSubEffect(PubSubEffectKind.Deliver, from, message.Topic, message));
        if (!HandsOn)
        {
            Counters.CountNotHandedOn();
            return;
        }

        _history.Put(message);
        foreach (var neighbour in topic.Mesh) Forward(neighbour, message, from, effects);
        foreach (var neighbour in topic.Always)
        {
            if (Score is null || ScoreOf(neighbour) >= Score.Thresholds.Publish) Forward(neighbour, message, from, effects);
            else Counters.CountWithheld();
        }
    }

    private void Forward(Neighbour neighbour, PubSubMessage message, PeerId from, ICollection<PubSubEffect> effects)
    {
        if (neighbour.Id.Equals(from) || neighbour.Id.Equals(message.Id.Origin)) return;
        if (!neighbour.Wants(message.Id))
        {
            Counters.CountSpared();
            return;
        }

        effects.Add(new PubSubEffect(PubSubEffectKind.Send, neighbour.Id, message.Topic, message));
        Counters.CountForwarded();
    }
}
