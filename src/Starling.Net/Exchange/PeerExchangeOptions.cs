using Starling.Protocols.Discovery;

namespace Starling.Net.Exchange;

/// <summary>How a node exchanges lists of peers with its neighbours.</summary>
public sealed class PeerExchangeOptions : ICheckedOptions
{
    /// <summary>Whether to take part: to answer who asks, and to take what is told. Default true. To ask and to tell by itself, a node also chooses the discovery <c>peer-exchange</c>.</summary>
    /// <remarks>A node that takes part tells linked peers where its neighbours say that they may be reached.</remarks>
    public bool Enabled { get; set; } = true;

    /// <summary>The mean time between two refreshes: each pause is 0.5 to 1.5 of it. Default 30 minutes, from 1 second to a day.</summary>
    /// <remarks>A refresh costs one ping and one list of up to <see cref="MaxRecords"/> × 250 bytes for each neighbour.</remarks>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>The least time between two refreshes, and about how soon one follows when a new peer appears. Default 30 seconds, more than zero, at most <see cref="Interval"/>.</summary>
    public TimeSpan LeastInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Records in one list, this node's own first. Default 64, from 1 to 256; also what is taken of a neighbour's list.</summary>
    public int MaxRecords { get; set; } = 64;

    /// <summary>Neighbours that a refresh asks, chosen at random. Default 6, at least 1.</summary>
    public int AskCount { get; set; } = 6;

    /// <summary>How long a peer is told of after its link has ended. Default 10 minutes, not negative. Peers that were never linked here are never told of.</summary>
    /// <remarks>So no peer's record goes from hand to hand after it is gone.</remarks>
    public TimeSpan RetainTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Peers that are offered to whoever dials. Default 1,024, at least 1; the oldest make room.</summary>
    public int MaxCandidates { get; set; } = 1024;

    /// <summary>Records that one peer may have verified at once; as many are earned back in an hour. Default 512, at least 1.</summary>
    /// <remarks>A verification takes about 0.2 milliseconds. Records that were seen before cost none.</remarks>
    public int MaxVerifications { get; set; } = 512;

    /// <summary>Messages that one peer may send at once; as many are earned back in an hour. Default 120, at least 1.</summary>
    public int MaxMessages { get; set; } = 120;

    /// <summary>Time for one exchange with one neighbour. Default 10 seconds, more than zero.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (Interval < TimeSpan.FromSeconds(1) || Interval > TimeSpan.FromDays(1)) problems.Add(nameof(Interval), Interval, "is out of range", "use a time span from 1 second to a day");
        problems.Positive(LeastInterval, nameof(LeastInterval));
        if (LeastInterval > Interval) problems.Add(nameof(LeastInterval), LeastInterval, $"is longer than {nameof(Interval)}", $"use at most {Interval}");
        problems.Within(MaxRecords, 1, ExchangeCodec.MaxRecords, nameof(MaxRecords));
        problems.Least(AskCount, 1, nameof(AskCount));
        problems.NotNegative(RetainTime, nameof(RetainTime));
        problems.Least(MaxCandidates, 1, nameof(MaxCandidates));
        problems.Least(MaxVerifications, 1, nameof(MaxVerifications));
        problems.Least(MaxMessages, 1, nameof(MaxMessages));
        problems.Positive(Timeout, nameof(Timeout));
    }
}

/// <summary>What came of one refresh.</summary>
/// <param name="Alive">Neighbours that answered the ping.</param>
/// <param name="Silent">Neighbours that did not, in time.</param>
/// <param name="Asked">Neighbours that were asked for their lists.</param>
/// <param name="Answered">Those that answered.</param>
/// <param name="News">Records that were new here.</param>
/// <param name="Told">Neighbours that took this node's list.</param>
public sealed record RefreshResult(int Alive, int Silent, int Asked, int Answered, int News, int Told);

/// <summary>What became of a record that a neighbour told.</summary>
public enum RecordOutcome
{
    /// <summary>It holds and is newer than what was known.</summary>
    News,

    /// <summary>The same record was told before.</summary>
    Known,

    /// <summary>It holds, and a newer one of the peer is known: a replay, or late.</summary>
    Stale,

    /// <summary>Signature, key or peer id do not agree, or it is no such record.</summary>
    Forged,

    /// <summary>It is this node's own.</summary>
    Own,

    /// <summary>The peer book refused it: the peer was given up, blocked or found no room.</summary>
    NotNoted,

    /// <summary>The neighbour has told more than it may.</summary>
    Flooded,
}
