using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Starling.Bench;

namespace Starling.Cli.Verbs;

/// <summary>Measures this machine: each figure as it is there, then all of them.</summary>
internal abstract class BenchVerb : Verb
{
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object with all results on standard output." };

    protected BenchVerb(string name, string description, string example, Output output)
        : base(name, description, example, output) => Add(_json);

    public static Command Group(Output output) => new("bench", "Measure this machine.")
    {
        new PlainBenchVerb(
            "transport",
            "Measure links over TLS on loopback beside a bare SslStream: throughput, round trips, allocation, memory. Takes up to a minute.",
            11,
            static (progress, cancelled) => TransportBench.RunAsync(new TransportBenchOptions { Progress = progress }, cancelled),
            output),
        new PlainBenchVerb(
            "request",
            "Measure requests of 100 bytes between two nodes on loopback: the round trip beside a bare SslStream, requests a second with 1,000 in flight, allocation. Takes up to a minute.",
            3,
            static (progress, cancelled) => RequestBench.RunAsync(new RequestBenchOptions { Progress = progress }, cancelled),
            output),
        new PubSubBenchVerb(output),
        new PubSubEndVerb(output),
    };

    /// <summary>How many results there will be.</summary>
    protected abstract int Figures(ParseResult arguments);

    protected abstract Task<BenchReport> MeasureAsync(ParseResult arguments, Action<BenchResult> progress, CancellationToken cancellationToken);

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var report = Output.IsLive
            ? await WithBarAsync(arguments, cancellationToken).ConfigureAwait(false)
            : await MeasureAsync(arguments, result => Output.Note(Describe(result)), cancellationToken).ConfigureAwait(false);
        if (arguments.GetValue(_json)) Output.Line(report.ToJson());
        else foreach (var result in report.Results) Output.Line(Describe(result));
        return Tool.Done;
    }

    private Task<BenchReport> WithBarAsync(ParseResult arguments, CancellationToken cancellationToken) =>
        Output.Screen.Progress().HideCompleted(true).StartAsync(async progress =>
        {
            var bar = progress.AddTask("measuring", maxValue: Figures(arguments));
            return await MeasureAsync(
                arguments,
                result =>
                {
                    bar.Increment(1);
                    bar.Description = $"{result.Name} measured";
                },
                cancellationToken).ConfigureAwait(false);
        });

    private static string Describe(BenchResult result)
    {
        var baseline = result.Baseline is { } other ? $"  baseline {Number(other)}" : "";
        var ratio = result.Ratio is { } relative ? $", ratio {Number(relative)}" : "";
        var note = result.Note is { } said ? $"  ({said})" : "";
        return $"{result.Name,-38} {Number(result.Value),12} {result.Unit}{baseline}{ratio}{note}";
    }

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    /// <summary>A bench without options.</summary>
    private sealed class PlainBenchVerb(string name, string description, int figures, Func<Action<BenchResult>, CancellationToken, Task<BenchReport>> measure, Output output)
        : BenchVerb(name, description, $"starling bench {name} --json", output)
    {
        protected override int Figures(ParseResult arguments) => figures;

        protected override Task<BenchReport> MeasureAsync(ParseResult arguments, Action<BenchResult> progress, CancellationToken cancellationToken) => measure(progress, cancellationToken);
    }
}
