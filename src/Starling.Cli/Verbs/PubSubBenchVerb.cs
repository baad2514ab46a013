using System.CommandLine;
using Starling.Bench;
using Starling.Bench.PubSub.Ends;

namespace Starling.Cli.Verbs;

/// <summary>Measures topics between processes, beside nats-server.</summary>
internal sealed class PubSubBenchVerb : BenchVerb
{
    private readonly Option<int?> _size = Common.Whole(
        "--size", "BYTES", "Measure messages of this size only, from 16 to 60000 bytes. Default: 100 bytes and 10 KB.", PubSubBenchOptions.MinSize, PubSubBenchOptions.MaxSize);

    private readonly Option<int?> _count = Common.Whole("--count", "N", "Messages in one run. Default: about a second's.", 1, 100_000_000);

    public PubSubBenchVerb(Output output)
        : base(
            "pubsub",
            """
            Measure topics on loopback, each publisher and subscriber a process of its own, beside nats-server with TLS where it is installed:
            messages and bytes a second, one-way latency, fan-out, allocation. Runs are interleaved, every message's number is checked. Takes a few minutes.
            """,
            "starling bench pubsub --json\nstarling bench pubsub --size 1024 --count 100000",
            output)
    {
        Add(_size);
        Add(_count);
    }

    protected override int Figures(ParseResult arguments) => PubSubBench.Figures(OptionsOf(arguments));

    protected override Task<BenchReport> MeasureAsync(ParseResult arguments, Action<BenchResult> progress, CancellationToken cancellationToken)
    {
        var options = OptionsOf(arguments);
        options.Progress = progress;
        return PubSubBench.RunAsync(options, cancellationToken);
    }

    private PubSubBenchOptions OptionsOf(ParseResult arguments)
    {
        var count = arguments.GetValue(_count);
        var options = new PubSubBenchOptions { EndVerb = ["bench", PubSubEndVerb.VerbName], Size = arguments.GetValue(_size), Count = count };
        options.Paced = Math.Min(options.Paced, count ?? options.Paced);
        return options;
    }
}

/// <summary>One process of such a comparison. Not for users: it takes commands on standard input.</summary>
internal sealed class PubSubEndVerb : Verb
{
    public const string VerbName = "pubsub-end";
    private readonly Argument<string> _role = new("ROLE") { Description = "starling, nats or nats-host." };

    public PubSubEndVerb(Output output)
        : base(VerbName, "One process of a topic bench, told by another what to do.", $"starling bench {VerbName} starling", output)
    {
        Hidden = true;
        Add(_role);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        await BenchEnd.RunAsync(arguments.GetRequiredValue(_role), Console.In, Console.Out).WaitAsync(cancellationToken).ConfigureAwait(false);
        return Tool.Done;
    }
}
