using Starling.Bench.PubSub;

namespace Starling.Bench;

/// <content>The measurements.</content>
public static partial class PubSubBench
{
    /// <summary>What fills about a second.</summary>
    private static int NatsCount(PubSubBenchOptions options, int size) => options.Count ?? (size <= 1024 ? 1_000_000 : 40_000);

    private static int StarlingCount(PubSubBenchOptions options, int size) => options.Count ?? 10_000;

    private static async IAsyncEnumerable<BenchResult> ThroughputAsync(Comparison all, int size, bool withAllocation)
    {
        const string topic = "one";
        var inMessages = size <= 1024;
        var runs = await all.InterleaveAsync(
            all.Nats is null ? null : () => all.Nats.RunAsync(topic, 1, NatsCount(all.Options, size), size, paced: false, all.Cancelled),
            () => all.Starling.RunAsync(topic, 1, StarlingCount(all.Options, size), size, paced: false, all.Cancelled));
        yield return inMessages
            ? all.Compare(NameOf(size), "msg/s", runs[1], runs[0], static run => run.Deliveries)
            : all.Compare(NameOf(size), "B/s", runs[1], runs[0], run => run.Deliveries * size);
        if (!withAllocation) yield break;
        yield return all.Compare("alloc-per-message", "B", runs[1], runs[0], static run => (double)(run.Publisher.Allocated + run.Subscribers[0].Allocated) / run.Count) with { Ratio = null };
        yield return all.Compare("alloc-per-message-publisher", "B", runs[1], runs[0], static run => (double)run.Publisher.Allocated / run.Count) with { Ratio = null };
        yield return all.Compare("alloc-per-message-subscriber", "B", runs[1], runs[0], static run => (double)run.Subscribers[0].Allocated / run.Count) with { Ratio = null };
        yield return all.Compare("cpu-per-message", "us", runs[1], runs[0], static run => 1e6 * (run.Publisher.CpuSeconds + run.Subscribers[0].CpuSeconds) / run.Count);
        var signatures = await all.Starling.SignaturesAsync(size, all.Cancelled);
        yield return new BenchResult("signature-share-publisher", Samples.Median(runs[1].Select(run => signatures.SignMicroseconds * run.Count / 1e6 / run.Seconds)), "of 1");
        yield return new BenchResult("signature-share-subscriber", Samples.Median(runs[1].Select(run => signatures.VerifyMicroseconds * run.Count / 1e6 / run.Seconds)), "of 1");
    }

    private static async IAsyncEnumerable<BenchResult> LatencyAsync(Comparison all, int size)
    {
        const string topic = "one";
        var runs = await all.InterleaveAsync(
            all.Nats is null ? null : () => all.Nats.RunAsync(topic, 1, all.Options.Paced, size, paced: true, all.Cancelled),
            () => all.Starling.RunAsync(topic, 1, all.Options.Paced, size, paced: true, all.Cancelled));
        yield return all.Compare("latency-p50", "us", runs[1], runs[0], static run => run.Subscribers[0].P50);
        yield return all.Compare("latency-p99", "us", runs[1], runs[0], static run => run.Subscribers[0].P99);
    }

    private static async IAsyncEnumerable<BenchResult> FanOutAsync(Comparison all, int size)
    {
        for (var subscribers = 1; subscribers <= all.Options.FanOut; subscribers++)
        {
            var (topic, wide) = ($"fan{subscribers}", subscribers);
            var runs = await all.InterleaveAsync(
                all.Nats is null ? null : () => all.Nats.RunAsync(topic, wide, Math.Max(1, NatsCount(all.Options, size) / wide), size, paced: false, all.Cancelled),
                () => all.Starling.RunAsync(topic, wide, Math.Max(1, StarlingCount(all.Options, size) / wide), size, paced: false, all.Cancelled));
            yield return all.Compare($"fanout{subscribers}-{Short(size)}", "msg/s", runs[1], runs[0], static run => run.Deliveries);
        }
    }
}
