namespace Starling.Protocols.Spread;

/// <content>Items that are taken back after they were accepted.</content>
public sealed partial class SpreadCore
{
    /// <summary>Keeps an item no longer for neighbours to come, nor does so once it is accepted. Copies of it that arrive are known all the same.</summary>
    /// <param name="key">The item, own or another's. One that is forgotten, or not kept, is left as it is.</param>
    /// <param name="now">The present instant.</param>
    /// <returns>False when the item is forgotten.</returns>
    public bool Withdraw(SpreadKey key, Instant now)
    {
        Expire(now);
        if (!_seen.TryGetValue(key, out var entry)) return false;
        entry.IsWithdrawn = true;
        if (entry.State != SpreadState.Pending) Unkeep(entry);
        return true;
    }
}
