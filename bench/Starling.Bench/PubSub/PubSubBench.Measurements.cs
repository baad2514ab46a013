using Starling.Bench.PubSub;

namespace Starling.Bench;

/// <content>The measurements.</content>
public static partial class PubSubBench
{
    private static async IAsyncEnumerable<BenchResult> ThroughputAsync(Comparison all, BenchTopicKind kind, int size)
    {
        var runs = await all.InterleaveAsync(
            (await all.NatsAsync(), new RunPlan("nats:one", NatsCount(all, size), size)),
            (await all.StarlingAsync(), new RunPlan(TopicOf(kind, "one"), CountOf(all, kind, size), size)));
        yield return Compare(NameOf(size), "msg/s", static run => run.Deliveries);
        yield return Compare("alloc-per-message", "B", static run => (double)(run.Publisher.Allocated + run.Subscribers[0].Allocated) / run.Count) with { Ratio = null };
        yield return Compare("alloc-per-message-publisher", "B", static run => (double)run.Publisher.Allocated / run.Count) with { Ratio = null };
        yield return Compare("alloc-per-message-subscriber", "B", static run => (double)run.Subscribers[0].Allocated / run.Count) with { Ratio = null };
        yield return Compare("cpu-per-message", "us", static run => 1e6 * (run.Publisher.CpuSeconds + run.Subscribers[0].CpuSeconds) / run.Count);

        BenchResult Compare(string name, string unit, Func<SystemRun, double> figure) => Comparison.Compare(name, unit, runs[1], runs[0], figure);
    }

    private static async IAsyncEnumerable<BenchResult> BytesAsync(Comparison all, BenchTopicKind kind)
    {
        var runs = await all.InterleaveAsync(
            (await all.NatsAsync(), new RunPlan("nats:large", NatsCount(all, Large), Large)),
            (await all.StarlingAsync(), new RunPlan(TopicOf(kind, "large"), CountOf(all, kind, Large), Large)));
        yield return Comparison.Compare(NameOf(Large), "B/s", runs[1], runs[0], static run => run.Deliveries * Large);
    }

    private static async IAsyncEnumerable<BenchResult> LatencyAsync(Comparison all, BenchTopicKind kind, int size)
    {
        var plan = new RunPlan(TopicOf(kind, "paced"), all.Options.Paced, size, IsPaced: true);
        var runs = await all.InterleaveAsync((await all.NatsAsync(), plan), (await all.StarlingAsync(), plan));
        yield return Comparison.Compare("latency-p50", "us", runs[1], runs[0], static run => run.Subscribers[0].P50);
        yield return Comparison.Compare("latency-p99", "us", runs[1], runs[0], static run => run.Subscribers[0].P99);
    }

    private static async IAsyncEnumerable<BenchResult> FanOutAsync(Comparison all, BenchTopicKind kind, int size)
    {
        for (var wide = 1; wide <= all.Options.FanOut; wide++)
        {
            var topic = TopicOf(kind, $"fan{wide}");
            var runs = await all.InterleaveAsync(
                (await all.NatsAsync(), new RunPlan(topic, Math.Max(1, NatsCount(all, size) / wide), size, wide)),
                (await all.StarlingAsync(), new RunPlan(topic, Math.Max(1, CountOf(all, kind, size) / wide), size, wide)));
            yield return Comparison.Compare($"fanout{wide}-{Short(size)}", "msg/s", runs[1], runs[0], static run => run.Deliveries);
        }
    }

    /// <summary>Signed stream topics beside NATS and beside those without signatures.</summary>
    private static async IAsyncEnumerable<BenchResult> SignedAsync(Comparison all, int size)
    {
        var starling = await all.StarlingAsync();
        var runs = await all.InterleaveAsync(
            (await all.NatsAsync(), new RunPlan("nats:one", NatsCount(all, size), size)),
            (starling, new RunPlan(TopicOf(BenchTopicKind.Link, "one"), CountOf(all, BenchTopicKind.Link, size), size)),
            (starling, new RunPlan(TopicOf(BenchTopicKind.Signed, "one"), CountOf(all, BenchTopicKind.Signed, size), size)));
        yield return Comparison.Compare($"signed-{Short(size)}", "msg/s", runs[2], runs[0], static run => run.Deliveries);
        yield return Comparison.Compare("signed-to-link", "msg/s", runs[2], runs[1], static run => run.Deliveries);
    }

    /// <summary>Plain topics beside those of js-libp2p, and how much of the time one core spends on signatures at each end.</summary>
    private static async IAsyncEnumerable<BenchResult> PlainAsync(Comparison all, int size)
    {
        var starling = await all.StarlingAsync();
        var plan = new RunPlan(TopicOf(BenchTopicKind.Plain, "one"), CountOf(all, BenchTopicKind.Plain, size), size);
        var runs = await all.InterleaveAsync((await all.JsAsync(), plan), (starling, plan));
        yield return Comparison.Compare($"plain-{Short(size)}", "msg/s", runs[1], runs[0], static run => run.Deliveries, JsProgram.Missing) with { Note = runs[0].Count == 0 ? JsProgram.Missing : "baseline: js-libp2p" };
        var cost = await starling.SignaturesAsync(size, all.Cancelled);
        yield return new BenchResult("plain-signing-share", Share(cost.SignMicroseconds), "of 1");
        yield return new BenchResult("plain-verifying-share", Share(cost.VerifyMicroseconds), "of 1");

        double Share(double microseconds) => Samples.Median(runs[1].Select(run => microseconds * run.Count / 1e6 / run.Seconds));
    }

    private static string TopicOf(BenchTopicKind kind, string name) => $"{kind}:{name}";

    /// <summary>About a second's.</summary>
    private static int NatsCount(Comparison all, int size) => all.Options.Count ?? (size <= 1024 ? 1_000_000 : 40_000);

    /// <summary>About a second's.</summary>
    private static int CountOf(Comparison all, BenchTopicKind kind, int size) => kind == BenchTopicKind.Plain ? all.Options.Count ?? 10_000 : NatsCount(all, size);
}
