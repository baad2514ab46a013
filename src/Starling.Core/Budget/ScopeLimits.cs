namespace Starling;

/// <summary>What one peer, and one address, may take of a node's <see cref="ResourceBudget"/>. One address is an IPv4 address, an IPv6 /64, or a link-local IPv6 address.</summary>
/// <remarks>The node's own limits hold besides. What comes from this very machine is one address with limits of its own, because many nodes may run there.</remarks>
public sealed class ScopeLimits : ICheckedOptions
{
    /// <summary>Links with one peer at once, those that are being closed included. Default 16, at least 2: a simultaneous dial needs two. One more is closed with <see cref="CloseReason.BudgetExceeded"/>.</summary>
    public int MaxLinksPerPeer { get; set; } = 16;

    /// <summary>Streams with one peer at once, both directions, over all its links. Default 4,096, at least 4. An idle one costs under 1 KiB; one more is reset, or cannot be opened.</summary>
    public int MaxOpenStreamsPerPeer { get; set; } = 4096;

    /// <summary>Bytes by which one peer's receive windows may grow beyond the first 256 KiB of each stream. Default 64 MiB, at least 1. Then they grow no further.</summary>
    /// <remarks>A stream needs about bandwidth times round trip: 64 MiB fill 1 GB/s at 64 ms.</remarks>
    public long MaxWindowBytesPerPeer { get; set; } = 64L << 20;

    /// <summary>Bytes that may wait in queues for one peer. Default 64 MiB, at least 1. What then happens the queue's own policy says.</summary>
    public long MaxQueueBytesPerPeer { get; set; } = 64L << 20;

    /// <summary>Links with one address at once. Default 64, at least 1: peers behind one router share it. One more is closed with <see cref="CloseReason.BudgetExceeded"/>.</summary>
    /// <remarks>Without it whoever has one address and many keys could take every link of the node.</remarks>
    public int MaxLinksPerAddress { get; set; } = 64;

    /// <summary>Handshakes with one address at once. Default 16, at least 1. One more is closed before it costs a byte.</summary>
    public int MaxHandshakesPerAddress { get; set; } = 16;

    /// <summary>Links with this machine itself at once, in place of <see cref="MaxLinksPerAddress"/>. Default 65,536, at least 1: as many as the node may have.</summary>
    public int MaxLinksFromLoopback { get; set; } = 65_536;

    /// <summary>Handshakes with this machine itself at once, in place of <see cref="MaxHandshakesPerAddress"/>. Default 65,536, at least 1: as many as the node may have.</summary>
    public int MaxHandshakesFromLoopback { get; set; } = 65_536;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Least(MaxLinksPerPeer, 2, nameof(MaxLinksPerPeer));
        problems.Least(MaxOpenStreamsPerPeer, 4, nameof(MaxOpenStreamsPerPeer));
        problems.Least(MaxWindowBytesPerPeer, 1, nameof(MaxWindowBytesPerPeer));
        problems.Least(MaxQueueBytesPerPeer, 1, nameof(MaxQueueBytesPerPeer));
        problems.Least(MaxLinksPerAddress, 1, nameof(MaxLinksPerAddress));
        problems.Least(MaxHandshakesPerAddress, 1, nameof(MaxHandshakesPerAddress));
        problems.Least(MaxLinksFromLoopback, 1, nameof(MaxLinksFromLoopback));
        problems.Least(MaxHandshakesFromLoopback, 1, nameof(MaxHandshakesFromLoopback));
    }
}
