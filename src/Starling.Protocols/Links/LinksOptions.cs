namespace Starling.Protocols.Links;

/// <summary>The bounds of a <see cref="LinksCore"/>.</summary>
public sealed class LinksOptions
{
    /// <summary>Links at once, from authenticated to freed. Default 1,024, at least 1.</summary>
    /// <remarks>An idle link costs about 70 KiB resident. One more is closed with <see cref="CloseReason.BudgetExceeded"/>.</remarks>
    public int MaxLinks { get; set; } = 1024;

    /// <summary>Authenticated links that have not been identified yet, over all peers. Default 256, at least 1.</summary>
    /// <remarks>One more is closed with <see cref="CloseReason.BudgetExceeded"/>.</remarks>
    public int MaxPendingLinks { get; set; } = 256;

    /// <summary>Authenticated links of one peer that have not been identified yet. Default 4, at least 2: a simultaneous dial needs two.</summary>
    /// <remarks>One more is closed with <see cref="CloseReason.Refused"/>.</remarks>
    public int MaxPendingPerPeer { get; set; } = 4;

    /// <summary>Connect requests under way, waiting ones included. Default 1,024, at least 1. One more fails at once.</summary>
    public int MaxDials { get; set; } = 1024;

    /// <summary>Connect requests to one peer that dial at the same time. Default 2, at least 1; further ones wait for the outcome of these.</summary>
    public int MaxDialsPerPeer { get; set; } = 2;

    /// <summary>Time from authenticated to identified. Default 10 seconds, more than zero. Then the link is closed with <see cref="CloseReason.IdentifyFailed"/>.</summary>
    public TimeSpan IdentifyTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of the range that its own comment gives.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLinks, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPendingLinks, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPendingPerPeer, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDials, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDialsPerPeer, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(IdentifyTimeout, TimeSpan.Zero);
    }
}
