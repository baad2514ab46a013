namespace Starling;

/// <summary>The limits of a <see cref="ResourceBudget"/>.</summary>
public sealed class ResourceBudgetOptions
{
    /// <summary>Handshakes under way at once. Default 256. Each costs up to 60 KiB until it ends or times out.</summary>
    public long MaxHandshakes { get; set; } = 256;

    /// <summary>Links at once. Default 4,096. An idle link costs about 70 KiB resident.</summary>
    public long MaxLinks { get; set; } = 4096;

    /// <summary>Streams at once over all links. Default 65,536. An idle stream costs under 1 KiB.</summary>
    public long MaxStreams { get; set; } = 65_536;

    /// <summary>Window bytes beyond the initial 256 KiB a stream, over all links. Default 256 MiB: the most that auto-tuning may make the node buffer.</summary>
    public long MaxWindowBytes { get; set; } = 256L << 20;

    /// <summary>Bytes waiting in queues. Default 256 MiB.</summary>
    public long MaxQueueBytes { get; set; } = 256L << 20;

    /// <summary>What one peer and one address may take of it.</summary>
    public ScopeLimits Scopes { get; set; } = new();
}
