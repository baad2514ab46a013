using System.CommandLine;
using Starling.Cli.Demo;

namespace Starling.Cli.Verbs;

/// <summary>Several nodes on this machine find each other and stream a file.</summary>
internal sealed class DemoVerb : Verb
{
    private const int DefaultNodes = 5;
    private static readonly TimeSpan DefaultTime = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RoundTripInterval = TimeSpan.FromMilliseconds(500);
    private readonly Option<int?> _nodes = Common.Whole("--nodes", "N", "How many nodes. Default 5.", 2, 50);
    private readonly Option<string?> _file = new("--file")
    {
        Description = "The file to stream, once unless --seconds is given. Default: the README that ships with the tool, for 3 seconds.",
        HelpName = "PATH",
    };

    private readonly Option<TimeSpan?> _seconds = Common.Seconds("--seconds", "Stream the file again and again for this time, the last pass to its end.");
    private readonly Option<bool> _json = new("--json") { Description = "Print the outcome as one JSON object on standard output." };

    public DemoVerb(Output output)
        : base(
            "demo",
            "Start nodes on this machine that find each other, link up and stream a file; check that all got the identical bytes.",
            "starling demo --nodes 5 --file /etc/services",
            output)
    {
        Add(_nodes);
        Add(_file);
        Add(_seconds);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var given = arguments.GetValue(_file);
        var time = arguments.GetValue(_seconds) ?? (given is null ? DefaultTime : null);
        var file = await DemoFile.MeasureAsync(given ?? DemoFile.Default, cancellationToken).ConfigureAwait(false);
        var setup = new NodeSetup { Discover = true, RoundTripInterval = RoundTripInterval, Verbose = arguments.GetValue<bool>("--verbose") };
        await using var run = new DemoRun(file, arguments.GetValue(_nodes) ?? DefaultNodes, time);
        await run.StartAsync(setup, cancellationToken).ConfigureAwait(false);
        var work = run.RunAsync(cancellationToken);
        await new DemoTable(Output, run, TimeProvider.System).ShowAsync(work).ConfigureAwait(false);
        var outcome = await work.ConfigureAwait(false);
        if (arguments.GetValue(_json)) outcome.PrintJson(Output);
        else outcome.Print(Output);
        return outcome.Identical ? Tool.Done : Output.Fail("not every subscriber got the identical bytes");
    }
}
