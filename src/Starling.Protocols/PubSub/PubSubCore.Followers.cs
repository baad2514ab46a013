namespace Starling.Protocols.PubSub;

/// <content>What neighbours follow.</content>
public sealed partial class PubSubCore
{
    /// <summary>A new pattern is compared with every topic: so many times the patterns that it may hold, a neighbour may announce some between two heartbeats.</summary>
    private const int PatternChanges = 2;

    /// <summary>Takes one subscription entry in.</summary>
    public void ReceiveSubscription(PeerId from, SubscriptionEntry entry, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (_neighbours.TryGetValue(from, out var neighbour) && !IsGraylisted(neighbour)) ReceiveSubscription(neighbour, entry, now, effects);
    }

    private void ReceiveSubscription(Neighbour neighbour, SubscriptionEntry entry, Instant now, ICollection<PubSubEffect> effects)
    {
        if (!entry.Subscribe)
        {
            if (!neighbour.Topics.Remove(entry.Topic)) return;
            neighbour.Patterns.Remove(entry.Topic);
            Unfollow(neighbour, entry.Topic, effects);
            return;
        }

        TryFollow(neighbour, entry.Topic, now, effects);
    }

    /// <summary>Notes that a neighbour follows a topic; false when it may not, or follows too many.</summary>
    private bool TryFollow(Neighbour neighbour, string topic, Instant now, ICollection<PubSubEffect> effects)
    {
        if (neighbour.Topics.Contains(topic)) return MayFollow(topic, neighbour);
        if (neighbour.Topics.Count >= _options.MaxTopicsPerPeer)
        {
            Counters.Count(PubSubRefusal.TooManyTopics);
            return false;
        }

        var isPattern = TopicNames.IsPattern(topic);
        if (isPattern && (neighbour.Patterns.Count >= _gossip.MaxPatternsPerPeer || ++neighbour.NewPatterns > PatternChanges * _gossip.MaxPatternsPerPeer))
        {
            Counters.Count(PubSubRefusal.TooManyPatterns);
            return false;
        }

        // What it may not follow is noted as well: it may become a member later.
        neighbour.Topics.Add(topic);
        if (isPattern)
        {
            neighbour.Patterns.Add(topic);
            AddPatternFollower(topic, neighbour);
        }

        if (!MayFollow(topic, neighbour))
        {
            Counters.Count(PubSubRefusal.NotMember);
            return false;
        }

        AddFollower(StateOf(topic), neighbour, now, effects);
        return true;
    }

    private bool MayFollow(string topic, Neighbour neighbour)
    {
        if (_topics.TryGetValue(topic, out var state)) return IsMember(state.Rules, neighbour.Id);
        foreach (var pattern in _patterns)
        {
            if (pattern.OwnRules is not null && TopicNames.Matches(pattern.Name, topic)) return IsMember(pattern.OwnRules, neighbour.Id);
        }

        return Policy == OriginPolicy.Signed || TopicNames.IsPattern(topic);
    }

    private void AddFollower(TopicState state, Neighbour neighbour, Instant now, ICollection<PubSubEffect> effects)
    {
        if (!state.Followers.Add(neighbour)) return;
        if (neighbour.CanMesh) state.Always.Remove(neighbour);
        else if (!state.Always.Contains(neighbour)) state.Always.Add(neighbour);
        effects.Add(new PubSubEffect(PubSubEffectKind.PeerSubscribed, neighbour.Id, state.Name));
        JoinByPattern(state, now, effects);

        // A thin mesh takes a new follower at once; the heartbeat would only be later.
        if (state.IsFollowed && !state.IsPattern && state.Mesh.Count < _gossip.MeshLow && CanGraft(state, neighbour, now)) Graft(state, neighbour, now, effects);
    }

    /// <summary>Whether it may follow the pattern itself or not: each topic decides for itself.</summary>
    private void AddPatternFollower(string pattern, Neighbour neighbour)
    {
        foreach (var topic in _topics.Values)
        {
            if (!TopicNames.Matches(pattern, topic.Name) || topic.Followers.Contains(neighbour) || topic.Always.Contains(neighbour)) continue;
            if (IsMember(topic.Rules, neighbour.Id)) topic.Always.Add(neighbour);
        }
    }

    private void Unfollow(Neighbour neighbour, string topic, ICollection<PubSubEffect> effects)
    {
        if (_topics.TryGetValue(topic, out var state))
        {
            RemoveFollower(state, neighbour, effects);
            Forget(state);
        }
        else
        {
            // It was not allowed to follow the pattern, and may have followed single topics that it means.
            ReclassifyMatching(topic, neighbour);
        }
    }

    /// <summary>A neighbour no longer follows a topic, or may no longer do so; a pattern of its own may still mean it.</summary>
    private void RemoveFollower(TopicState state, Neighbour neighbour, ICollection<PubSubEffect> effects)
    {
        RemoveFromMesh(state, neighbour, effects);
        state.Fanout.Remove(neighbour);
        var followed = state.Followers.Remove(neighbour);
        if (followed) effects.Add(new PubSubEffect(PubSubEffectKind.PeerUnsubscribed, neighbour.Id, state.Name));
        Reclassify(state, neighbour);
        ReclassifyMatching(state.Name, neighbour);
    }

    private void ReclassifyMatching(string pattern, Neighbour neighbour)
    {
        if (!TopicNames.IsPattern(pattern)) return;
        foreach (var topic in _topics.Values)
        {
            if (TopicNames.Matches(pattern, topic.Name) && !topic.Followers.Contains(neighbour)) Reclassify(topic, neighbour);
        }
    }

    /// <summary>Says anew whether a neighbour that does not follow a topic itself gets its messages.</summary>
    private void Reclassify(TopicState state, Neighbour neighbour)
    {
        state.Always.Remove(neighbour);
        if (!state.IsPattern && IsMember(state.Rules, neighbour.Id) && MatchesAny(neighbour.Patterns, state.Name)) state.Always.Add(neighbour);
    }
}
