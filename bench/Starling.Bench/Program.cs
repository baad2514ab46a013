using Starling.Bench;

var json = args.Contains("--json");
var only = args.SkipWhile(static arg => arg != "--only").Skip(1).FirstOrDefault();
var report = await TransportBench.RunAsync(new TransportBenchOptions
{
    Only = only,
    Progress = static result => Console.Error.WriteLine(
        $"{result.Name,-40} {result.Value,12:0.####} {result.Unit,-5} {(result.Ratio is { } ratio ? $"baseline {result.Baseline:0.##}, ratio {ratio:0.###}" : string.Empty)}"),
});
if (json) Console.WriteLine(report.ToJson());
