using System.CommandLine;
using System.Globalization;
using Starling.Net.PubSub;

namespace Starling.Cli.Verbs;

/// <summary>Publishes the lines of standard input to a topic.</summary>
internal sealed class PubVerb : Verb
{
    private const int MaxLine = 1_000_000;
    private static readonly TimeSpan DefaultWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromMinutes(10);

    // A pipe waits for its slowest reader; Ctrl-C is there for whoever does not want to.
    private static readonly PublishOptions Patient = new() { Timeout = TimeSpan.FromDays(1) };
    private readonly TopicOptions _topic = new(patterns: false);
    private readonly Option<Multiaddr[]> _connect = Common.Connect();
    private readonly Option<string?> _admin = Common.Admin();
    private readonly Option<TimeSpan?> _wait = Common.Seconds("--wait", "How long to wait for the first subscriber. Default 10.");

    public PubVerb(Output output)
        : base(
            "pub",
            "Publish lines from standard input to a topic. Without --connect, subscribers on this machine are found by themselves.",
            """
            starling pub news --connect 127.0.0.1:4001 < headlines.txt
            starling pub news --plain --connect 127.0.0.1:4001 < headlines.txt
            """,
            output)
    {
        _topic.AddTo(this);
        Add(_connect);
        Add(_admin);
        Add(_wait);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var topic = _topic.Of(arguments);
        var wait = arguments.GetValue(_wait) ?? DefaultWait;
        var connect = arguments.GetRequiredValue(_connect);
        var setup = new NodeSetup
        {
            Connect = connect,
            Discover = connect.Length == 0,
            Identity = _topic.IdentityOf(arguments),
            Admin = arguments.GetValue(_admin),
            Verbose = arguments.GetValue<bool>("--verbose"),
        };
        await using var node = await setup.StartAsync(cancellationToken).ConfigureAwait(false);
        await setup.ConnectAsync(node, cancellationToken).ConfigureAwait(false);
        try
        {
            await node.WaitForSubscribersAsync(topic, 1, cancellationToken).WaitAsync(wait, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return Output.Fail(string.Create(CultureInfo.InvariantCulture, $"nobody subscribed to '{topic.Name}' within {wait.TotalSeconds:0.###} s"));
        }

        try
        {
            await using var input = Console.OpenStandardInput();
            await PublishAsync(node, topic, input, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // What was accepted, also before an error or an interrupt, is handed to the links before the node stops.
            await node.Topics.FlushAsync(CancellationToken.None).WaitAsync(FlushTimeout, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
        }

        return Tool.Done;
    }

    private static async Task PublishAsync(StarlingNode node, Topic topic, Stream input, CancellationToken cancellationToken)
    {
        var number = 0L;
        await foreach (var line in LineReader.ReadAsync(input, "standard input", MaxLine, keepLineFeed: false, cancellationToken).ConfigureAwait(false))
        {
            number++;
            var result = await node.Topics.PublishAsync(topic, line, Patient, cancellationToken).ConfigureAwait(false);
            if (result.Status == PublishStatus.NoPeers) throw new StarlingException($"line {number} found no subscriber to '{topic.Name}': the last one has gone");
            if (!result.IsSent) throw new StarlingException($"line {number} was not sent to all: {result.Status}, {result.Recipients} subscribers got it and {result.Missed} did not");
        }
    }
}
