namespace Starling.Protocols.Links.Policy;

/// <content>What a link is worth, and which are closed when there are too many.</content>
public sealed partial class LinkPolicyCore
{
    /// <summary>The high water mark, as far as the budget has room for it.</summary>
    public int EffectiveHigh => (int)Math.Min(_options.HighWater, BudgetHigh);

    /// <summary>The low water mark, as far as the budget has room for it.</summary>
    public int EffectiveLow => (int)Math.Min(_options.LowWater, BudgetLow);

    private long BudgetHigh => Budget.Limit - (Budget.Limit / 10);

    private long BudgetLow => Budget.Limit - (Budget.Limit / 4);

    /// <summary>Keeps the link to a peer from being pruned until every tag that protects it is taken back. The peer need not be linked.</summary>
    public void Protect(PeerId peer, string tag)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        EntryOf(peer).Protections.Add(tag);
    }

    /// <summary>Takes back a protection.</summary>
    /// <returns>Whether the peer is still protected by another tag.</returns>
    public bool Unprotect(PeerId peer, string tag, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        if (!_entries.TryGetValue(peer, out var entry)) return false;
        entry.Protections.Remove(tag);
        Forget(entry);
        Advance(now, effects);
        return entry.Protections.Count > 0;
    }

    /// <summary>Gives a peer a weight under a tag, in place of the one it had; 0 takes it away. The greater the sum, the later it is pruned.</summary>
    public void Tag(PeerId peer, string tag, int weight)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        if (weight != 0)
        {
            EntryOf(peer).Tags[tag] = weight;
        }
        else if (_entries.TryGetValue(peer, out var entry))
        {
            entry.Tags.Remove(tag);
            Forget(entry);
        }
    }

    /// <summary>How much the link to a peer matters, as its user set it.</summary>
    public void SetPriority(PeerId peer, LinkPriority priority)
    {
        if (_entries.TryGetValue(peer, out var entry)) entry.Priority = priority;
    }

    /// <summary>The priority that the user gave a peer with <see cref="LinkKeepOptions.Priority"/>, or null.</summary>
    public LinkPriority? PriorityOf(PeerId peer) => _entries.GetValueOrDefault(peer)?.Want?.Options.Priority;

    /// <summary>How well the link to a peer does: 1 is well, 0 is as good as dead.</summary>
    public void SetHealth(PeerId peer, double health)
    {
        if (_entries.TryGetValue(peer, out var entry)) entry.Health = Math.Clamp(health, 0, 1);
    }

    /// <summary>Closes the least useful links down to the low water mark when there are more than the high one.</summary>
    /// <returns>When more may be closed: at the end of a grace period.</returns>
    private Instant Prune(Instant now, ICollection<LinkPolicyEffect> effects)
    {
        if (LinkCount <= _options.HighWater && Budget.Used <= BudgetHigh) return Instant.Never;
        var closing = _entries.Values.Count(one => one.Link is { IsClosing: true });
        var used = Math.Max(Budget.Used - closing, LinkCount);

        // Links that are not ready yet use up the budget, but are not weighed against those that are.
        var excess = LinkCount > _options.HighWater ? LinkCount - _options.LowWater : 0;
        if (used > BudgetHigh) excess = (int)Math.Max(excess, used - BudgetLow);
        if (excess == 0) return Instant.Never;

        // With the budget all but used up, being new is no merit.
        var grace = used >= Budget.Limit - (Budget.Limit / 20) ? TimeSpan.Zero : _options.GracePeriod;
        var prunable = _entries.Values.Where(one => one is { Link: { IsClosing: false }, IsProtected: false }).ToList();
        var old = prunable.Where(one => one.Link!.Since + grace <= now).OrderBy(ValueOf).Take(excess).ToList();
        var why = new CloseInfo(CloseReason.Pruned, $"There were {used} links, more than the {EffectiveHigh} that are wanted, and others are more useful.");
        foreach (var entry in old) Close(entry, why, effects);

        if (LinkCount <= _options.HighWater && used - old.Count <= BudgetHigh) return Instant.Never;
        return prunable.Where(one => !one.Link!.IsClosing).Select(one => one.Link!.Since + grace).DefaultIfEmpty(Instant.Never).Min();
    }

    /// <summary>What a link is worth; the smallest is pruned first.</summary>
    private static (LinkKind, LinkPriority, long, bool, bool, double, long) ValueOf(Entry entry) => (
        entry.Link!.Kind,
        entry.Priority,
        entry.Tags.Values.Sum(weight => (long)weight),
        entry.IsPersistent,
        entry.Link.Direction == Direction.Outbound,
        Math.Round(entry.Health, 1),
        -entry.Link.Since.Ticks);
}
