using Starling.Net.PubSub;

namespace Starling.Net.Pairing;

/// <summary>What becomes of the links over which others of a topic were found, once they are paired.</summary>
public enum OnPair
{
    /// <summary>They stay.</summary>
    Keep,

    /// <summary>They are closed, unless the neighbour follows a topic of this node itself, or another pairing is still searching.</summary>
    DropEntry,
}

/// <summary>How to find others of a topic.</summary>
public sealed record PairingOptions
{
    /// <summary>Linked peers that follow the topic and are enough. Default 1, from 1 to 256.</summary>
    public int Wanted { get; init; } = 1;

    /// <summary>Hops that a search may make; 0 sets no limit of its own, and <c>Spread:MaxTtl</c> (32) counts in any case. Default 0.</summary>
    public int MaxHops { get; init; }

    /// <summary>What becomes of the entry links. Default: they stay.</summary>
    public OnPair OnPair { get; init; }

    /// <summary>Time to pair. Default 30 seconds, more than zero, up to a day. For pairing that is kept up: the length of one search.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Pause between two searches of a pairing that is kept up and lacks peers. Default 5 seconds, with jitter; doubles up to a minute while nobody is found. More than zero.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Wanted, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Wanted, 256);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxHops);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Timeout, TimeSpan.FromDays(1));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(RetryAfter, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(RetryAfter, TimeSpan.FromDays(1));
        if (!Enum.IsDefined(OnPair)) throw new ArgumentOutOfRangeException(nameof(OnPair), OnPair, "Not one of the choices.");
    }
}

/// <summary>What a node does with pairing as a whole.</summary>
public sealed class PairingServiceOptions : ICheckedOptions
{
    /// <summary>Whether others find this node by the topics that it follows. Default true. Whoever searches for a name learns that this node follows it, and its addresses; of a closed topic only its members do.</summary>
    public bool Answer { get; set; } = true;

    /// <summary>Pairings under way or kept up at once. Default 1,024, at least 1; one more throws. About 1 KiB each.</summary>
    public int MaxPairings { get; set; } = 1024;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Least(MaxPairings, 1, nameof(MaxPairings));
    }
}

/// <summary>A pairing was made, or one that is kept up has fewer peers than it wants and searches again.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Peers">Linked peers that follow it.</param>
/// <param name="IsPaired">Which of the two.</param>
public sealed record PairingChange(Topic Topic, IReadOnlyList<PeerId> Peers, bool IsPaired);

/// <summary>Whether a topic's others are found.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Peers">Linked peers that follow it.</param>
/// <param name="Wanted">How many are wanted.</param>
/// <param name="IsSearching">Whether a search is under way.</param>
public sealed record PairingStatus(Topic Topic, IReadOnlyList<PeerId> Peers, int Wanted, bool IsSearching)
{
    /// <summary>Whether as many as are wanted are linked.</summary>
    public bool IsPaired => Peers.Count >= Wanted;
}
