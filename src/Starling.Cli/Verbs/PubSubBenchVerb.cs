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

    private readonly Option<string?> _kind = new("--topic-kind")
    {
        Description = "Measure topics of this kind only: stream (in bundles, --origin says how they prove their origin) or plain (each message signed, as every libp2p peer knows them).",
        HelpName = "plain|stream",
    };

    private readonly Option<string?> _origin = new("--origin")
    {
        Description = "Stream topics only: link (no signatures, a closed list of peers; the default) or signed (each bundle signed).",
        HelpName = "signed|link",
    };

    public PubSubBenchVerb(Output output)
        : base(
            "pubsub",
            """
            Measure topics on loopback, each publisher and subscriber a process of its own, beside nats-server with TLS where it is installed:
            messages and bytes a second, one-way latency, fan-out, allocation. Runs are interleaved, every message's number is checked. Takes a few minutes.
            """,
            "starling bench pubsub --json\nstarling bench pubsub --size 1024 --topic-kind stream --origin signed",
            output)
    {
        Add(_size);
        Add(_count);
        Add(_kind);
        Add(_origin);
        _kind.AcceptOnlyFromAmong("plain", "stream");
        _origin.AcceptOnlyFromAmong("signed", "link");
        Validators.Add(result =>
        {
            if (result.GetValue(_kind) == "plain" && result.GetValue(_origin) is not null) result.AddError("--origin goes with --topic-kind stream: a plain topic is always signed");
        });
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
        var options = new PubSubBenchOptions { EndVerb = ["bench", PubSubEndVerb.VerbName], Kind = KindOf(arguments), Size = arguments.GetValue(_size), Count = count };
        options.Paced = Math.Min(options.Paced, count ?? options.Paced);
        return options;
    }

    /// <summary>Null, which measures all, when neither option is given.</summary>
    private BenchTopicKind? KindOf(ParseResult arguments) => (arguments.GetValue(_kind), arguments.GetValue(_origin)) switch
    {
        (null, null) => null,
        ("plain", _) => BenchTopicKind.Plain,
        (_, "signed") => BenchTopicKind.Signed,
        _ => BenchTopicKind.Link,
    };
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
