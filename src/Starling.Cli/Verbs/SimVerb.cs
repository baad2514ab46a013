using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Starling.Protocols.Links.Policy;
using Starling.Simulation;

namespace Starling.Cli.Verbs;

/// <summary>Plays a scenario with the routers of a whole network on virtual time, and says what became of its messages.</summary>
internal sealed class SimVerb : Verb
{
    private readonly Argument<string> _scenario = new("SCENARIO") { Description = $"What happens: {string.Join(", ", Scenarios.All.Select(one => one.Name))}." };
    private readonly Option<int> _nodes = new("--nodes") { HelpName = "N", Description = "Nodes (2 to 1,000,000).", DefaultValueFactory = _ => 1000 };
    private readonly Option<ulong> _seed = new("--seed") { HelpName = "S", Description = "All chance comes from it: the same seed gives the same run.", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _policy = new("--link-policy") { Description = "Have each node's link-policy core make and keep its links, instead of a simple rule." };
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object on standard output." };

    public SimVerb(Output output)
        : base("sim", "Simulate a network of thousands of nodes in this process, on virtual time.", "starling sim crash50 --nodes 1000 --seed 7", output)
    {
        Add(_scenario);
        Add(_nodes);
        Add(_seed);
        Add(_policy);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var name = arguments.GetValue(_scenario)!;
        var scenario = Scenarios.Find(name)
            ?? throw new StarlingException($"there is no scenario '{name}': choose one of {string.Join(", ", Scenarios.All.Select(one => one.Name))}");
        var options = scenario.NewOptions();
        options.Nodes = arguments.GetValue(_nodes);
        options.Seed = arguments.GetValue(_seed);
        if (options.Nodes is < 2 or > 1_000_000) throw new StarlingException($"--nodes is {options.Nodes}: use 2 to 1,000,000");
        if (arguments.GetValue(_policy)) options.LinkPolicy = new LinkPolicyOptions();
        options.Links = Math.Min(options.Links, options.Nodes - 1);
        var json = arguments.GetValue(_json);
        if (!json) Output.Note(scenario.Description);
        var begun = TimeProvider.System.GetTimestamp();

        // On a thread of its own: the run computes for minutes, and an interruption must be heard meanwhile.
        var report = await Task.Run(() => scenario.Run(options, cancellationToken), cancellationToken).ConfigureAwait(false);
        var took = TimeProvider.System.GetElapsedTime(begun);
        using var process = Process.GetCurrentProcess();
        if (json) Output.Line(report.ToJson(took, process.PeakWorkingSet64));
        else foreach (var line in Describe(report, took, process.PeakWorkingSet64)) Output.Line(line);
        return Tool.Done;
    }

    private static IEnumerable<string> Describe(SimulationReport report, TimeSpan took, long bytes)
    {
        var options = report.Options;
        yield return Line($"scenario   {report.Scenario}, {options.Nodes} nodes ({report.NodesUp} up in the end), seed {options.Seed}");
        yield return Line($"links      {options.Links} or more each; {options.Latency.Description}; {options.Loss.Description}; {options.Bandwidth?.Description ?? "no bound on bandwidth"}");
        foreach (var phase in report.Phases.Where(phase => phase.Messages > 0))
        {
            yield return Line($"{phase.Name,-10} {phase.Messages} messages: delivery {phase.Delivery:0.####%}, latency p50 {Ms(phase, 0.5)}, p95 {Ms(phase, 0.95)}, p99 {Ms(phase, 0.99)}, longest {phase.Latency.Longest.TotalMilliseconds:0.#} ms, {phase.CopiesPerMessage:0.00} copies{(phase.IsMeasured ? "" : " (not measured)")}");
        }

        yield return Line($"delivery   {report.Measured.Delivery:0.####%} of {report.Measured.Expected}");
        yield return Line($"latency    p50 {Ms(report.Measured, 0.5)}, p95 {Ms(report.Measured, 0.95)}, p99 {Ms(report.Measured, 0.99)}");
        yield return Line($"copies     {report.Measured.CopiesPerMessage:0.00} per message and node");
        yield return Line($"trace      {report.TraceHash:x16}");
        yield return Line($"machine    {report.Events} events for {report.Time.TotalSeconds:0} virtual seconds in {took.TotalSeconds:0.0} s ({report.Events / Math.Max(took.TotalSeconds, 0.001):0} a second), {bytes / (1 << 20)} MiB at most");
    }

    private static string Ms(SimulationPhase phase, double share) => Line($"{phase.Latency.Percentile(share).TotalMilliseconds:0.#} ms");

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
