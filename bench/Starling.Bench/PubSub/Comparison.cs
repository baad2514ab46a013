using Starling.Bench.PubSub.Nats;

namespace Starling.Bench.PubSub;

/// <summary>The systems that one bench compares, started once and warmed up; runs of each are interleaved. Disposing ends them.</summary>
internal sealed class Comparison : IAsyncDisposable
{
    private Comparison(PubSubBenchOptions options, BenchSystem starling, BenchSystem? nats, CancellationToken cancellationToken) =>
        (Options, Starling, Nats, Cancelled) = (options, starling, nats, cancellationToken);

    public PubSubBenchOptions Options { get; }

    public BenchSystem Starling { get; }

    /// <summary>Null where nats-server is not installed.</summary>
    public BenchSystem? Nats { get; }

    public CancellationToken Cancelled { get; }

    /// <summary>Why there is no baseline, or null.</summary>
    public string? Note => Nats is null ? "no baseline: nats-server is not installed (Debian package nats-server)" : null;

    public static async Task<Comparison> StartAsync(PubSubBenchOptions options, CancellationToken cancellationToken)
    {
        var starling = await BenchSystem.StartStarlingAsync(options, options.FanOut, cancellationToken);
        try
        {
            var nats = NatsHost.FindProgram() is null ? null : await BenchSystem.StartNatsAsync(options, options.FanOut, cancellationToken);
            return new Comparison(options, starling, nats, cancellationToken);
        }
        catch
        {
            await starling.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs each system once to warm it up, then all in turn, the first one last in every other round.</summary>
    /// <returns>The runs of each system, in the order given; a system that is null has none.</returns>
    public async Task<IReadOnlyList<IReadOnlyList<SystemRun>>> InterleaveAsync(params IReadOnlyList<Func<Task<SystemRun>>?> systems)
    {
        var runs = systems.Select(static _ => new List<SystemRun>()).ToArray();
        for (var round = -1; round < Options.Runs; round++)
        {
            foreach (var one in round % 2 == 0 ? Enumerable.Range(0, systems.Count) : Enumerable.Range(0, systems.Count).Reverse())
            {
                Cancelled.ThrowIfCancellationRequested();
                if (systems[one] is not { } system) continue;
                var run = await system();
                if (round >= 0) runs[one].Add(run);
            }
        }

        return runs;
    }

    /// <summary>The medians of ours and the baseline's runs, and the median of the ratios of those of the same round.</summary>
    public BenchResult Compare(string name, string unit, IReadOnlyList<SystemRun> ours, IReadOnlyList<SystemRun> baseline, Func<SystemRun, double> figure) => new(
        name,
        Samples.Median(ours.Select(figure)),
        unit,
        baseline.Count == 0 ? null : Samples.Median(baseline.Select(figure)),
        baseline.Count == 0 ? null : Samples.Median(ours.Zip(baseline, (one, other) => figure(one) / figure(other))),
        baseline.Count == 0 ? Note : null);

    public async ValueTask DisposeAsync()
    {
        await Starling.DisposeAsync();
        if (Nats is not null) await Nats.DisposeAsync();
    }
}
