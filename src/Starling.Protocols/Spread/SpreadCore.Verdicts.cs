namespace Starling.Protocols.Spread;

/// <content>The gate: an item that awaits verdicts is neither delivered nor handed on before they are in.</content>
public sealed partial class SpreadCore
{
    /// <summary>So many validators will judge an item, each once; without this call, one.</summary>
    public void Expect(SpreadKey key, int validators)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(validators, 1);
        if (_seen.TryGetValue(key, out var entry) && entry.State == SpreadState.Pending) entry.Voters = validators;
    }

    /// <summary>A validator has judged. One that rejects decides alone and at once; else the item is accepted when all have judged and at least one accepts. Too late a verdict changes nothing.</summary>
    public void Judge(SpreadKey key, SpreadVerdict verdict, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        Tick(now, effects);
        if (!_seen.TryGetValue(key, out var entry) || entry.State != SpreadState.Pending) return;
        entry.Voters--;
        entry.IsFavoured |= verdict == SpreadVerdict.Accept;
        if (verdict == SpreadVerdict.Reject) Veto(entry, now, effects);
        else if (entry.Voters == 0) Decide(entry, now, effects);
    }

    /// <summary>Rejects an item whatever was said of it before, also an own one: it is offered and handed on no more, and remembered as rejected.</summary>
    /// <returns>False when the item is forgotten.</returns>
    public bool Reject(SpreadKey key, Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        Expire(now);
        if (!_seen.TryGetValue(key, out var entry)) return false;
        Veto(entry, now, effects);
        return true;
    }

    /// <summary>The first instant at which <see cref="Tick"/> has something to do.</summary>
    public Instant NextTick => _waiting.Min?.Deadline ?? Instant.Never;

    /// <summary>Ends waits for verdicts whose time is over.</summary>
    public void Tick(Instant now, ICollection<SpreadEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        while (_waiting.Min is { } entry && entry.Deadline <= now)
        {
            effects.Add(new SpreadEffect(SpreadEffectKind.StopValidating, entry.From, entry.Item));
            if (entry.IsFavoured && _kinds.GetValueOrDefault(entry.Kind)?.Undecided == SpreadUndecided.AcceptIfAny)
            {
                Decide(entry, now, effects);
            }
            else
            {
                EndWait(entry);
                Counters.CountTimedOut();
            }
        }
    }

    private void Decide(SpreadEntry entry, Instant now, ICollection<SpreadEffect> effects)
    {
        var item = entry.Item!;
        EndWait(entry);
        if (entry.IsFavoured)
        {
            Counters.CountAccepted();
            Admit(entry, item, now, effects);
        }
        else
        {
            Counters.CountIgnored();
        }
    }

    private void Veto(SpreadEntry entry, Instant now, ICollection<SpreadEffect> effects)
    {
        if (entry.State == SpreadState.Pending)
        {
            if (entry.Voters > 0) effects.Add(new SpreadEffect(SpreadEffectKind.StopValidating, entry.From, entry.Item));
            EndWait(entry);
        }

        Counters.CountRejected();
        Unkeep(entry);
        Remember(entry, now);
    }

    private void EndWait(SpreadEntry entry)
    {
        _waiting.Remove(entry);
        entry.State = SpreadState.Ignored;
        entry.Item = null;
    }
}
