namespace Starling.Protocols.Spread;

/// <summary>The bounds of a spread core. Each has a named outcome when it is hit, counted in <see cref="SpreadCounters"/>.</summary>
public class SpreadOptions : ICheckedOptions
{
    /// <summary>Direct neighbours that each item is pushed to, chosen at random for every item. Default 6; 0, or more than there are, takes all.</summary>
    /// <remarks>About ln(N)+2 reaches nearly everyone of N; each one more costs one more copy per node and item.</remarks>
    public int Degree { get; set; } = 6;

    /// <summary>Hops that an item may make, whatever its sender asked for. Default 32, from 1 to 255.</summary>
    public int MaxTtl { get; set; } = 32;

    /// <summary>Longest payload, in bytes, of an item or a reply. Default 64 KiB, from 1 to 1 MiB. A longer one ends the neighbour's stream before it is read.</summary>
    public int MaxPayloadBytes { get; set; } = 64 << 10;

    /// <summary>Longest frame, in bytes. Default 256 KiB, at least 1 KiB more than <see cref="MaxPayloadBytes"/>, at most 16 MiB.</summary>
    /// <remarks>Cost: one buffer of at most this size per neighbour, only while such a frame arrives.</remarks>
    public int MaxFrameBytes { get; set; } = 256 << 10;

    /// <summary>Items, replies and ids in one frame. Default 4,096, from 16 to 65,536. A frame with more ends the stream.</summary>
    public int MaxEntriesPerFrame { get; set; } = 4096;

    /// <summary>Kinds that may be registered or named for relaying. Default 256, at least 16.</summary>
    public int MaxKinds { get; set; } = 256;

    /// <summary>Whether to hand on what others send. Default true. Off, this node still receives, and still sends its own.</summary>
    public bool Relay { get; set; } = true;

    /// <summary>Whether to hand on kinds that nobody registered here. Default false: a node carries what it knows.</summary>
    public bool RelayUnknownKinds { get; set; }

    /// <summary>How long an item is remembered from its first sight, unless its kind says otherwise. Default 5 minutes, more than zero. One that is older when it comes is refused.</summary>
    public TimeSpan SeenTime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Items that are remembered at most. Default 65,536, at least 16; those whose time ends first make room and are counted.</summary>
    /// <remarks>Cost: about 200 bytes each, 13 MiB in all.</remarks>
    public int MaxSeen { get; set; } = 65_536;

