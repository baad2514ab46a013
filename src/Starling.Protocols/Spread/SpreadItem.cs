namespace Starling.Protocols.Spread;

/// <summary>One thing that spreads. Immutable; what it points to must not be changed.</summary>
/// <param name="Id">Tells it apart from others of the same origin.</param>
/// <param name="Origin">Who sent it first: asserted by whoever brought it, unless the item is signed.</param>
/// <param name="Kind">What it is, by number.</param>
/// <param name="Ttl">Hops left, this one included: who gets it with 1 is the last. From 1 to 255.</param>
/// <param name="Payload">The kind's own bytes.</param>
/// <param name="Signature">The origin's signature, or empty.</param>
/// <param name="PublicKey">The origin's encoded key where its peer id does not hold it, else empty.</param>
public sealed record SpreadItem(SpreadId Id, PeerId Origin, uint Kind, int Ttl, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Signature = default, ReadOnlyMemory<byte> PublicKey = default)
{
    /// <summary>What duplicates are known by.</summary>
    public SpreadKey Key => new(Id, Origin, IsSigned);

    /// <summary>Time since its origin sent it, as those who brought it counted it; up to 49 days, in whole milliseconds on the wire. No signature covers it.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>Whether a signature goes with it. That it holds is only known once it was verified.</summary>
    public bool IsSigned => !Signature.IsEmpty;
}

/// <summary>An answer to an item, on its way back along the path that the item came.</summary>
/// <param name="To">The item.</param>
/// <param name="Kind">The item's kind.</param>
/// <param name="Payload">The kind's own bytes.</param>
public sealed record SpreadReply(SpreadKey To, uint Kind, ReadOnlyMemory<byte> Payload);

/// <summary>What neighbours send each other at once. Not safe for several threads.</summary>
public sealed class SpreadFrame
{
    /// <summary>Items that are pushed.</summary>
    public IList<SpreadItem> Items { get; } = [];

    /// <summary>Answers that are handed back.</summary>
    public IList<SpreadReply> Replies { get; } = [];

    /// <summary>Items that the sender has and would send.</summary>
    public IList<SpreadKey> Have { get; } = [];

    /// <summary>Items that the sender wants of those that it was told of.</summary>
    public IList<SpreadKey> Want { get; } = [];

    /// <summary>Whether there is nothing in it.</summary>
    public bool IsEmpty => Items.Count + Replies.Count + Have.Count + Want.Count == 0;

    /// <summary>Takes everything out.</summary>
    public void Clear()
    {
        Items.Clear();
        Replies.Clear();
        Have.Clear();
        Want.Clear();
    }
}
