namespace Starling.Protocols.PubSub;

/// <content>The mesh of a topic: whom this node grafts and prunes, and who grafts and prunes it (gossipsub 1.1, "PRUNE Backoff and Peer Exchange").</content>
public sealed partial class PubSubCore
{
    private readonly List<Neighbour> _candidates = [];
    private int _connects;

    /// <summary>This node follows a topic from now on: those it used to publish to come first.</summary>
    private void Join(TopicState topic, Instant now, ICollection<PubSubEffect> effects)
    {
        foreach (var neighbour in topic.Fanout)
        {
            if (topic.Mesh.Count < _gossip.MeshDegree && CanGraft(topic, neighbour, now)) Graft(topic, neighbour, now, effects);
        }

        topic.Fanout.Clear();
        _fanouts.Remove(topic);
        GraftMore(topic, _gossip.MeshDegree - topic.Mesh.Count, outboundOnly: false, now, effects);
    }

    private void LeaveMesh(TopicState topic, Instant now, ICollection<PubSubEffect> effects)
    {
        for (var i = topic.Mesh.Count - 1; i >= 0; i--) PruneOut(topic, topic.Mesh[i], _gossip.UnsubscribeBackoff, exchange: false, now, effects);
    }

    private bool CanGraft(TopicState topic, Neighbour neighbour, Instant now) =>
        neighbour.CanMesh && topic.Followers.Contains(neighbour) && !topic.Mesh.Contains(neighbour)
        && !(topic.Backoffs.TryGetValue(neighbour.Id, out var backoff) && now < backoff.Until + _gossip.BackoffSlack)
        && ScoreOf(neighbour) >= 0;

    private void GraftMore(TopicState topic, int count, bool outboundOnly, Instant now, ICollection<PubSubEffect> effects)
    {
        if (count <= 0 || topic.Followers.Count == topic.Mesh.Count) return;
        _candidates.Clear();
        foreach (var neighbour in topic.Followers)
        {
            if ((!outboundOnly || neighbour.IsOutbound) && CanGraft(topic, neighbour, now)) _candidates.Add(neighbour);
        }

        Shuffle(_candidates);
        for (var i = 0; i < Math.Min(count, _candidates.Count); i++) Graft(topic, _candidates[i], now, effects);
    }

    private void Graft(TopicState topic, Neighbour neighbour, Instant now, ICollection<PubSubEffect> effects)
    {
        AddToMesh(topic, neighbour, now, effects);
        effects.Add(new PubSubEffect(PubSubEffectKind.Graft, neighbour.Id, topic.Name));
        Counters.CountGraft();
    }

    private void AddToMesh(TopicState topic, Neighbour neighbour, Instant now, ICollection<PubSubEffect> effects)
    {
        topic.Mesh.Add(neighbour);
        Score?.Graft(neighbour.Id, topic.Name, now);
        effects.Add(new PubSubEffect(PubSubEffectKind.MeshAdded, neighbour.Id, topic.Name));
    }

    private bool RemoveFromMesh(TopicState topic, Neighbour neighbour, ICollection<PubSubEffect> effects)
    {
        if (!topic.Mesh.Remove(neighbour)) return false;
        Score?.Prune(neighbour.Id, topic.Name);
        effects.Add(new PubSubEffect(PubSubEffectKind.MeshRemoved, neighbour.Id, topic.Name));
        return true;
    }

    /// <summary>Takes a neighbour out of the mesh and tells it.</summary>
    private void PruneOut(TopicState topic, Neighbour neighbour, TimeSpan backoff, bool exchange, Instant now, ICollection<PubSubEffect> effects)
    {
        RemoveFromMesh(topic, neighbour, effects);
        SendPrune(topic, neighbour, backoff, exchange, now, effects);
    }

    private void SendPrune(TopicState topic, Neighbour neighbour, TimeSpan backoff, bool exchange, Instant now, ICollection<PubSubEffect> effects)
    {
        // Before 1.1 a PRUNE cannot say how long; the other side then takes the usual time.
        var isTold = neighbour.Kind >= PubSubPeerKind.Mesh11;
        Back(topic, neighbour.Id, isTold ? backoff : _gossip.PruneBackoff, now);
        var detail = !isTold
            ? new PruneDetail(null, [])
            : new PruneDetail(backoff, exchange && _gossip.PeerExchange && ScoreOf(neighbour) >= 0 ? Others(topic, neighbour) : []);
        effects.Add(new PubSubEffect(PubSubEffectKind.Prune, neighbour.Id, topic.Name, null, detail));
        Counters.CountPrune();
    }

    /// <summary>Other followers of the topic that behave, drawn by chance.</summary>
    private IReadOnlyList<ExchangedPeer> Others(TopicState topic, Neighbour than)
    {
        var others = topic.Followers.Where(neighbour => neighbour != than && neighbour.CanMesh && ScoreOf(neighbour) >= 0).ToArray();
        _random.Shuffle<Neighbour>(others);
        return [.. others.Take(_gossip.MaxExchangedPeers).Select(neighbour => new ExchangedPeer(neighbour.Id, RecordOf?.Invoke(neighbour.Id) ?? default))];
    }

