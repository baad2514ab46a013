using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <summary>The bounds of stream and link topics: of their order and logs, of what waits to be sent, and of what neighbours may ask of the logs.</summary>
public sealed class StreamTopicOptions : StreamOptions
{
    /// <summary>Stream and link topics that this node keeps: named by itself so many, and as many that patterns have brought. Default 4,096.</summary>
    /// <remarks>At the bound no further topic can be named; of those that patterns brought, the one silent longest is forgotten, which is counted, and begins anew when it is heard again.</remarks>
    public int MaxTopics { get; set; } = 4096;

    /// <summary>Bytes that all logs hold together. Default 128 MiB. At the bound a topic's own oldest bundles make room for its new ones.</summary>
    public long MaxAllLogBytes { get; set; } = 128 << 20;

    /// <summary>Bytes that may wait in one topic to be put on its way. Default 512 KiB; beyond it a publish waits for room.</summary>
    public int MaxWaitingBytes { get; set; } = 512 << 10;

    /// <summary>How long after a topic's last message neighbours are told which counter comes next, so that the loss of the last message is seen too. Default 500 milliseconds.</summary>
    public TimeSpan MarkDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Whether to serve neighbours from the logs. Default true.</summary>
    public bool ServeReplay { get; set; } = true;

    /// <summary>Bytes of bundles in one answer to a neighbour. Default 8 MiB.</summary>
    public int MaxReplayBytes { get; set; } = 8 << 20;

    /// <summary>Answers under way at once, to all neighbours. Default 16; further ones are told to ask another.</summary>
    public int MaxReplays { get; set; } = 16;

    /// <summary>Requests of one neighbour in ten seconds. Default 500; further ones are told to ask another.</summary>
    public int MaxReplayRequests { get; set; } = 500;

    /// <summary>How long one neighbour may take to answer, and one that asked to read. Default 5 seconds.</summary>
    public TimeSpan ReplayTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Neighbours that are asked in turn for the same messages. Default 4.</summary>
    public int MaxReplaySources { get; set; } = 4;

    /// <summary>How long a late join waits for neighbours that follow the topic before it begins with what there is. Default 2 seconds.</summary>
    public TimeSpan JoinTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        base.Check(problems);
        problems.Least(MaxTopics, 1, nameof(MaxTopics));
        problems.Least(MaxAllLogBytes, 0, nameof(MaxAllLogBytes));
        problems.Least(MaxWaitingBytes, 1024, nameof(MaxWaitingBytes));
        problems.Positive(MarkDelay, nameof(MarkDelay));
        problems.Least(MaxReplayBytes, 1024, nameof(MaxReplayBytes));
        problems.Least(MaxReplays, 1, nameof(MaxReplays));
        problems.Least(MaxReplayRequests, 1, nameof(MaxReplayRequests));
        problems.Positive(ReplayTimeout, nameof(ReplayTimeout));
        problems.Least(MaxReplaySources, 1, nameof(MaxReplaySources));
        problems.Positive(JoinTimeout, nameof(JoinTimeout));
    }
}
