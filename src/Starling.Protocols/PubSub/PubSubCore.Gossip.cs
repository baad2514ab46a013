namespace Starling.Protocols.PubSub;

/// <content>Gossip: IHAVE, IWANT and IDONTWANT, each within its limits for each neighbour between two heartbeats.</content>
public sealed partial class PubSubCore
{
    private readonly HashSet<MessageId> _wanted = [];

    private bool IsDeaf(Neighbour neighbour) => Score is not null && ScoreOf(neighbour) < Score.Thresholds.Gossip;

    /// <summary>Whether one more IHAVE may be looked at.</summary>
    private bool MayHear(Neighbour neighbour, TopicState? topic)
    {
        if (topic is null || !topic.IsTaken || !IsMember(topic.Rules, neighbour.Id)) return false;
        if (IsDeaf(neighbour))
        {
            Counters.Count(PubSubRefusal.ScoreTooLow);
            return false;
        }

        if (++neighbour.IHaves <= _gossip.MaxIHaves && neighbour.Asked < _gossip.MaxGossipIds) return true;
        Counters.Count(PubSubRefusal.TooMuchGossip);
        return false;
    }

    /// <summary>How many ids of an IHAVE are looked at.</summary>
    private int MayLearn(int count)
    {
        if (count <= _gossip.MaxGossipIds) return count;
        Counters.Count(PubSubRefusal.TooMuchGossip);
        return _gossip.MaxGossipIds;
    }

    private void ReceiveIHave(Neighbour neighbour, TopicState topic, ReadOnlySpan<MessageId> ids, Instant now, ICollection<PubSubEffect> effects)
    {
        _wanted.Clear();
        foreach (var id in ids)
        {
            if (!id.Origin.Equals(_local) && IsMember(topic.Rules, id.Origin) && _seen.Find(id, topic, now) == SeenState.New) _wanted.Add(id);
        }

        if (_wanted.Count == 0) return;
        var asked = new MessageId[_wanted.Count];
        _wanted.CopyTo(asked);
        _wanted.Clear();
        _random.Shuffle<MessageId>(asked);
        var room = _gossip.MaxGossipIds - neighbour.Asked;
        if (asked.Length > room)
        {
            Counters.Count(PubSubRefusal.TooMuchGossip);
            asked = asked[..room];
        }

        neighbour.Asked += asked.Length;
        _promises.Add(asked[0], neighbour, now + _gossip.PromiseTime);
        Counters.CountAsked(asked.Length);
        effects.Add(new PubSubEffect(PubSubEffectKind.IWant, neighbour.Id, "", null, asked));
    }

    /// <summary>How many ids of an IWANT may be looked at.</summary>
    private int MayServe(Neighbour neighbour, int count)
    {
        if (IsDeaf(neighbour))
        {
            Counters.Count(PubSubRefusal.ScoreTooLow);
            return 0;
        }

        var room = Math.Max(0, _gossip.MaxGossipIds - neighbour.Wanted);
        if (count > room) Counters.Count(PubSubRefusal.TooManyIWants);
        count = Math.Min(count, room);
        neighbour.Wanted += count;
        return count;
    }

    private void ReceiveIWant(Neighbour neighbour, ReadOnlySpan<MessageId> ids, ICollection<PubSubEffect> effects)
    {
        foreach (var id in ids)
        {
            if (!neighbour.Wants(id)) continue;
            var message = _history.Find(id);
            if (message is null || (_topics.TryGetValue(message.Topic, out var topic) ? !IsMember(topic.Rules, neighbour.Id) : Policy == OriginPolicy.Link)) continue;
            message = _history.Serve(id, neighbour.Id, out var isExhausted);
            if (isExhausted) Counters.Count(PubSubRefusal.RepeatedIWant);
            if (message is null) continue;
            Counters.CountServed();
            effects.Add(new PubSubEffect(PubSubEffectKind.Send, neighbour.Id, message.Topic, message));
        }
    }

    /// <summary>How many ids of an IDONTWANT may be noted.</summary>
    private int MayRefuse(Neighbour neighbour, int count)
    {
        var room = Math.Max(0, _gossip.MaxIDontWants - neighbour.DontWants);
        if (count > room) Counters.Count(PubSubRefusal.TooManyIDontWants);
        count = Math.Min(count, room);
        neighbour.DontWants += count;
        return count;
    }

    private static void ReceiveIDontWant(Neighbour neighbour, ReadOnlySpan<MessageId> ids)
    {
        foreach (var id in ids) neighbour.AddUnwanted(id);
    }

    /// <summary>Spares this node further copies of a large message, as soon as its signature is known to hold (1.2).</summary>
    private void SendIDontWant(MessageId id, TopicState topic, PeerId from, ICollection<PubSubEffect> effects)
    {
        MessageId[]? ids = null;
        foreach (var neighbour in topic.Mesh)
        {
            if (neighbour.Kind < PubSubPeerKind.Mesh12 || neighbour.Id.Equals(from) || neighbour.Id.Equals(id.Origin)) continue;
            effects.Add(new PubSubEffect(PubSubEffectKind.IDontWant, neighbour.Id, "", null, ids ??= [id]));
            Counters.CountIDontWant();
        }
    }
}
