namespace Starling;

/// <summary>Amounts in use of each kind, none above its limit. Lock-free; safe for all threads.</summary>
internal sealed class ResourceAccount
{
    /// <summary>How many kinds there are.</summary>
    internal const int Kinds = 5;

    private readonly long[] _limits;
    private readonly long[] _used = new long[Kinds];

    /// <summary>Begins with nothing in use.</summary>
    /// <param name="limits">One for each kind; shared, not changed.</param>
    internal ResourceAccount(long[] limits) => _limits = limits;

    /// <summary>Scopes that count here. Guarded by the budget.</summary>
    internal int References { get; set; }

    internal long Limit(ResourceKind kind) => _limits[(int)kind];

    internal long Used(ResourceKind kind) => Interlocked.Read(ref _used[(int)kind]);

    internal bool TryAcquire(ResourceKind kind, long amount)
    {
        var limit = _limits[(int)kind];
        ref var used = ref _used[(int)kind];
        var seen = Volatile.Read(ref used);
        while (seen <= limit - amount)
        {
            var before = Interlocked.CompareExchange(ref used, seen + amount, seen);
            if (before == seen) return true;
            seen = before;
        }

        return false;
    }

    internal void Release(ResourceKind kind, long amount) => Interlocked.Add(ref _used[(int)kind], -amount);
}
