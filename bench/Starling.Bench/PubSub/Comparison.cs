using Starling.Bench.PubSub.Nats;

namespace Starling.Bench.PubSub;

/// <summary>The systems that one bench compares, each started when it is first needed and kept warm; runs of them are interleaved. Disposing ends them.</summary>
internal sealed class Comparison(PubSubBenchOptions options, CancellationToken cancellationToken) : IAsyncDisposable
{
    public const string NoNats = "no baseline: nats-server is not installed (Debian package nats-server)";
    private BenchSystem? _starling;
    private BenchSystem? _nats;
    private BenchSystem? _js;

    public PubSubBenchOptions Options => options;

    public CancellationToken Cancelled => cancellationToken;

    /// <summary>Starling nodes, a star around the publisher.</summary>
    public async Task<BenchSystem> StarlingAsync() => _starling ??= await BenchSystem.StartStarlingAsync(options, options.FanOut, cancellationToken);

    /// <summary>NATS clients around a server, or null where it is not installed.</summary>
    public async Task<BenchSystem?> NatsAsync() =>
        NatsHost.FindProgram() is null ? null : _nats ??= await BenchSystem.StartNatsAsync(options, options.FanOut, cancellationToken);

    /// <summary>Two js-libp2p nodes, or null where it is not there.</summary>
    public async Task<BenchSystem?> JsAsync() => JsProgram.Find() is not { } program ? null : _js ??= await BenchSystem.StartJsAsync(program, cancellationToken);

    /// <summary>Does each kind of run once to warm up, then all in turn, the first one last in every other round.</summary>
    /// <returns>The runs of each kind, in the order given; a system that is null has none.</returns>
    public async Task<IReadOnlyList<IReadOnlyList<SystemRun>>> InterleaveAsync(params IReadOnlyList<(BenchSystem? System, RunPlan Plan)> kinds)
    {
        var runs = kinds.Select(static _ => new List<SystemRun>()).ToArray();
        for (var round = -1; round < options.Runs; round++)
        {
            foreach (var one in round % 2 == 0 ? Enumerable.Range(0, kinds.Count) : Enumerable.Range(0, kinds.Count).Reverse())
            {
                if (kinds[one].System is not { } system) continue;
                var run = await system.RunAsync(kinds[one].Plan, cancellationToken);
                if (round >= 0) runs[one].Add(run);
            }
        }

        return runs;
    }

    /// <summary>The medians of ours and of the baseline's runs, and the median of the ratios of those of the same round.</summary>
    public static BenchResult Compare(string name, string unit, IReadOnlyList<SystemRun> ours, IReadOnlyList<SystemRun> baseline, Func<SystemRun, double> figure, string missing = NoNats)
    {
        var value = Samples.Median(ours.Select(figure));
        return baseline.Count == 0
            ? new BenchResult(name, value, unit, Note: missing)
            : new BenchResult(name, value, unit, Samples.Median(baseline.Select(figure)), Samples.Median(ours.Zip(baseline, (one, other) => figure(one) / figure(other))));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var system in new[] { _starling, _nats, _js })
        {
            if (system is not null) await system.DisposeAsync();
        }
    }
}

/// <summary>What one run does.</summary>
/// <param name="Topic">The topic's kind and name, with a colon between them.</param>
/// <param name="Count">Messages.</param>
/// <param name="Size">Bytes of each.</param>
/// <param name="Subscribers">How many receive it.</param>
/// <param name="IsPaced">Whether one message is published a millisecond and its time on the way taken, instead of all as fast as they go.</param>
internal sealed record RunPlan(string Topic, int Count, int Size, int Subscribers = 1, bool IsPaced = false);
