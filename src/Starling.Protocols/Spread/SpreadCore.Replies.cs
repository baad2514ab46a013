namespace Starling.Protocols.Spread;

/// <content>Replies go back along the path that the item came: each node knows the neighbour that brought it first.</content>
public sealed partial class SpreadCore
{
    /// <summary>Answers an item that was delivered here.</summary>
    /// <returns>False when the item is forgotten, has had as many replies as it may, or the neighbour that brought it is gone.</returns>
    public bool Reply(SpreadReply reply, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(reply);
        ArgumentNullException.ThrowIfNull(effects);
        Expire(now);
        return Pass(reply, effects);
    }

    /// <summary>A neighbour has sent a reply, on its way to the item's origin.</summary>
    public void ReceiveReply(PeerId from, SpreadReply reply, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(reply);
        ArgumentNullException.ThrowIfNull(effects);
        if (!MayCome(from, 1, now, effects)) return;
        Expire(now);
        if (Pass(reply with { Payload = reply.Payload.ToArray() }, effects, from)) Counters.CountReplyForwarded();
    }

    private bool Pass(SpreadReply reply, ICollection<SpreadEffect> effects, PeerId? from = null)
    {
        if (!_seen.TryGetValue(reply.To, out var entry) || entry.State != SpreadState.Accepted || entry.Kind != reply.Kind) return RefusedReply(SpreadRefusal.StrayReply, from, effects);
        if (entry.Replies >= _options.MaxRepliesPerItem) return RefusedReply(SpreadRefusal.TooManyReplies, from, effects);
        entry.Replies++;
        if (entry.From.Equals(LocalPeer))
        {
            if (from is null) return RefusedReply(SpreadRefusal.StrayReply, from, effects);
            Counters.CountReplyDelivered();
            effects.Add(new SpreadEffect(SpreadEffectKind.DeliverReply, from, Reply: reply));
            return false;
        }

        if (from is not null && !MayRelay(_kinds.GetValueOrDefault(entry.Kind)))
        {
            Counters.CountNotRelayed();
            return false;
        }

        if (!_peers.ContainsKey(entry.From) || entry.From.Equals(from))
        {
            Counters.CountReplyLost();
            return false;
        }

        effects.Add(new SpreadEffect(SpreadEffectKind.SendReply, entry.From, Reply: reply));
        return true;
    }

    private bool RefusedReply(SpreadRefusal why, PeerId? from, ICollection<SpreadEffect> effects) => Refused(why, from ?? LocalPeer, null, effects);
}
