namespace Starling.Protocols.Links.Policy;

/// <summary>What a <see cref="LinkPolicyCore"/> asks of its shell.</summary>
public abstract record LinkPolicyEffect
{
    private LinkPolicyEffect()
    {
    }

    /// <summary>Dial and report the end with <see cref="LinkPolicyCore.OnDialed"/>, exactly once.</summary>
    /// <param name="Id">Names the dial.</param>
    /// <param name="Peer">Who must answer, or null when nobody knows.</param>
    /// <param name="Addresses">Where, without peer id; at least one.</param>
    /// <param name="Why">On whose behalf: <c>user</c> or the name of a source.</param>
    public sealed record Dial(long Id, PeerId? Peer, IReadOnlyList<Multiaddr> Addresses, string Why) : LinkPolicyEffect;

    /// <summary>Close the link to a peer; <see cref="LinkPolicyCore.OnLinkDown"/> follows.</summary>
    /// <param name="Peer">Whose link.</param>
    /// <param name="Why"><see cref="CloseReason.Pruned"/> or <see cref="CloseReason.Unused"/>, with a sentence for both sides.</param>
    public sealed record Close(PeerId Peer, CloseInfo Why) : LinkPolicyEffect;

    /// <summary>Find out when a link was last used and report it with <see cref="LinkPolicyCore.OnUsed"/>.</summary>
    /// <param name="Peer">Whose link.</param>
    public sealed record AskUse(PeerId Peer) : LinkPolicyEffect;

    /// <summary>A lost peer will be dialled; to be told.</summary>
    /// <param name="Peer">Whose link was lost.</param>
    /// <param name="Attempt">1 for the first dial since the loss.</param>
    /// <param name="After">The pause until then; longer when many peers are lost at once.</param>
    public sealed record Reconnecting(PeerId Peer, int Attempt, TimeSpan After) : LinkPolicyEffect;

    /// <summary>A peer is not dialled any more; to be told.</summary>
    /// <param name="Peer">Who, or null when nobody ever answered.</param>
    /// <param name="Addresses">Where it was dialled.</param>
    /// <param name="Attempts">Dials without success.</param>
    public sealed record GaveUp(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses, int Attempts) : LinkPolicyEffect;

    /// <summary>Something was passed over because a bound was reached; to be counted.</summary>
    /// <param name="Reason">Which bound.</param>
    public sealed record Refused(LinkPolicyRefusal Reason) : LinkPolicyEffect;

    /// <summary>Call <see cref="LinkPolicyCore.Tick"/> at this instant. Replaces the earlier timer.</summary>
    /// <param name="At">When; <see cref="Instant.Never"/> ends the timer.</param>
    public sealed record SetTimer(Instant At) : LinkPolicyEffect;
}

/// <summary>The bounds of a link policy; a metric tag.</summary>
public enum LinkPolicyRefusal
{
    /// <summary>A found peer was passed over: <see cref="LinkPolicyOptions.MaxCandidates"/>.</summary>
    TooManyCandidates,

    /// <summary>A lost neighbour is not dialled again: <see cref="LinkPolicyOptions.MaxReconnecting"/>.</summary>
    TooManyReconnecting,
}

/// <summary>How a dial ended; a metric tag.</summary>
public enum DialOutcome
{
    /// <summary>A link is ready.</summary>
    Linked,

    /// <summary>No link could be made.</summary>
    Failed,

    /// <summary>This node refused it: a restriction or a limit.</summary>
    Refused,

    /// <summary>The address leads back to this very node; it is not dialled again.</summary>
    Self,
}

/// <summary>What is known of one link, and why it is kept.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Kind">How long it is meant to last.</param>
/// <param name="Direction">Who dialled.</param>
/// <param name="Priority">How much it matters.</param>
/// <param name="Why">Why it is there: <c>user</c>, the name of the source that found the peer, <c>inbound</c>, or <c>dialled</c> by another part of the node.</param>
/// <param name="Since">When it became ready.</param>
/// <param name="IsKept">Whether the user asked to keep it.</param>
/// <param name="Protections">The tags that protect it from being pruned.</param>
/// <param name="Tags">Its weights by tag; the greater their sum, the later it is pruned.</param>
public sealed record LinkStanding(
    PeerId Peer,
    LinkKind Kind,
    Direction Direction,
    LinkPriority Priority,
    string Why,
    Instant Since,
    bool IsKept,
    IReadOnlyCollection<string> Protections,
    IReadOnlyDictionary<string, int> Tags);

/// <summary>A peer that is left alone for a while: discoveries do not make the node dial it, its user may.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Reason">Why the link ended.</param>
/// <param name="GaveUp">Whether it was dialled in vain.</param>
/// <param name="At">When it was put on the list.</param>
/// <param name="Until">When it leaves the list; <see cref="Instant.Never"/> until it is found at another address.</param>
public sealed record RecentPeer(PeerId Peer, CloseReason Reason, bool GaveUp, Instant At, Instant Until);