    /// <summary>Lets nobody graft before a time; an earlier end than the one that is noted changes nothing.</summary>
    private void Back(TopicState topic, PeerId peer, TimeSpan backoff, Instant now)
    {
        var until = now + (backoff < _gossip.MaxBackoff ? backoff : _gossip.MaxBackoff);
        if (topic.Backoffs.TryGetValue(peer, out var known))
        {
            if (known.Until > until) until = known.Until;
        }
        else if (topic.Backoffs.Count >= _gossip.MaxBackoffs)
        {
            topic.Backoffs.Remove(topic.Backoffs.MinBy(backoff => backoff.Value.Until).Key);
            Counters.CountBackoffEvicted();
        }

        topic.Backoffs[peer] = new Backoff(now, until);
    }

    private void ReceiveGraft(Neighbour neighbour, TopicState? topic, Instant now, ICollection<PubSubEffect> effects)
    {
        // Answering for topics that this node does not follow would let a stranger draw a PRUNE for every GRAFT, and learn what is followed.
        if (topic is null || !topic.IsFollowed || topic.IsPattern || !IsMember(topic.Rules, neighbour.Id))
        {
            Counters.Count(PubSubRefusal.UnknownGraft);
            return;
        }

        if (topic.Mesh.Contains(neighbour)) return;
        if (neighbour.Kind == PubSubPeerKind.FloodSub || neighbour.IsExplicit)
        {
            Refuse(PubSubRefusal.UnfitGraft, exchange: false);
            return;
        }

        if (topic.Backoffs.TryGetValue(neighbour.Id, out var backoff) && now < backoff.Until)
        {
            // The penalty of coming early, and another one for not even waiting a moment. The time starts anew.
            Score?.AddPenalty(neighbour.Id, 1);
            if (now < backoff.Since + _gossip.GraftFloodThreshold) Score?.AddPenalty(neighbour.Id, 1);
            Refuse(PubSubRefusal.EarlyGraft, exchange: false);
            return;
        }

        if (ScoreOf(neighbour) < 0) Refuse(PubSubRefusal.ScoreTooLow, exchange: false);
        else if (topic.Mesh.Count >= _gossip.MeshHigh && !neighbour.IsOutbound) Refuse(PubSubRefusal.MeshFull, exchange: true);
        else if (!TryFollow(neighbour, topic.Name, now, effects)) Refuse(PubSubRefusal.UnfitGraft, exchange: false);
        else if (!topic.Mesh.Contains(neighbour)) AddToMesh(topic, neighbour, now, effects);

        void Refuse(PubSubRefusal reason, bool exchange)
        {
            Counters.Count(reason);

            // An answer for each of a flood of GRAFTs would be a flood as well.
            if (++neighbour.RefusedGrafts > _gossip.MaxRefusedGrafts) Counters.Count(PubSubRefusal.GraftFlood);
            else SendPrune(topic, neighbour, _gossip.PruneBackoff, exchange, now, effects);
        }
    }

    private void ReceivePrune(Neighbour neighbour, TopicState? topic, PruneDetail? detail, Instant now, ICollection<PubSubEffect> effects)
    {
        if (topic is null || !topic.IsFollowed || topic.IsPattern) return;
        RemoveFromMesh(topic, neighbour, effects);
        Back(topic, neighbour.Id, detail?.Backoff is { } asked && asked > TimeSpan.Zero ? asked : _gossip.PruneBackoff, now);
        if (detail is { Peers.Count: > 0 }) Exchange(neighbour, topic, detail.Peers, effects);
    }

    private void Exchange(Neighbour neighbour, TopicState topic, IReadOnlyList<ExchangedPeer> peers, ICollection<PubSubEffect> effects)
    {
        if (ScoreOf(neighbour) < (Score?.Thresholds.AcceptPeerExchange ?? 0))
        {
            Counters.Count(PubSubRefusal.UntrustedExchange);
            return;
        }

        for (var i = 0; i < Math.Min(peers.Count, _gossip.MaxExchangedPeers); i++)
        {
            var (peer, record) = peers[i];
            if (peer.Equals(_local) || _neighbours.ContainsKey(peer) || !IsMember(topic.Rules, peer)) continue;
            if (_connects >= _gossip.MaxConnects)
            {
                Counters.Count(PubSubRefusal.TooManyExchanged);
                return;
            }

            // The bytes belong to the frame they came in.
            _connects++;
            effects.Add(new PubSubEffect(PubSubEffectKind.Connect, peer, topic.Name, null, new ReadOnlyMemory<byte>(record.ToArray())));
        }
    }

    private void Shuffle<T>(List<T> items) => _random.Shuffle(global::System.Runtime.InteropServices.CollectionsMarshal.AsSpan(items));
}
