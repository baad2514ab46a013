namespace Starling.Bench;

/// <summary>What kind of topic is measured.</summary>
public enum BenchTopicKind
{
    /// <summary>A stream topic of a closed list of peers, in bundles without signatures.</summary>
    Link,

    /// <summary>A stream topic, in signed bundles.</summary>
    Signed,

    /// <summary>What every libp2p peer knows: each message signed by itself.</summary>
    Plain,
}

/// <summary>How <see cref="PubSubBench"/> measures.</summary>
public sealed class PubSubBenchOptions
{
    /// <summary>The least <see cref="Size"/>: a message carries its number and a time.</summary>
    public const int MinSize = 16;

    /// <summary>The greatest <see cref="Size"/>: a message fits into one batch of 64 KiB.</summary>
    public const int MaxSize = 60_000;

    /// <summary>The arguments that make the present program an end of a comparison; the role follows them. See <see cref="PubSub.Ends.BenchEnd"/>.</summary>
    public required IReadOnlyList<string> EndVerb { get; set; }

    /// <summary>The topic that is measured. Null measures <see cref="BenchTopicKind.Link"/>, then the others beside it.</summary>
    public BenchTopicKind? Kind { get; set; }

    /// <summary>Bytes of a message, from <see cref="MinSize"/> to <see cref="MaxSize"/>; null measures 100 and 10,240.</summary>
    public int? Size { get; set; }

    /// <summary>Messages in one throughput run; null takes as many as fill about a second.</summary>
    public int? Count { get; set; }

    /// <summary>Messages in one latency run, published one a millisecond. Default 1,500.</summary>
    public int Paced { get; set; } = 1500;

    /// <summary>Paired runs of each measurement. Default 5; at least that for a median worth quoting.</summary>
    public int Runs { get; set; } = 5;

    /// <summary>Subscribers of the widest fan-out. Default 5.</summary>
    public int FanOut { get; set; } = 5;

    /// <summary>Only measurements whose name contains this; null measures all.</summary>
    public string? Only { get; set; }

    /// <summary>Told of each result as it is there; may be null.</summary>
    public Action<BenchResult>? Progress { get; set; }
}
