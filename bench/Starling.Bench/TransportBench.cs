using System.Diagnostics;

namespace Starling.Bench;

/// <summary>How <see cref="TransportBench"/> measures.</summary>
public sealed class TransportBenchOptions
{
    /// <summary>Paired runs of each measurement. Default 7; at least 5 for a median worth quoting.</summary>
    public int Runs { get; set; } = 7;

    /// <summary>Payload of one throughput run, bytes. Default 192 MiB, about a quarter of a second.</summary>
    public long ThroughputBytes { get; set; } = 192L << 20;

    /// <summary>Round trips in one latency run. Default 2,000.</summary>
    public int Echoes { get; set; } = 2000;

    /// <summary>Links whose idle memory is measured. Default 1,000.</summary>
    public int IdleLinks { get; set; } = 1000;

    /// <summary>Only measurements whose name contains this; null measures all.</summary>
    public string? Only { get; set; }

    /// <summary>Told of each result as it is there; may be null.</summary>
    public Action<BenchResult>? Progress { get; set; }
}

/// <summary>Measures what a link costs over a bare <c>SslStream</c>: TLS 1.3, the same cipher, on loopback, both ends in this process.</summary>
public static partial class TransportBench
{
    private const int WriteSize = 64 << 10;
    private const int EchoSize = 32;

    /// <summary>Runs every measurement; less than a minute.</summary>
    public static async Task<BenchReport> RunAsync(TransportBenchOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new TransportBenchOptions();
        List<BenchResult> results = [];
        foreach (var (names, measure) in Measurements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (options.Only is { } only && !names.Contains(only, StringComparison.Ordinal)) continue;
            await foreach (var result in measure(options))
            {
                results.Add(result);
                options.Progress?.Invoke(result);
            }
        }

        return new BenchReport(results);
    }

    private static readonly (string Names, Func<TransportBenchOptions, IAsyncEnumerable<BenchResult>> Measure)[] Measurements =
    [
        ("idle-link-managed-bytes idle-link-resident-bytes", IdleAsync),
        ("stream-throughput alloc-per-byte", StreamThroughputAsync),
        ("streams8-throughput", EightStreamsAsync),
        ("echo-rtt", EchoAsync),
        ("open-echo", OpenEchoAsync),
        ("echo-beside-bulk", EchoBesideBulkAsync),
        ("dial", DialAsync),
    ];

    private static double MegabytesPerSecond(long bytes, long started) => bytes / 1e6 / Stopwatch.GetElapsedTime(started).TotalSeconds;

    private static async Task CloseAsync(IConnection dialler, IConnection listener) =>
        await Task.WhenAll(dialler.DisposeAsync().AsTask(), listener.DisposeAsync().AsTask());
}
