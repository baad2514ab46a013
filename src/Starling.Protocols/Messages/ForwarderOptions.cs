namespace Starling.Protocols.Messages;

/// <summary>How a forwarder hands messages on.</summary>
public sealed class ForwarderOptions : ICheckedOptions
{
    /// <summary>Whether it begins switched on. Default off: only nodes that are to be proxies hand messages on.</summary>
    public bool Enabled { get; set; }

    /// <summary>The length of a cycle. Default 200 ms. A message that finds the forwarder idle goes on at once.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Messages handed on in one cycle. Default 100, at least 1: with the interval, 500 messages a second. The others wait.</summary>
    public int MessagesPerCycle { get; set; } = 100;

    /// <summary>The pause between two messages of a cycle. Default none.</summary>
    public TimeSpan MessageGap { get; set; }

    /// <summary>Messages that may wait. Default 1,000, at least 1. One more is not handed on, counted and told.</summary>
    public int MaxQueuedMessages { get; set; } = 1000;

    /// <summary>Bytes that may wait; a single larger message is let in alone. Default 64 MiB, at least 1.</summary>
    public long MaxQueuedBytes { get; set; } = 64 << 20;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Positive(Interval, nameof(Interval));
        problems.Least(MessagesPerCycle, 1, nameof(MessagesPerCycle));
        problems.NotNegative(MessageGap, nameof(MessageGap));
        problems.Least(MaxQueuedMessages, 1, nameof(MaxQueuedMessages));
        problems.Least(MaxQueuedBytes, 1, nameof(MaxQueuedBytes));
    }
}
