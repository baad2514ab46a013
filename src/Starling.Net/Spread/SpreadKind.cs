using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>What a node does with the items that go by one number.</summary>
/// <param name="Number">On the wire, from 1. Those below 1,024 are Starling's own; <see cref="Named"/> gives numbers from 2³¹ on.</param>
/// <param name="Name">For people, logs and metrics; told to nobody.</param>
public sealed record SpreadKind(uint Number, string Name)
{
    /// <summary>The first number that is not kept for Starling itself.</summary>
    public const uint FirstFree = 1024;

    private static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(49);

    /// <summary>Whether to hand on what others send, while relaying is on at all. Default true.</summary>
    public bool Relay { get; init; } = true;

    /// <summary>Whether this node signs what it publishes, and refuses what is unsigned. Default false: the origin is asserted by whoever brings the item.</summary>
    /// <remarks>Costs each node one verification per item, about 0.2 ms, away from the loop.</remarks>
    public bool Signed { get; init; }

    /// <summary>Whether neighbours to come are offered the items that are remembered. Default false.</summary>
    public bool Keep { get; init; }

    /// <summary>Neighbours that each item is pushed to; null takes <see cref="SpreadOptions.Degree"/>, 0 all. Default null.</summary>
    public int? Degree { get; init; }

    /// <summary>Time for a verdict; null takes <see cref="SpreadOptions.ValidationTimeout"/>. Default null.</summary>
    public TimeSpan? ValidationTimeout { get; init; }

    /// <summary>What becomes of items whose time for a verdict is over. Default: they are ignored.</summary>
    public SpreadUndecided Undecided { get; init; }

    /// <summary>Whether items are ignored as long as nobody judges them. Default false: without validators every item is accepted.</summary>
    public bool NeedsVerdict { get; init; }

    /// <summary>Whether a rejection holds for every item with the same payload, whatever its id and origin. Default false: for that item alone.</summary>
    /// <remarks>For payloads that are judged by themselves. Where the origin matters, whoever sends another's payload under a wrong name would have it rejected for all.</remarks>
    public bool RejectContent { get; init; }

    /// <summary>How long items are remembered and, with <see cref="Keep"/>, offered; null takes <see cref="SpreadOptions.SeenTime"/>. Default null. Must be the same on every node, else an item may come twice.</summary>
    public TimeSpan? Lifetime { get; init; }

    /// <summary>Hops that items may make, from 1 to 255; null takes <see cref="SpreadOptions.MaxTtl"/>. Default null.</summary>
    public int? MaxTtl { get; init; }

    /// <summary>A kind whose number follows from its name, so that programs agree without a registry.</summary>
    /// <param name="name">At least one character.</param>
    public static SpreadKind Named(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new SpreadKind(BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name))) | 0x8000_0000, name);
    }

    internal SpreadRules Rules(bool deliver, bool validate) =>
        new(Relay, deliver, validate || NeedsVerdict, Signed, Keep, Degree, ValidationTimeout, Undecided, Lifetime, MaxTtl, RejectContent);

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentException">One is out of range.</exception>
    internal void Check()
    {
        if (Number == 0) throw new ArgumentException($"The spread kind '{Name}' has number 0; take one from {FirstFree} on, or {nameof(SpreadKind)}.{nameof(Named)}.");
        if (Degree < 0) throw Wrong(nameof(Degree), "is negative");
        if (MaxTtl is < 1 or > 255) throw Wrong(nameof(MaxTtl), "is not from 1 to 255");
        if (ValidationTimeout <= TimeSpan.Zero) throw Wrong(nameof(ValidationTimeout), "is not more than zero");
        if (Lifetime <= TimeSpan.Zero || Lifetime > LongestLifetime) throw Wrong(nameof(Lifetime), $"is not more than zero and at most {LongestLifetime.TotalDays:0} days");
    }

    private ArgumentException Wrong(string property, string what) => new($"{property} of the spread kind '{Name}' {what}.");
}

/// <summary>An item that has arrived.</summary>
/// <param name="Item">The item. Its payload may be kept.</param>
/// <param name="From">The neighbour that brought it first.</param>
public sealed record SpreadDelivery(SpreadItem Item, PeerId From)
{
    /// <summary>Who sent it first: proved when <see cref="SpreadItem.IsSigned"/>, else asserted.</summary>
    public PeerId Origin => Item.Origin;

    /// <summary>The kind's own bytes.</summary>
    public ReadOnlyMemory<byte> Payload => Item.Payload;
}

/// <summary>A reply to an own item.</summary>
/// <param name="To">The item's key, as <see cref="SpreadPublishResult.Key"/> told it.</param>
/// <param name="Payload">The kind's own bytes, which may be kept. Nothing says who wrote them unless they say so themselves.</param>
/// <param name="From">The neighbour that brought it.</param>
public sealed record SpreadAnswer(SpreadKey To, ReadOnlyMemory<byte> Payload, PeerId From);

/// <summary>What becomes of items and replies of one kind at this node. Every member may be left out.</summary>
/// <remarks>Calls of <see cref="OnItem"/> and <see cref="OnReply"/> come one at a time, in order; what waits for them is bounded, the oldest is shed.
/// One that throws is logged and counted, and the next call comes all the same.</remarks>
public sealed class SpreadHandlers
{
    /// <summary>Takes an item. Each item comes once.</summary>
    public Func<SpreadDelivery, CancellationToken, ValueTask>? OnItem { get; init; }

    /// <summary>Says whether an item is delivered and goes on; further validators may join (<see cref="SpreadService.AddValidator"/>). Called for several items at once, from any thread; cancelled when the time for the verdict is over or another has rejected the item. One that throws ignores the item.</summary>
    public Func<SpreadDelivery, CancellationToken, ValueTask<SpreadVerdict>>? Validate { get; init; }

    /// <summary>Takes a reply to an item that this node has published.</summary>
    public Func<SpreadAnswer, CancellationToken, ValueTask>? OnReply { get; init; }

    /// <summary>Says whether a reply is worth handing back, at every node on its way. Called from any thread; must return soon and never throw.</summary>
    public Func<SpreadReply, bool>? CheckReply { get; init; }
}

/// <summary>What became of a published item.</summary>
public enum SpreadPublishStatus
{
    /// <summary>It was queued to neighbours.</summary>
    Sent,

    /// <summary>There is no neighbour that speaks spread.</summary>
    NoPeers,

    /// <summary>The payload is longer than <see cref="SpreadOptions.MaxPayloadBytes"/>.</summary>
    TooLarge,

    /// <summary>This node has sent an item by this id already.</summary>
    Duplicate,

    /// <summary>The item, or its payload where the kind says so, was rejected here.</summary>
    Rejected,
}

/// <summary>What became of a published item.</summary>
/// <param name="Status">What.</param>
/// <param name="Neighbours">How many it was queued to.</param>
/// <param name="Key">What replies name it by.</param>
public readonly record struct SpreadPublishResult(SpreadPublishStatus Status, int Neighbours, SpreadKey Key);
