using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Starling.Bench;

namespace Starling.Cli.Verbs;

/// <summary>Measures this machine: each figure as it is there, then all of them.</summary>
internal sealed class BenchVerb : Verb
{
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object with all results on standard output." };
    private readonly int _figures;
    private readonly Func<Action<BenchResult>, CancellationToken, Task<BenchReport>> _measure;

    private BenchVerb(string name, string description, int figures, Func<Action<BenchResult>, CancellationToken, Task<BenchReport>> measure, Output output)
        : base(name, description, $"starling bench {name} --json", output)
    {
        (_figures, _measure) = (figures, measure);
        Add(_json);
    }

    public static Command Group(Output output) => new("bench", "Measure this machine.")
    {
        new BenchVerb(
            "transport",
            "Measure links over TLS on loopback beside a bare SslStream: throughput, round trips, allocation, memory. Takes up to a minute.",
            11,
            static (progress, cancelled) => TransportBench.RunAsync(new TransportBenchOptions { Progress = progress }, cancelled),
            output),
        new BenchVerb(
            "request",
            "Measure requests of 100 bytes between two nodes on loopback: the round trip beside a bare SslStream, requests a second with 1,000 in flight, allocation. Takes up to a minute.",
            3,
            static (progress, cancelled) => RequestBench.RunAsync(new RequestBenchOptions { Progress = progress }, cancelled),
            output),
    };

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var report = Output.IsLive
            ? await WithBarAsync(cancellationToken).ConfigureAwait(false)
            : await _measure(result => Output.Note(Describe(result)), cancellationToken).ConfigureAwait(false);
        if (arguments.GetValue(_json)) Output.Line(report.ToJson());
        else foreach (var result in report.Results) Output.Line(Describe(result));
        return Tool.Done;
    }

    private Task<BenchReport> WithBarAsync(CancellationToken cancellationToken) =>
        Output.Screen.Progress().HideCompleted(true).StartAsync(async progress =>
        {
            var bar = progress.AddTask("measuring", maxValue: _figures);
            return await _measure(
                result =>
                {
                    bar.Increment(1);
                    bar.Description = $"{result.Name} measured";
                },
                cancellationToken).ConfigureAwait(false);
        });

    private static string Describe(BenchResult result)
    {
        var comparison = result.Ratio is { } ratio ? $"  baseline {Number(result.Baseline ?? 0)}, ratio {Number(ratio)}" : "";
        return $"{result.Name,-38} {Number(result.Value),12} {result.Unit}{comparison}";
    }

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
