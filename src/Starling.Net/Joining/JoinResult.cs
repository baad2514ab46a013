namespace Starling.Net.Joining;

/// <summary>What came of asking to be let in.</summary>
/// <param name="Asked">Everybody who was dialled, each with what came of it, in the order of their end.</param>
public sealed record JoinResult(IReadOnlyList<JoinAttempt> Asked)
{
    /// <summary>Those to whom there was a link.</summary>
    public IEnumerable<JoinAttempt> Linked => Asked.Where(one => one.IsLinked);

    /// <summary>Those who accepted.</summary>
    public IEnumerable<JoinAttempt> Accepted => Asked.Where(one => one.Outcome == JoinOutcome.Accepted);

    /// <summary>Whether anybody accepted.</summary>
    public bool IsJoined => Accepted.Any();
}

/// <summary>One peer that was asked.</summary>
/// <param name="Peer">Who; null when nobody answered at an address that names nobody.</param>
/// <param name="Addresses">Where.</param>
/// <param name="Outcome">What came of it.</param>
/// <param name="IsLinked">Whether there was a link.</param>
/// <param name="Reason">Why it was not accepted, in words; null when it was.</param>
/// <param name="Answer">What the host said with its acceptance.</param>
public sealed record JoinAttempt(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses, JoinOutcome Outcome, bool IsLinked, string? Reason, ReadOnlyMemory<byte> Answer);

/// <summary>How one attempt to join ended; a metric tag.</summary>
public enum JoinOutcome
{
    /// <summary>The host accepted, and the link is direct now.</summary>
    Accepted,

    /// <summary>The host refused; the reason is its own.</summary>
    Refused,

    /// <summary>No link could be made.</summary>
    NotLinked,

    /// <summary>There was a link, and no usable answer on it: the peer answers no requests, or answered nonsense, or its link ended.</summary>
    NoAnswer,

    /// <summary>The time for this peer, or for everything, ended first.</summary>
    TimedOut,

    /// <summary>Enough others had accepted before.</summary>
    NotNeeded,

    /// <summary>The address led to a peer that was asked already, or to this very node.</summary>
    Duplicate,
}
