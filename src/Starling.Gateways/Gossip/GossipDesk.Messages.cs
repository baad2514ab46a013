using Starling.Protocols.Spread;

namespace Starling.Gateways.Gossip;

/// <content>The way of a message through the cache.</content>
internal sealed partial class GossipDesk
{
    /// <summary>Items of the same content, from several origins or announced several times, that are followed; for one more the first is let go.</summary>
    private const int MaxKeys = 16;

    private CachedMessage Add(ushort type, ReadOnlyMemory<byte> data, bool isValid, ICollection<GossipEffect> effects)
    {
        var message = _cache.AddMessage(type, data, isValid, out var evicted)!;
        _states.Add(message, new MessageState());
        Evict(evicted, effects);
        return message;
    }

    /// <summary>A message made room for another one. One that was awaited is decided as if its time were over.</summary>
    private void Evict(CachedMessage? evicted, ICollection<GossipEffect> effects)
    {
        if (evicted is null) return;
        Counters.Count(evicted.IsValid ? GossipCount.Evicted : GossipCount.EvictedAwaited);
        var accepted = _board.IsOpen(evicted) && _board.Close(evicted) == GossipOutcome.Accepted;
        foreach (var key in _states[evicted].Keys)
        {
            if (evicted.IsValid) effects.Add(new GossipEffect(GossipEffectKind.Withdraw, evicted, Key: key));
            else Judge(key, accepted ? SpreadVerdict.Accept : SpreadVerdict.Ignore, effects);
        }

        Forget(evicted);
    }

    private void Decide(IReadOnlyList<(CachedMessage Message, GossipOutcome Outcome)> decided, ICollection<GossipEffect> effects)
    {
        foreach (var (message, outcome) in decided)
        {
            switch (outcome)
            {
                case GossipOutcome.Accepted:
                    Accept(message, effects);
                    break;
                case GossipOutcome.Vetoed:
                    Veto(message, effects);
                    break;
                case GossipOutcome.Dropped:
                    Counters.Count(GossipCount.Dropped);
                    foreach (var key in _states[message].Keys) Judge(key, SpreadVerdict.Ignore, effects);
                    Remove(message);
                    break;
                default:
                    break;
            }
        }
    }

    private void Accept(CachedMessage message, ICollection<GossipEffect> effects)
    {
        Counters.Count(GossipCount.Accepted);
        if (_board.IsOpen(message)) _board.Close(message);
        foreach (var key in _states[message].Keys) Judge(key, SpreadVerdict.Accept, effects);
        _cache.SetValidity(message.Id, isValid: true, out var evicted);
        Evict(evicted, effects);

        // Clients that came while the verdict was awaited were not asked; now it is a valid message for them.
        NotifyAll(message, effects);
    }

    private void Veto(CachedMessage message, ICollection<GossipEffect> effects)
    {
        Counters.Count(GossipCount.Vetoed);
        _rejected.Add(message.Hash);
        foreach (var key in _states[message].Keys)
        {
            if (message.IsValid) effects.Add(new GossipEffect(GossipEffectKind.Withdraw, message, Key: key, Verdict: SpreadVerdict.Reject));
            else Judge(key, SpreadVerdict.Reject, effects);
        }

        Remove(message);
    }

    private void NotifyAll(CachedMessage message, ICollection<GossipEffect> effects)
    {
        foreach (var client in _registrations.GetRegistrations(message.DataType)) Hand(client, message, effects);
    }

    /// <summary>Notifies a client, once, and not of what it announced itself.</summary>
    private void Hand(long client, CachedMessage message, ICollection<GossipEffect> effects)
    {
        var state = _states[message];
        if (state.Announcers.Contains(client) || !state.Notified.Add(client)) return;
        Counters.Count(GossipCount.Notifications);
        effects.Add(new GossipEffect(GossipEffectKind.Notify, message, client, _clients[client].Give(message)));
    }

    private void Remember(MessageState state, SpreadKey key, ICollection<GossipEffect> effects)
    {
        state.Keys.Enqueue(key);
        if (state.Keys.Count <= MaxKeys) return;
        var first = state.Keys.Dequeue();
        Judge(first, SpreadVerdict.Ignore, effects);
        effects.Add(new GossipEffect(GossipEffectKind.Withdraw, Key: first));
    }

    private static void Judge(SpreadKey key, SpreadVerdict verdict, ICollection<GossipEffect> effects) =>
        effects.Add(new GossipEffect(GossipEffectKind.Judge, Key: key, Verdict: verdict));

    private void Remove(CachedMessage message)
    {
        _cache.RemoveMessage(message.Id);
        Forget(message);
    }

    private void Forget(CachedMessage message)
    {
        _states.Remove(message, out var state);
        foreach (var client in state!.Notified) _clients[client].Forget(message);
    }
}
