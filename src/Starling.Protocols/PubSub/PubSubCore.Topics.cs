namespace Starling.Protocols.PubSub;

/// <content>What this node follows: topics, patterns, and topics for others; and who may know of it.</content>
public sealed partial class PubSubCore
{
    private readonly List<TopicState> _followed = [];
    private readonly List<TopicState> _patterns = [];
    private readonly List<TopicState> _kept = [];
    private int _patternTopics;

    /// <summary>This node follows a topic or pattern from now on; false when it did already.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long or not valid text.</exception>
    /// <exception cref="InvalidOperationException">The node follows as many topics as it may.</exception>
    public bool Subscribe(string topic, Instant now, ICollection<PubSubEffect> effects)
    {
        CheckTopic(topic, _options);
        ArgumentNullException.ThrowIfNull(effects);
        var state = StateOf(topic);
        if (state.IsSubscribed) return false;
        CheckRoom(state);
        state.IsSubscribed = true;
        Reconsider(state, now, effects);
        return true;
    }

    /// <summary>This node no longer follows a topic or pattern for itself; false when it did not.</summary>
    public bool Unsubscribe(string topic, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_topics.TryGetValue(topic, out var state) || !state.IsSubscribed) return false;
        state.IsSubscribed = false;
        Reconsider(state, now, effects);
        return true;
    }

    /// <summary>Sets what holds for a topic or pattern from now on, those neighbours included that are here already; <see cref="TopicRules.Default"/> takes the rules away.</summary>
    /// <remarks>A pattern's rules hold for the topics that it brings, unless they have their own. To be set before <see cref="Subscribe"/> where nobody else may hear of the topic.</remarks>
    /// <exception cref="ArgumentException">The name is empty, too long or not valid text.</exception>
    /// <exception cref="InvalidOperationException">The topic is to be relayed and the node follows as many as it may.</exception>
    public void SetTopicRules(string topic, TopicRules rules, Instant now, ICollection<PubSubEffect> effects)
    {
        CheckTopic(topic, _options);
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(effects);
        var state = StateOf(topic);
        if (rules.Relay) CheckRoom(state);
        state.OwnRules = rules == TopicRules.Default ? null : rules;
        Reconsider(state, now, effects);
    }

    /// <summary>Refuses a name that cannot be a topic's.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long or not valid text.</exception>
    public static void CheckTopic(string topic, PubSubOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        ArgumentNullException.ThrowIfNull(options);
        var size = RpcCodec.TopicSize(topic);
        if (size < 0) throw new ArgumentException("The topic's name holds half a surrogate pair and cannot be written as UTF-8.", nameof(topic));
        if (size > options.MaxTopicBytes)
        {
            throw new ArgumentException($"The topic's name takes {size} bytes; at most {options.MaxTopicBytes} are allowed ({nameof(PubSubOptions.MaxTopicBytes)}).", nameof(topic));
        }
    }

    private void CheckRoom(TopicState state)
    {
        // Topics that a pattern brought give way at the next heartbeat; they have a bound of their own.
        if ((state.IsFollowed && !state.IsJoinedByPattern) || _followed.Count - _patternTopics < _options.MaxTopics) return;
        Forget(state);
        throw new InvalidOperationException($"This node follows {_followed.Count - _patternTopics} topics, as many as it may; raise {nameof(PubSubOptions.MaxTopics)} or leave one.");
    }

    /// <summary>Brings everything in line with a topic's subscription and rules; for a pattern, with every topic that it means.</summary>
    private void Reconsider(TopicState state, Instant now, ICollection<PubSubEffect> effects)
    {
        StartTicking(now);
        Update(state, now, effects);
        if (state.IsPattern)
        {
            var held = _patterns.Contains(state);
            if (state.IsFollowed && !held) _patterns.Add(state);
            if (!state.IsFollowed && held) _patterns.Remove(state);
            foreach (var topic in _topics.Values.Where(topic => TopicNames.Matches(state.Name, topic.Name)).ToList())
            {
                Update(topic, now, effects);
                Forget(topic);
            }

            TakeRefused(state, now, effects);
        }

        Forget(state);
    }

    /// <summary>Neighbours that announced a topic which they could not follow may follow it now.</summary>
    private void TakeRefused(TopicState pattern, Instant now, ICollection<PubSubEffect> effects)
    {
        foreach (var neighbour in _neighbours.Values)
        {
            foreach (var topic in neighbour.Topics)
            {
                if (_topics.ContainsKey(topic) || !TopicNames.Matches(pattern.Name, topic) || !MayFollow(topic, neighbour)) continue;
                AddFollower(StateOf(topic), neighbour, now, effects);
            }
        }
    }

    private void Update(TopicState state, Instant now, ICollection<PubSubEffect> effects)
    {
        Match(state);
        var before = state.Rules;
        state.Rules = RulesOf(state);
        if (!ReferenceEquals(before.Members, state.Rules.Members)) Readmit(state, before, now, effects);
        if (state.IsJoinedByPattern && (state.IsSubscribed || state.Rules.Relay || !state.IsMatched)) LeaveByPattern(state);
        if (state.IsSubscribed || (state.OwnRules?.Relay ?? false)) Follow(state, now, effects);
        else if (!state.IsJoinedByPattern && !TryStayByPattern(state)) Leave(state, now, effects);
        JoinByPattern(state, now, effects);
    }

    /// <summary>Says whether held patterns mean the topic.</summary>
    private void Match(TopicState state)
    {
        state.IsMatched = state.IsDeliveredByPattern = false;
        if (state.IsPattern) return;
        foreach (var pattern in _patterns)
        {
            if (!TopicNames.Matches(pattern.Name, state.Name)) continue;
            state.IsMatched = true;
            state.IsDeliveredByPattern |= pattern.IsSubscribed;
        }
    }

    private TopicRules RulesOf(TopicState state)
    {
        if (state.OwnRules is not null) return state.OwnRules;
        if (!state.IsPattern)
        {
            foreach (var pattern in _patterns)
            {
                if (pattern.OwnRules is not null && TopicNames.Matches(pattern.Name, state.Name)) return pattern.OwnRules with { Relay = false };
            }
        }

        return TopicRules.Default;
    }

    private bool IsMember(TopicRules rules, PeerId peer) => rules.Members is { } members ? members.Contains(peer) : Policy == OriginPolicy.Signed;

    private void Follow(TopicState state, Instant now, ICollection<PubSubEffect> effects)
    {
        if (state.IsFollowed) return;
        state.IsFollowed = true;
        state.LastMessage = now;
        _followed.Add(state);
        AnnounceToAll(PubSubEffectKind.AnnounceSubscribe, state, effects);
        if (!state.IsPattern) Join(state, now, effects);
    }

    private void Leave(TopicState state, Instant now, ICollection<PubSubEffect> effects)
    {
        if (!state.IsFollowed) return;
        LeaveMesh(state, now, effects);
        AnnounceToAll(PubSubEffectKind.AnnounceUnsubscribe, state, effects);
        state.IsFollowed = false;
        _followed.Remove(state);
    }

    /// <summary>Follows a topic that a pattern means, when a neighbour follows it.</summary>
    private void JoinByPattern(TopicState state, Instant now, ICollection<PubSubEffect> effects)
    {
        if (!state.IsMatched || state.IsFollowed || state.Followers.Count == 0) return;
        if (_patternTopics >= _gossip.MaxPatternTopics)
        {
            Counters.Count(PubSubRefusal.TooManyPatternTopics);
            return;
        }

        _patternTopics++;
        state.IsJoinedByPattern = true;
        Follow(state, now, effects);
    }

    /// <summary>A followed topic, for which the other reason is gone, is kept for a pattern.</summary>
    private bool TryStayByPattern(TopicState state)
    {
        if (!state.IsFollowed || !state.IsMatched || state.Followers.Count == 0 || _patternTopics >= _gossip.MaxPatternTopics) return false;
        _patternTopics++;
        return state.IsJoinedByPattern = true;
    }

    /// <summary>The topic is followed by a pattern no longer; the caller leaves it or has another reason to follow it.</summary>
    private void LeaveByPattern(TopicState state)
    {
        state.IsJoinedByPattern = false;
        _patternTopics--;
    }

    private void AnnounceToAll(PubSubEffectKind kind, TopicState state, ICollection<PubSubEffect> effects)
    {
        foreach (var peer in _neighbours.Keys)
        {
            if (IsMember(state.Rules, peer)) effects.Add(new PubSubEffect(kind, peer, state.Name));
        }
    }

    /// <summary>Other neighbours may know of the topic than before.</summary>
    private void Readmit(TopicState state, TopicRules before, Instant now, ICollection<PubSubEffect> effects)
    {
        foreach (var neighbour in _neighbours.Values)
        {
            var was = IsMember(before, neighbour.Id);
            var may = IsMember(state.Rules, neighbour.Id);
            if (was == may) continue;
            if (!may)
            {
                if (state.Mesh.Contains(neighbour)) PruneOut(state, neighbour, _gossip.PruneBackoff, exchange: false, now, effects);
                if (state.IsFollowed) effects.Add(new PubSubEffect(PubSubEffectKind.AnnounceUnsubscribe, neighbour.Id, state.Name));
                RemoveFollower(state, neighbour, effects);
                continue;
            }

            if (state.IsFollowed) effects.Add(new PubSubEffect(PubSubEffectKind.AnnounceSubscribe, neighbour.Id, state.Name));
            if (neighbour.Topics.Contains(state.Name)) AddFollower(state, neighbour, now, effects);
            else if (!state.IsPattern && MatchesAny(neighbour.Patterns, state.Name)) state.Always.Add(neighbour);
        }
    }

    /// <summary>The state of a topic, made when there is none: it then knows which patterns mean it.</summary>
    private TopicState StateOf(string topic)
    {
        if (_topics.TryGetValue(topic, out var state)) return state;
        state = NewState(topic);
        _topics.Add(topic, state);
        return state;
    }

    private TopicState NewState(string topic)
    {
        var state = new TopicState(topic);
        Match(state);
        state.Rules = RulesOf(state);
        if (state.IsPattern) return state;
        foreach (var neighbour in _neighbours.Values)
        {
            if (neighbour.Patterns.Count > 0 && IsMember(state.Rules, neighbour.Id) && MatchesAny(neighbour.Patterns, topic)) state.Always.Add(neighbour);
        }

        return state;
    }

    private void Forget(TopicState state)
    {
        if (!state.IsUnused || !_topics.TryGetValue(state.Name, out var known) || known != state) return;
        _topics.Remove(state.Name);
        _fanouts.Remove(state);
    }

    private static bool MatchesAny(List<string> patterns, string topic)
    {
        foreach (var pattern in patterns)
        {
            if (TopicNames.Matches(pattern, topic)) return true;
        }

        return false;
    }
}
