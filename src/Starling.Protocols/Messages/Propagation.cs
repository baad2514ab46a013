namespace Starling.Protocols.Messages;

/// <summary>Chooses, round by round, which neighbours get a node's state, and when that is enough. Must not keep anything between two propagations.</summary>
public interface IPropagationStrategy
{
    /// <summary>The name by which it is chosen, such as <c>stable</c>.</summary>
    string Name { get; }

    /// <summary>Who gets the state in this round; empty for nobody this time, null to end the propagation.</summary>
    /// <param name="round">What is known so far.</param>
    IReadOnlyCollection<PeerId>? Choose(PropagationRound round);
}

/// <summary>What a strategy decides by.</summary>
/// <param name="Number">The round, from 1.</param>
/// <param name="Neighbours">The direct neighbours now.</param>
/// <param name="Reached">Those that have taken the state in during this propagation.</param>
public sealed record PropagationRound(int Number, IReadOnlyList<PeerId> Neighbours, IReadOnlySet<PeerId> Reached);

/// <summary>How a propagation goes.</summary>
public sealed class PropagationOptions : ICheckedOptions
{
    /// <summary>The pause between two rounds. Default 1 second.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Rounds at most. Default 100, at least 1.</summary>
    public int MaxRounds { get; set; } = 100;

    /// <summary>The propagation ends early after so many rounds in a row that chose the same neighbours and reached nobody new. Default 10, at least 1.</summary>
    public int UnchangedRounds { get; set; } = 10;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.NotNegative(Interval, nameof(Interval));
        problems.Least(MaxRounds, 1, nameof(MaxRounds));
        problems.Least(UnchangedRounds, 1, nameof(UnchangedRounds));
    }
}

/// <summary>Why a propagation ended.</summary>
public enum PropagationEnd
{
    /// <summary>The strategy says that it is enough.</summary>
    Finished,

    /// <summary>Several rounds in a row changed nothing (<see cref="PropagationOptions.UnchangedRounds"/>).</summary>
    Unchanged,

    /// <summary>There were as many rounds as may be (<see cref="PropagationOptions.MaxRounds"/>).</summary>
    MaxRounds,

    /// <summary>It was cancelled, or the node stopped.</summary>
    Cancelled,

    /// <summary>The strategy, or what supplies the state, threw.</summary>
    Failed,
}

/// <summary>Counts the rounds of one propagation and knows when it ends. One thread at a time.</summary>
public sealed class PropagationCore(IPropagationStrategy strategy, PropagationOptions options)
{
    private readonly HashSet<PeerId> _reached = [];
    private HashSet<PeerId> _last = [];
    private int _reachedBefore;
    private int _unchanged;

    /// <summary>Rounds begun so far.</summary>
    public int Rounds { get; private set; }

    /// <summary>Who has taken the state in.</summary>
    public IReadOnlySet<PeerId> Reached => _reached;

    /// <summary>Begins the next round; null when the propagation has ended.</summary>
    /// <param name="neighbours">The direct neighbours now.</param>
    /// <param name="end">Why it has ended.</param>
    public IReadOnlyCollection<PeerId>? Next(IReadOnlyList<PeerId> neighbours, out PropagationEnd end)
    {
        end = PropagationEnd.MaxRounds;
        if (Rounds >= options.MaxRounds) return null;
        var chosen = strategy.Choose(new PropagationRound(Rounds + 1, neighbours, _reached));
        end = PropagationEnd.Finished;
        if (chosen is null) return null;
        var set = chosen.ToHashSet();
        _unchanged = Rounds > 0 && _last.SetEquals(set) && _reached.Count == _reachedBefore ? _unchanged + 1 : 0;
        end = PropagationEnd.Unchanged;
        if (_unchanged >= options.UnchangedRounds) return null;
        (_last, _reachedBefore) = (set, _reached.Count);
        Rounds++;
        return set;
    }

    /// <summary>A neighbour has taken the state in.</summary>
    public void Reach(PeerId peer) => _reached.Add(peer);
}

/// <summary>Brings a first state to everybody who needs it, once each, and ends when all have it: for a federation that begins, and for those who join it late.</summary>
/// <param name="needs">Who needs it; null for all.</param>
public sealed class InitializationPropagation(Func<PeerId, bool>? needs = null) : IPropagationStrategy
{
    /// <inheritdoc/>
    public string Name => "initialization";

    /// <inheritdoc/>
    public IReadOnlyCollection<PeerId>? Choose(PropagationRound round)
    {
        ArgumentNullException.ThrowIfNull(round);
        var left = round.Neighbours.Where(peer => !round.Reached.Contains(peer) && (needs is null || needs(peer))).ToList();
        return left.Count == 0 && round.Neighbours.Count > 0 ? null : left;
    }
}

/// <summary>Sends the present state to all direct neighbours in every round, until nothing changes any more.</summary>
public sealed class StablePropagation : IPropagationStrategy
{
    /// <inheritdoc/>
    public string Name => "stable";

    /// <inheritdoc/>
    public IReadOnlyCollection<PeerId>? Choose(PropagationRound round)
    {
        ArgumentNullException.ThrowIfNull(round);
        return round.Neighbours;
    }
}