    /// <summary>How long a rejected item is remembered. Default 1 day, more than zero.</summary>
    public TimeSpan RejectedTime { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Rejected items, and rejected contents, that are remembered at most, apart from <see cref="MaxSeen"/>. Default 16,384 each, at least 1; the oldest make room. About 150 bytes each.</summary>
    public int MaxRejected { get; set; } = 16_384;

    /// <summary>Items that may await their verdict at once. Default 256, at least 1; one more is refused and may come again.</summary>
    /// <remarks>Cost: their payloads, <see cref="MaxPayloadBytes"/> each at most, 16 MiB in all.</remarks>
    public int MaxPendingValidations { get; set; } = 256;

    /// <summary>Time for a verdict, unless the kind has its own. Default 10 seconds, more than zero. Then the item is ignored, unless its kind says otherwise.</summary>
    public TimeSpan ValidationTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Replies to one item that this node passes back or takes. Default 256, at least 1.</summary>
    public int MaxRepliesPerItem { get; set; } = 256;

    /// <summary>Items and replies that one neighbour may send at once; as many are earned back in <see cref="BurstRecovery"/>. Default 8,192, at least 16.</summary>
    public int Burst { get; set; } = 8192;

    /// <summary>The time in which a whole <see cref="Burst"/> is earned back. Default 4 seconds, more than zero: 2,048 a second.</summary>
    public TimeSpan BurstRecovery { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>Items kept for neighbours to come, of kinds that say so. Default 1,024, not negative; 0 keeps none.</summary>
    public int MaxKept { get; set; } = 1024;

    /// <summary>Payload bytes of kept items. Default 4 MiB, not negative; the oldest make room.</summary>
    public int MaxKeptBytes { get; set; } = 4 << 20;

    /// <inheritdoc/>
    public virtual void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Least(Degree, 0, nameof(Degree));
        problems.Within(MaxTtl, 1, 255, nameof(MaxTtl));
        problems.Within(MaxPayloadBytes, 1, 1 << 20, nameof(MaxPayloadBytes));
        problems.Within(MaxFrameBytes, Math.Max(0, MaxPayloadBytes) + 1024, 16 << 20, nameof(MaxFrameBytes));
        problems.Within(MaxEntriesPerFrame, 16, 65_536, nameof(MaxEntriesPerFrame));
        problems.Least(MaxKinds, 16, nameof(MaxKinds));
        problems.Positive(SeenTime, nameof(SeenTime));
        problems.Least(MaxSeen, 16, nameof(MaxSeen));
        problems.Positive(RejectedTime, nameof(RejectedTime));
        problems.Least(MaxRejected, 1, nameof(MaxRejected));
        problems.Least(MaxPendingValidations, 1, nameof(MaxPendingValidations));
        problems.Positive(ValidationTimeout, nameof(ValidationTimeout));
        problems.Least(MaxRepliesPerItem, 1, nameof(MaxRepliesPerItem));
        problems.Least(Burst, 16, nameof(Burst));
        problems.Positive(BurstRecovery, nameof(BurstRecovery));
        problems.Least(MaxKept, 0, nameof(MaxKept));
        problems.Least(MaxKeptBytes, 0, nameof(MaxKeptBytes));
    }
}

/// <summary>What a node does with the items of one kind.</summary>
/// <param name="Relay">Whether to hand them on, while relaying is on at all.</param>
/// <param name="Deliver">Whether somebody here takes them.</param>
/// <param name="Validate">Whether a verdict decides before they are delivered and go on.</param>
/// <param name="RequireSignature">Whether unsigned ones are refused.</param>
/// <param name="Keep">Whether neighbours to come are offered them as long as they are remembered.</param>
/// <param name="Degree">Neighbours that each is pushed to; null takes <see cref="SpreadOptions.Degree"/>, 0 all.</param>
/// <param name="ValidationTimeout">Time for a verdict; null takes <see cref="SpreadOptions.ValidationTimeout"/>.</param>
/// <param name="Undecided">What becomes of items whose time for a verdict is over.</param>
/// <param name="Lifetime">How long they are remembered, and offered where they are kept; null takes <see cref="SpreadOptions.SeenTime"/>.</param>
/// <param name="MaxTtl">Hops that they may make; null takes <see cref="SpreadOptions.MaxTtl"/>.</param>
/// <param name="RejectContent">Whether a rejection holds for every item of this kind with the same payload, whatever its id and origin.</param>
public sealed record SpreadRules(
    bool Relay = true,
    bool Deliver = false,
    bool Validate = false,
    bool RequireSignature = false,
    bool Keep = false,
    int? Degree = null,
    TimeSpan? ValidationTimeout = null,
    SpreadUndecided Undecided = SpreadUndecided.Ignore,
    TimeSpan? Lifetime = null,
    int? MaxTtl = null,
    bool RejectContent = false);

/// <summary>What becomes of an item when its time for a verdict is over and not every validator has judged.</summary>
public enum SpreadUndecided
{
    /// <summary>It is ignored.</summary>
    Ignore,

    /// <summary>It is accepted if at least one validator accepted it; none has rejected it, or it would be gone already. Else it is ignored.</summary>
    AcceptIfAny,
}

/// <summary>What a validator says of an item.</summary>
public enum SpreadVerdict
{
    /// <summary>It is delivered and goes on.</summary>
    Accept,

    /// <summary>It is neither delivered nor handed on, and remembered for that.</summary>
    Reject,

    /// <summary>It is neither delivered nor handed on; nothing is held against it.</summary>
    Ignore,
}
