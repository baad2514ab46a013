using Starling.Bench.PubSub;

namespace Starling.Bench;

/// <summary>Measures topics between processes of this machine, over TLS on loopback, beside nats-server with TLS and js-libp2p where they are installed.</summary>
/// <remarks>One publisher and one subscriber, or several, each a process; NATS has its server between them. Runs are interleaved and medians are reported.
/// Subscribers check the number of each message: a run that loses, repeats or reorders one is an error.</remarks>
public static partial class PubSubBench
{
    private const int Small = 100;
    private const int Large = 10 << 10;

    /// <summary>Runs every measurement; a few minutes.</summary>
    /// <exception cref="InvalidOperationException">A run lost a message, or a process of the comparison failed.</exception>
    public static async Task<BenchReport> RunAsync(PubSubBenchOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        await using var comparison = new Comparison(options, cancellationToken);
        List<BenchResult> results = [];
        foreach (var one in Measurements(options))
        {
            if (options.Only is { } only && !one.Names.Any(name => name.Contains(only, StringComparison.Ordinal))) continue;
            await foreach (var result in one.Run(comparison))
            {
                results.Add(result);
                options.Progress?.Invoke(result);
            }
        }

        return new BenchReport(results);
    }

    /// <summary>How many results a run with these options has.</summary>
    public static int Figures(PubSubBenchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Measurements(options).Sum(static one => one.Names.Length);
    }

    private static IEnumerable<Measurement> Measurements(PubSubBenchOptions options)
    {
        var kind = options.Kind ?? BenchTopicKind.Link;
        var small = options.Size ?? Small;
        string[] cost = ["alloc-per-message", "alloc-per-message-publisher", "alloc-per-message-subscriber", "cpu-per-message"];
        yield return new([NameOf(small), .. cost], all => ThroughputAsync(all, kind, small));
        if (options.Size is null) yield return new([NameOf(Large)], all => BytesAsync(all, kind));
        yield return new(["latency-p50", "latency-p99"], all => LatencyAsync(all, kind, small));
        yield return new([.. Enumerable.Range(1, options.FanOut).Select(wide => $"fanout{wide}-{Short(small)}")], all => FanOutAsync(all, kind, small));
        if (options.Kind is null) yield return new([$"signed-{Short(small)}", "signed-to-link"], all => SignedAsync(all, small));
        if (options.Kind is null or BenchTopicKind.Plain) yield return new([$"plain-{Short(small)}", "plain-signing-share", "plain-verifying-share"], all => PlainAsync(all, small));
    }

    private static string NameOf(int size) => $"pubsub-{Short(size)}";

    private static string Short(int size) => size % 1024 == 0 ? $"{size / 1024}KB" : $"{size}B";

    private sealed record Measurement(string[] Names, Func<Comparison, IAsyncEnumerable<BenchResult>> Run);
}
