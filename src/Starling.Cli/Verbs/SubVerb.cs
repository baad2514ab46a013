using System.CommandLine;
using Starling.Net.PubSub;

namespace Starling.Cli.Verbs;

/// <summary>Prints what is published to a topic, a line each.</summary>
internal sealed class SubVerb : Verb
{
    // Whoever publishes waits for whoever reads our standard output.
    private static readonly SubscriptionOptions Lossless = new() { WhenFull = Overflow.Block, BlockTimeout = TimeSpan.FromDays(1) };
    private readonly Argument<string> _topic = Common.Topic();
    private readonly Option<Multiaddr[]> _connect = Common.Connect();
    private readonly Option<string?> _admin = Common.Admin();
    private readonly Option<Multiaddr[]> _listen = Common.Listen();
    private readonly Option<int?> _count = Common.Whole("--count", "N", "Stop after this many messages. Default: go on until Ctrl-C.", 1, int.MaxValue);
    private readonly Option<TimeSpan?> _timeout = Common.Seconds("--timeout", "Stop after this time; with --count, fail when fewer messages came.");

    public SubVerb(Output output)
        : base(
            "sub",
            "Print the messages of a topic to standard output, a line each. Without --connect, publishers on this machine are found by themselves.",
            "starling sub news --listen /ip4/127.0.0.1/tcp/4001 --count 10 --timeout 60",
            output)
    {
        Add(_topic);
        Add(_connect);
        Add(_admin);
        Add(_listen);
        Add(_count);
        Add(_timeout);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var topic = arguments.GetRequiredValue(_topic);
        var connect = arguments.GetRequiredValue(_connect);
        var setup = new NodeSetup
        {
            Listen = arguments.GetRequiredValue(_listen),
            Connect = connect,
            Discover = connect.Length == 0,
            Admin = arguments.GetValue(_admin),
            Verbose = arguments.GetValue<bool>("--verbose"),
        };
        await using var node = await setup.StartAsync(cancellationToken).ConfigureAwait(false);
        await using var messages = await node.SubscribeAsync(topic, Lossless, cancellationToken).ConfigureAwait(false);
        foreach (var address in node.Addresses) Output.Note($"listening {address}");
        await setup.ConnectAsync(node, cancellationToken).ConfigureAwait(false);

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (arguments.GetValue(_timeout) is { } timeout) end.CancelAfter(timeout);
        var wanted = arguments.GetValue(_count);
        var got = await PrintAsync(messages, wanted ?? long.MaxValue, end.Token).ConfigureAwait(false);
        if (messages.Dropped > 0) return Output.Fail($"{messages.Dropped} messages were dropped because standard output was too slow");
        if (wanted > got && !cancellationToken.IsCancellationRequested) return Output.Fail($"only {got} of {wanted} messages came in time");
        return Tool.Done;
    }

    /// <summary>Prints up to so many messages, each at once when nothing more waits behind it. Returns how many.</summary>
    private async Task<long> PrintAsync(TopicSubscription messages, long wanted, CancellationToken cancellationToken)
    {
        long got = 0;
        try
        {
            while (got < wanted && await messages.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                for (; got < wanted && messages.TryRead(out var message); got++) Output.Data(message.Data.Span);
                Output.Flush();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return got;
        }

        return got;
    }
}
