namespace Starling.Protocols.Spread;

/// <summary>What a core remembers of one item.</summary>
internal sealed class SpreadEntry(SpreadKey key, uint kind, UInt128 fingerprint, PeerId from, int ttl, Instant born, Instant until)
{
    public SpreadKey Key { get; } = key;

    public uint Kind { get; } = kind;

    /// <summary>Of everything in the item that no hop may change.</summary>
    public UInt128 Fingerprint { get; } = fingerprint;

    /// <summary>The neighbour that brought it first, which is where replies go; this node itself for an own item.</summary>
    public PeerId From { get; } = from;

    /// <summary>The neighbour that brought the copy with the most hops left.</summary>
    public PeerId BestFrom { get; set; } = from;

    /// <summary>The most hops left that any copy came with.</summary>
    public int Ttl { get; set; } = ttl;

    /// <summary>When its origin sent it, as far as is known.</summary>
    public Instant Born { get; } = born;

    /// <summary>When it is forgotten.</summary>
    public Instant Until { get; } = until;

    /// <summary>When it is offered no more.</summary>
    public Instant OfferedUntil { get; init; }

    public SpreadState State { get; set; }

    /// <summary>Of the payload alone, where a rejection is to hold for all that say the same.</summary>
    public UInt128? Content { get; init; }

    /// <summary>Validators that have not judged yet.</summary>
    public int Voters { get; set; } = 1;

    /// <summary>Whether a validator has accepted it.</summary>
    public bool IsFavoured { get; set; }

    /// <summary>Its place among those that are kept, while it is.</summary>
    public LinkedListNode<SpreadEntry>? KeptAt { get; set; }

    /// <summary>The item, while it waits for its verdict or is kept.</summary>
    public SpreadItem? Item { get; set; }

    /// <summary>Whether it is not to be kept any more.</summary>
    public bool IsWithdrawn { get; set; }

    /// <summary>When the wait for a verdict ends.</summary>
    public Instant Deadline { get; set; }

    /// <summary>Tells apart those with the same deadline.</summary>
    public long Number { get; init; }

    public int Replies { get; set; }
}

internal enum SpreadState
{
    Pending,
    Accepted,
    Ignored,
}

/// <summary>One neighbour of a core.</summary>
internal sealed class SpreadPeer(PeerId id, SpreadOptions options)
{
    private double _level;
    private Instant _last;

    public PeerId Id { get; } = id;

    public bool IsDirect { get; set; }

    /// <summary>Items that the neighbour was offered and has not asked for yet.</summary>
    public int Offered { get; set; }

    /// <summary>A leaky bucket: false when the neighbour has sent more than it may.</summary>
    public bool TryCount(int count, Instant now)
    {
        var seconds = Math.Max(0, (now - _last).TotalSeconds);
        _last = now;
        _level = Math.Max(0, _level - (seconds * options.Burst / options.BurstRecovery.TotalSeconds));
        if (_level + count > options.Burst) return false;
        _level += count;
        return true;
    }
}
