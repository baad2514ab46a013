using Starling.Bench.PubSub;

namespace Starling.Bench;

/// <summary>Measures topics between processes of this machine, over TLS on loopback, beside nats-server with TLS where it is installed.</summary>
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
        await using var run = await Comparison.StartAsync(options, cancellationToken);
        List<BenchResult> results = [];
        foreach (var (names, measure) in Measurements(options))
        {
            if (options.Only is { } only && !names.Contains(only, StringComparison.Ordinal)) continue;
            await foreach (var result in measure(run))
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
        return (options.Size is null ? 2 : 1) + 6 + 2 + options.FanOut;
    }

    private static IEnumerable<(string Names, Func<Comparison, IAsyncEnumerable<BenchResult>> Measure)> Measurements(PubSubBenchOptions options)
    {
        foreach (var size in options.Size is { } one ? [one] : new[] { Small, Large })
        {
            yield return ($"{NameOf(size)} alloc-per-message", run => ThroughputAsync(run, size, size == (options.Size ?? Small)));
        }

        var small = options.Size ?? Small;
        yield return ("latency-p50 latency-p99", run => LatencyAsync(run, small));
        yield return ($"fanout1-{Short(small)} fanout{options.FanOut}-{Short(small)}", run => FanOutAsync(run, small));
    }

    private static string NameOf(int size) => $"pubsub-{Short(size)}";

    private static string Short(int size) => size % 1024 == 0 ? $"{size / 1024}KB" : $"{size}B";
}
