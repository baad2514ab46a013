using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>The bounds of overlay search, and what the discovery <c>overlay</c> looks for.</summary>
public sealed class OverlaySearchOptions : ICheckedOptions
{
    /// <summary>Neighbours that a query is pushed to at each node. Default 0: all, so that whoever is within reach is found.</summary>
    /// <remarks>A query crosses each link of the overlay about once each way. In networks of many thousand links, 6 to 8 find nearly everyone for less.</remarks>
    public int Degree { get; set; }

    /// <summary>Searches at once. Default 64, at least 1; one more throws.</summary>
    public int MaxSearches { get; set; } = 64;

    /// <summary>Subjects that may be served at once. Default 4,096, at least 1; one more throws.</summary>
    public int MaxSubjects { get; set; } = 4096;

    /// <summary>Whether this node hands on the queries and answers of others. Default true.</summary>
    public bool Relay { get; set; } = true;

    /// <summary>What the discovery <c>overlay</c> serves and searches for. Default <c>starling</c>; at most 64 characters.</summary>
    public string Subject { get; set; } = "starling";

    /// <summary>Time between two searches of the discovery <c>overlay</c>, with jitter of a half each way. Default 5 minutes, more than zero.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Peers that one search of the discovery <c>overlay</c> looks for. Default 16, at least 1.</summary>
    public int Limit { get; set; } = 16;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Least(Degree, 0, nameof(Degree));
        problems.Least(MaxSearches, 1, nameof(MaxSearches));
        problems.Least(MaxSubjects, 1, nameof(MaxSubjects));
        problems.Positive(Interval, nameof(Interval));
        problems.Least(Limit, 1, nameof(Limit));
        if (string.IsNullOrEmpty(Subject)) problems.Add(nameof(Subject), Subject, "is empty", "name a subject");
        else problems.Text(Subject, SearchCodec.MaxSubjectBytes / 4, nameof(Subject));
    }
}

/// <summary>How far and how long to search.</summary>
public sealed record SearchOptions
{
    /// <summary>Hops that the query may make; 0 sets no limit of its own, and <see cref="SpreadOptions.MaxTtl"/> counts in any case. Default 0.</summary>
    public int Ttl { get; init; }

    /// <summary>The search ends when so many peers are found. Default 16, from 1 to 65,536.</summary>
    public int Limit { get; init; } = 16;

    /// <summary>The search ends then. Default 10 seconds, more than zero, up to a day.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time until the question is asked again, for those who were not there and for lost answers; doubles each time. Default 2 seconds, more than zero.</summary>
    public TimeSpan RepeatAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether the query names this node and where it may be reached. Default true. Answers come back either way.</summary>
    public bool TellAsker { get; init; } = true;

    /// <summary>Whether the query is signed, so that those who answer know who asks (<see cref="SearchQuery.ProvedAsker"/>). Default false. Costs each node on the way a verification.</summary>
    public bool SignQuery { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Ttl);
        ArgumentOutOfRangeException.ThrowIfLessThan(Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Limit, 65_536);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Timeout, TimeSpan.FromDays(1));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(RepeatAfter, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(RepeatAfter, TimeSpan.FromDays(1));
    }
}

/// <summary>A peer that serves what was sought. It signed both its record and its answer to this very search.</summary>
/// <param name="Record">Where it says that it may be reached; no address when it accepts no links.</param>
/// <param name="Subject">What it serves.</param>
public sealed record SearchResult(Protocols.Links.SignedPeerRecord Record, string Subject)
{
    /// <summary>Who it is.</summary>
    public PeerId Peer => Record.Peer;

    /// <summary>The neighbour that brought the answer; null only where the result was not made by a search.</summary>
    public PeerId? Via { get; init; }

    /// <summary>Where it may be reached, without peer id.</summary>
    public IReadOnlyList<Multiaddr> Addresses => Record.Addresses;
}
