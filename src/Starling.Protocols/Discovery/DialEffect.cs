namespace Starling.Protocols.Discovery;

/// <summary>What the shell of <see cref="DialPlan"/> is asked to do.</summary>
public abstract record DialEffect
{
    /// <summary>Dial a peer and report the end with <see cref="DialPlan.OnDialed"/>, exactly once.</summary>
    /// <param name="Token">Names the dial to the plan.</param>
    /// <param name="Peer">Who must answer, or null when nobody knows.</param>
    /// <param name="Addresses">Where, without peer id.</param>
    public sealed record Dial(object Token, PeerId? Peer, IReadOnlyList<Multiaddr> Addresses) : DialEffect;

    /// <summary>Call <see cref="DialPlan.Tick"/> at this instant. Replaces the earlier timer.</summary>
    public sealed record SetTimer(Instant At) : DialEffect;

    /// <summary>A found peer was passed over because the plan is full; to be counted.</summary>
    public sealed record Refused : DialEffect;
}

/// <summary>How a dial ended; a metric tag.</summary>
public enum DialOutcome
{
    /// <summary>A link is ready.</summary>
    Linked,

    /// <summary>No link could be made.</summary>
    Failed,

    /// <summary>The address leads back to this very node; it is not dialled again.</summary>
    Self,
}

/// <summary>The limits of a <see cref="DialPlan"/>.</summary>
public sealed class DialPlanOptions
{
    /// <summary>Dials under way at once. Default 8. Each may try several addresses of one peer.</summary>
    public int MaxDials { get; set; } = 8;

    /// <summary>Found peers are not dialled while there are this many links, dials under way included. Default 64.</summary>
    public int MaxLinks { get; set; } = 64;

    /// <summary>Found peers kept. Default 1,024 of up to 8 KiB each. More are passed over and counted.</summary>
    public int MaxPeers { get; set; } = 1024;

    /// <summary>The pause after a first failure, before a jitter of half either way; it doubles with each further one. Default 1 s.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause, before jitter. Default 2 minutes. A link that lasted as long makes the next pause short again.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long the node with the greater id waits for the other's dial when both find each other at once. Default 300 ms, before a jitter of a quarter.</summary>
    public TimeSpan TieDelay { get; set; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">One is out of range; the message says which.</exception>
    public void Validate()
    {
        if (MaxDials < 1) throw new ArgumentException($"{nameof(MaxDials)} must be positive.");
        if (MaxLinks < 0) throw new ArgumentException($"{nameof(MaxLinks)} must not be negative.");
        if (MaxPeers < 1) throw new ArgumentException($"{nameof(MaxPeers)} must be positive.");
        if (FirstPause <= TimeSpan.Zero) throw new ArgumentException($"{nameof(FirstPause)} must be positive.");
        if (LongestPause < FirstPause) throw new ArgumentException($"{nameof(LongestPause)} must not be shorter than {nameof(FirstPause)}.");
        if (TieDelay < TimeSpan.Zero) throw new ArgumentException($"{nameof(TieDelay)} must not be negative.");
    }
}
