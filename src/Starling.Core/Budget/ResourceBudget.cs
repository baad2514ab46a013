namespace Starling;

/// <summary>What a <see cref="ResourceBudget"/> counts.</summary>
public enum ResourceKind
{
    /// <summary>Handshakes under way, both directions.</summary>
    Handshakes,

    /// <summary>Links, from upgraded to closed.</summary>
    Links,

    /// <summary>Streams open over all links.</summary>
    Streams,

    /// <summary>Bytes of receive window granted beyond the initial window, over all links.</summary>
    WindowBytes,

    /// <summary>Bytes waiting in queues: topics, subscribers, outbound.</summary>
    QueueBytes,
}

/// <summary>The limits of a <see cref="ResourceBudget"/>.</summary>
public sealed class ResourceBudgetOptions
{
    /// <summary>Handshakes under way at once. Default 256. Each costs up to 60 KiB until it ends or times out.</summary>
    public long MaxHandshakes { get; set; } = 256;

    /// <summary>Links at once. Default 4,096. An idle link costs about 70 KiB resident.</summary>
    public long MaxLinks { get; set; } = 4096;

    /// <summary>Streams at once over all links. Default 65,536. An idle stream costs under 1 KiB.</summary>
    public long MaxStreams { get; set; } = 65_536;

    /// <summary>Window bytes beyond the initial 256 KiB a stream, over all links. Default 256 MiB: the most that auto-tuning may make the node buffer.</summary>
    public long MaxWindowBytes { get; set; } = 256L << 20;

    /// <summary>Bytes waiting in queues. Default 256 MiB.</summary>
    public long MaxQueueBytes { get; set; } = 256L << 20;
}

/// <summary>The one place where a node counts what peers can make it hold. Lock-free; safe for all threads.</summary>
/// <remarks>Acquire before allocating; a refusal has a counter (<see cref="Refused"/>) and a named outcome at the caller.</remarks>
public sealed class ResourceBudget
{
    private const int Kinds = 5;
    private readonly long[] _limits = new long[Kinds];
    private readonly long[] _used = new long[Kinds];
    private readonly long[] _refused = new long[Kinds];

    /// <summary>Creates a budget with the given limits, or the defaults.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit is not positive.</exception>
    public ResourceBudget(ResourceBudgetOptions? options = null)
    {
        options ??= new ResourceBudgetOptions();
        Set(ResourceKind.Handshakes, options.MaxHandshakes, nameof(options.MaxHandshakes));
        Set(ResourceKind.Links, options.MaxLinks, nameof(options.MaxLinks));
        Set(ResourceKind.Streams, options.MaxStreams, nameof(options.MaxStreams));
        Set(ResourceKind.WindowBytes, options.MaxWindowBytes, nameof(options.MaxWindowBytes));
        Set(ResourceKind.QueueBytes, options.MaxQueueBytes, nameof(options.MaxQueueBytes));
    }

    /// <summary>Takes an amount, or refuses and counts the refusal.</summary>
    public bool TryAcquire(ResourceKind kind, long amount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        var limit = _limits[(int)kind];
        ref var used = ref _used[(int)kind];
        var seen = Volatile.Read(ref used);
        while (seen <= limit - amount)
        {
            var before = Interlocked.CompareExchange(ref used, seen + amount, seen);
            if (before == seen) return true;
            seen = before;
        }

        Interlocked.Increment(ref _refused[(int)kind]);
        return false;
    }

    /// <summary>Gives back what was taken.</summary>
    public void Release(ResourceKind kind, long amount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        Interlocked.Add(ref _used[(int)kind], -amount);
    }

    /// <summary>The amount in use.</summary>
    public long Used(ResourceKind kind) => Interlocked.Read(ref _used[(int)kind]);

    /// <summary>The limit.</summary>
    public long Limit(ResourceKind kind) => _limits[(int)kind];

    /// <summary>How often an acquire was refused.</summary>
    public long Refused(ResourceKind kind) => Interlocked.Read(ref _refused[(int)kind]);

    private void Set(ResourceKind kind, long limit, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit, name);
        _limits[(int)kind] = limit;
    }
}
