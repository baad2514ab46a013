namespace Starling.Protocols.PubSub;

/// <content>The heartbeat: meshes are kept within their bounds, caches grow older, and neighbours are told what they may have missed.</content>
public sealed partial class PubSubCore
{
    private const int BackoffTicks = 15;
    private const int UnwantedTicks = 2;
    private readonly List<Neighbour> _broken = [];
    private readonly List<(Neighbour Neighbour, double Score)> _ranked = [];
    private long _ticks;

    /// <summary>Maintains meshes and caches and gossips. To be called at <see cref="NextTick"/>, or later.</summary>
    public void Heartbeat(Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (now < NextTick) return;
        NextTick = now + _gossip.HeartbeatInterval;
        _ticks++;
        _connects = 0;
        AgeNeighbours();
        PunishBroken(now);
        if (Score is not null && now >= Score.NextDecay) Score.Decay(now);
        IgnoreLate(now);
        if (_ticks % _gossip.ExplicitConnectTicks == 1 || _gossip.ExplicitConnectTicks == 1) ConnectExplicit(effects);
        if (_ticks % BackoffTicks == 0) ForgetBackoffs(now);
        LeaveQuietTopics(now, effects);
        foreach (var topic in _followed)
        {
            if (!topic.IsPattern) Maintain(topic, now, effects);
        }

        MaintainFanouts(now);
        Gossip(effects);
        _history.Shift();
    }

    private void AgeNeighbours()
    {
        foreach (var neighbour in _neighbours.Values)
        {
            neighbour.IHaves = neighbour.Asked = neighbour.Wanted = neighbour.DontWants = neighbour.NewPatterns = neighbour.RefusedGrafts = 0;
            if (_ticks % UnwantedTicks == 0) neighbour.AgeUnwanted();
        }
    }

    private void PunishBroken(Instant now)
    {
        _promises.TakeBroken(now, _broken);
        foreach (var neighbour in _broken)
        {
            Counters.Count(PubSubRefusal.BrokenPromise);
            Score?.AddPenalty(neighbour.Id, 1);
        }

        _broken.Clear();
    }

    private void ConnectExplicit(ICollection<PubSubEffect> effects)
    {
        foreach (var peer in _explicit)
        {
            if (!_neighbours.ContainsKey(peer)) effects.Add(new PubSubEffect(PubSubEffectKind.Connect, peer, ""));
        }
    }

    private void ForgetBackoffs(Instant now)
    {
        foreach (var topic in _topics.Values)
        {
            foreach (var (peer, backoff) in topic.Backoffs)
            {
                if (backoff.Until + _gossip.BackoffSlack <= now) topic.Backoffs.Remove(peer);
            }

            Forget(topic);
        }
    }

    /// <summary>Topics that only a pattern brought are left when no neighbour follows them, or nothing came for long.</summary>
    private void LeaveQuietTopics(Instant now, ICollection<PubSubEffect> effects)
    {
        for (var i = _followed.Count - 1; i >= 0 && _patternTopics > 0; i--)
        {
            var topic = _followed[i];
            if (!topic.IsJoinedByPattern || (topic.Followers.Count > 0 && now - topic.LastMessage < _gossip.PatternTopicTime)) continue;
            LeaveByPattern(topic);
            Leave(topic, now, effects);
            Forget(topic);
        }

        for (var i = _kept.Count - 1; i >= 0; i--)
        {
            var topic = _kept[i];
            if (now - topic.LastMessage < _gossip.PatternTopicTime && topic.IsMatched) continue;
            topic.IsKept = false;
            _kept.RemoveAt(i);
            Forget(topic);
        }
    }

    private void Maintain(TopicState topic, Instant now, ICollection<PubSubEffect> effects)
    {
        var mesh = topic.Mesh;
        for (var i = mesh.Count - 1; i >= 0 && Score is not null; i--)
        {
            if (ScoreOf(mesh[i]) < 0) PruneOut(topic, mesh[i], _gossip.PruneBackoff, exchange: false, now, effects);
        }

        if (mesh.Count < _gossip.MeshLow) GraftMore(topic, _gossip.MeshDegree - mesh.Count, outboundOnly: false, now, effects);
        if (mesh.Count > _gossip.MeshHigh) Shrink(topic, now, effects);
        if (mesh.Count >= _gossip.MeshLow) GraftMore(topic, _gossip.MeshOutbound - Outbound(mesh, mesh.Count), outboundOnly: true, now, effects);
        if (_ticks % _gossip.OpportunisticGraftTicks == 0) GraftBetter(topic, now, effects);
    }

    /// <summary>Too many: the best scored stay, others by chance, and so many that this node dialled.</summary>
    private void Shrink(TopicState topic, Instant now, ICollection<PubSubEffect> effects)
    {
        var kept = _candidates;
        kept.Clear();
        kept.AddRange(topic.Mesh);
        Shuffle(kept);
        if (Score is not null)
        {
            Rank(kept);
            for (var i = 0; i < kept.Count; i++) kept[i] = _ranked[i].Neighbour;
            var rest = global::System.Runtime.InteropServices.CollectionsMarshal.AsSpan(kept)[_gossip.MeshScored..];
            _random.Shuffle(rest);
        }

        var degree = _gossip.MeshDegree;
        var missing = _gossip.MeshOutbound - Outbound(kept, degree);
        var place = degree - 1;
        for (var i = degree; i < kept.Count && missing > 0; i++)
        {
            if (!kept[i].IsOutbound) continue;
            while (place >= 0 && kept[place].IsOutbound) place--;
            if (place < 0) break;
            (kept[i], kept[place]) = (kept[place], kept[i]);
            missing--;
        }

        for (var i = degree; i < kept.Count; i++) PruneOut(topic, kept[i], _gossip.PruneBackoff, exchange: true, now, effects);
    }

    /// <summary>A mesh of neighbours that do little is bettered by others that do more than its median.</summary>
    private void GraftBetter(TopicState topic, Instant now, ICollection<PubSubEffect> effects)
    {
        if (Score is null || topic.Mesh.Count < 2) return;
        Rank(topic.Mesh);
        var median = _ranked[_ranked.Count / 2].Score;
        if (median >= Score.Thresholds.OpportunisticGraft) return;
        _candidates.Clear();
        foreach (var neighbour in topic.Followers)
        {
            if (CanGraft(topic, neighbour, now) && ScoreOf(neighbour) > median) _candidates.Add(neighbour);
        }

        Shuffle(_candidates);
        for (var i = 0; i < Math.Min(_gossip.OpportunisticGrafts, _candidates.Count); i++) Graft(topic, _candidates[i], now, effects);
    }

    /// <summary>Sorts by score, the best first; those with the same score stay in their order.</summary>
    private void Rank(List<Neighbour> neighbours)
    {
        _ranked.Clear();
        foreach (var neighbour in neighbours)
        {
            var score = ScoreOf(neighbour);
            var place = _ranked.Count;
            while (place > 0 && _ranked[place - 1].Score < score) place--;
            _ranked.Insert(place, (neighbour, score));
        }
    }

    private static int Outbound(List<Neighbour> neighbours, int among)
    {
        var count = 0;
        for (var i = 0; i < among; i++)
        {
            if (neighbours[i].IsOutbound) count++;
        }

        return count;
    }
}
