using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>The bounds of a node's spread: those of its core, and those of its queues and streams.</summary>
public sealed class SpreadServiceOptions : SpreadOptions
{
    /// <summary>Bytes that may wait for one neighbour. Default 1 MiB, at least <see cref="SpreadOptions.MaxFrameBytes"/>; then the oldest are shed and counted.</summary>
    public int MaxPeerQueueBytes { get; set; } = 1 << 20;

    /// <summary>Bytes that may wait for one kind's handler. Default 4 MiB, at least <see cref="SpreadOptions.MaxPayloadBytes"/>; then the oldest are shed and counted.</summary>
    public int MaxHandlerQueueBytes { get; set; } = 4 << 20;

    /// <summary>Items or replies that may wait for one neighbour or one handler. Default 4,096, at least 1.</summary>
    public int MaxQueued { get; set; } = 4096;

    /// <summary>Bytes that go into one write as long as there are several entries. Default 64 KiB, from 1 KiB to <see cref="SpreadOptions.MaxFrameBytes"/>.</summary>
    public int BatchBytes { get; set; } = 64 << 10;

    /// <summary>Time to open a stream to a neighbour. Default 10 seconds, more than zero. Then it is tried anew.</summary>
    public TimeSpan OpenTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest pause before a lost stream is opened anew. Default 10 seconds, more than zero; begins with a sixty-fourth of it and doubles, with jitter.</summary>
    public TimeSpan MaxReopenDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time to write what is queued when the node stops. Default 1 second, not negative.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public override void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        base.Check(problems);
        problems.Least(MaxPeerQueueBytes, MaxFrameBytes, nameof(MaxPeerQueueBytes));
        problems.Least(MaxHandlerQueueBytes, MaxPayloadBytes, nameof(MaxHandlerQueueBytes));
        problems.Least(MaxQueued, 1, nameof(MaxQueued));
        problems.Within(BatchBytes, 1024, MaxFrameBytes, nameof(BatchBytes));
        problems.Positive(OpenTimeout, nameof(OpenTimeout));
        problems.Positive(MaxReopenDelay, nameof(MaxReopenDelay));
        problems.NotNegative(StopTimeout, nameof(StopTimeout));
    }
}
