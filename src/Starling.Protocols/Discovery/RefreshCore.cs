namespace Starling.Protocols.Discovery;

/// <summary>When to exchange peer lists: at random times around an interval, sooner when somebody new has come, later when a neighbour has just done it.</summary>
/// <remarks>The random spread and the postponing let one node of a neighbourhood refresh for all. Neither event can starve or flood: a refresh
/// comes no sooner after the last than <paramref name="least"/>, and no later than three intervals. Not safe for several threads.</remarks>
/// <param name="interval">The mean time between two refreshes: each pause is 0.5 to 1.5 of it.</param>
/// <param name="least">The least time between two refreshes, unless one is forced.</param>
/// <param name="random">Spreads the pauses.</param>
public sealed class RefreshCore(TimeSpan interval, TimeSpan least, RandomSource random)
{
    private Instant _last;
    private bool _hasNews;

    /// <summary>When the next refresh is due; never before <see cref="Start"/>.</summary>
    public Instant Next { get; private set; } = Instant.Never;

    /// <summary>Sets the timer for the first time, or anew.</summary>
    public void Start(Instant now)
    {
        _last = now;
        _hasNews = false;
        Next = now + random.Jitter(interval);
    }

    /// <summary>Never again, until it is started.</summary>
    public void Stop() => Next = Instant.Never;

    /// <summary>A peer has come that was not there before: the refresh is pulled forward.</summary>
    /// <param name="now">The present.</param>
    /// <param name="isNews">Whether neighbours may not know of the peer yet: then their refreshing does not postpone this one.</param>
    public void PeerAppeared(Instant now, bool isNews = true)
    {
        if (Next == Instant.Never) return;
        _hasNews |= isNews;
        var soon = now + random.Jitter(least);
        var earliest = _last + least;
        if (soon < earliest) soon = earliest;
        if (soon < Next) Next = soon;
    }

    /// <summary>A neighbour has just refreshed: this node's own turn is postponed, unless somebody new has come of whom only this node may know.</summary>
    public void NeighbourRefreshed(Instant now)
    {
        if (Next == Instant.Never || _hasNews) return;
        var later = now + random.Jitter(interval);
        var latest = _last + (interval * 3);
        if (later > latest) later = latest;
        if (later > Next) Next = later;
    }

    /// <summary>Whether a refresh is due. Sets the timer for the one after it when it is.</summary>
    public bool IsDue(Instant now)
    {
        if (now < Next) return false;
        Start(now);
        return true;
    }
}
