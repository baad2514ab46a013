using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Starling.Bench;

namespace Starling.Cli.Verbs;

/// <summary>Measures transport speed and memory on this machine.</summary>
internal sealed class BenchVerb : Verb
{
    private const int Figures = 11;
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object with all results on standard output." };

    private BenchVerb(Output output)
        : base(
            "transport",
            "Measure links over TLS on loopback beside a bare SslStream: throughput, round trips, allocation, memory. Takes up to a minute.",
            "starling bench transport --json",
            output) => Add(_json);

    public static Command Group(Output output) => new("bench", "Measure this machine.") { new BenchVerb(output) };

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var report = Output.IsLive
            ? await WithBarAsync(cancellationToken).ConfigureAwait(false)
            : await MeasureAsync(result => Output.Note(Describe(result)), cancellationToken).ConfigureAwait(false);
        if (arguments.GetValue(_json)) Output.Line(report.ToJson());
        else foreach (var result in report.Results) Output.Line(Describe(result));
        return Tool.Done;
    }

    private Task<BenchReport> WithBarAsync(CancellationToken cancellationToken) =>
        Output.Screen.Progress().HideCompleted(true).StartAsync(async progress =>
        {
            var bar = progress.AddTask("measuring", maxValue: Figures);
            return await MeasureAsync(
                result =>
                {
                    bar.Increment(1);
                    bar.Description = $"{result.Name} measured";
                },
                cancellationToken).ConfigureAwait(false);
        });

    private static Task<BenchReport> MeasureAsync(Action<BenchResult> progress, CancellationToken cancellationToken) =>
        TransportBench.RunAsync(new TransportBenchOptions { Progress = progress }, cancellationToken);

    private static string Describe(BenchResult result)
    {
        var comparison = result.Ratio is { } ratio ? $"  baseline {Number(result.Baseline ?? 0)}, ratio {Number(ratio)}" : "";
        return $"{result.Name,-38} {Number(result.Value),12} {result.Unit}{comparison}";
    }

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
