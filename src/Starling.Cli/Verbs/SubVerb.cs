using System.CommandLine;
using Starling.Net.PubSub;
using Starling.Net.PubSub.Groups;

namespace Starling.Cli.Verbs;

/// <summary>Prints what is published to a topic, a line each.</summary>
internal sealed class SubVerb : Verb
{
    private const int LargestBacklog = 1_000_000;
    private readonly TopicOptions _topic = new(patterns: true);
    private readonly Option<Multiaddr[]> _connect = Common.Connect();
    private readonly Option<string?> _admin = Common.Admin();
    private readonly Option<Multiaddr[]> _listen = Common.Listen();
    private readonly Option<int?> _count = Common.Whole("--count", "N", "Stop after this many messages. Default: go on until Ctrl-C.", 1, int.MaxValue);
    private readonly Option<TimeSpan?> _timeout = Common.Seconds("--timeout", "Stop after this time; with --count, fail when fewer messages came.");
    private readonly Option<int?> _last = Common.Whole("--last", "N", "Begin with the last so many messages that neighbours remember.", 1, LargestBacklog);
    private readonly Option<TimeSpan?> _since = Common.Seconds("--since", "Begin with what neighbours remember of the last so many seconds.");
    private readonly Option<string?> _group = new("--group") { Description = "Share the messages with the other members of this group: each is printed by one of them.", HelpName = "NAME" };
    private readonly Option<Overflow> _policy = new("--policy")
    {
        Description = "What happens when standard output is slow: block (default; publishers wait), drop-oldest, drop-newest or disconnect.",
        HelpName = "POLICY",
        CustomParser = result => result.Tokens[0].Value switch
        {
            "block" => Overflow.Block,
            "drop-oldest" => Overflow.DropOldest,
            "drop-newest" => Overflow.DropNewest,
            "disconnect" => Overflow.Disconnect,
            var other => Wrong(result, other),
        },
        DefaultValueFactory = _ => Overflow.Block,
    };

    private readonly Option<bool> _json = Common.Json("each message, with its topic, origin, counter and how many were missed before it,");

    public SubVerb(Output output)
        : base(
            "sub",
            "Print the messages of a topic, or of all topics that a pattern means, to standard output, a line each. Without --connect, publishers on this machine are found by themselves.",
            """
            starling sub news --listen /ip4/127.0.0.1/tcp/4001 --count 10 --timeout 60
            starling sub 'prices.*' --connect 127.0.0.1:4001 --last 100 --json
            starling sub jobs --connect 127.0.0.1:4001 --group workers
            """,
            output)
    {
        _topic.AddTo(this);
        Add(_connect);
        Add(_admin);
        Add(_listen);
        Add(_count);
        Add(_timeout);
        Add(_last);
        Add(_since);
        Add(_group);
        Add(_policy);
        Add(_json);
        Validators.Add(result =>
        {
            if (result.GetValue<bool>("--plain") && (result.GetValue(_last) is not null || result.GetValue(_since) is not null)) result.AddError("--last and --since need a stream topic; nobody remembers a plain one");
            if (result.GetValue(_group) is { Length: 0 or > 64 }) result.AddError("--group takes a name of 1 to 64 characters");
        });
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var connect = arguments.GetRequiredValue(_connect);
        var setup = new NodeSetup
        {
            Listen = arguments.GetRequiredValue(_listen),
            Connect = connect,
            Discover = connect.Length == 0,
            Identity = _topic.IdentityOf(arguments),
            Admin = arguments.GetValue(_admin),
            Verbose = arguments.GetValue<bool>("--verbose"),
        };
        await using var node = await setup.StartAsync(cancellationToken).ConfigureAwait(false);
        var queue = new SubscriptionOptions
        {
            WhenFull = arguments.GetValue(_policy),
            BlockTimeout = TimeSpan.FromDays(1),
            Last = arguments.GetValue(_last),
            Since = arguments.GetValue(_since),
        };
        var topic = _topic.Of(arguments);
        var printer = new MessagePrinter(Output, arguments.GetValue(_json));
        await using IMessageSource messages = arguments.GetValue(_group) is { } group
            ? new GroupSource(await node.JoinGroupAsync(topic, group, new GroupJoinOptions { Subscription = queue }, cancellationToken).ConfigureAwait(false))
            : new SubscriptionSource(await node.SubscribeAsync(topic, queue, cancellationToken).ConfigureAwait(false));
        foreach (var address in node.Addresses) Output.Note($"listening {address}");
        await setup.ConnectAsync(node, cancellationToken).ConfigureAwait(false);

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (arguments.GetValue(_timeout) is { } timeout) end.CancelAfter(timeout);
        var wanted = arguments.GetValue(_count);
        var got = await messages.PrintAsync(printer, wanted ?? long.MaxValue, end.Token).ConfigureAwait(false);
        if (messages.Missed > 0 && queue.WhenFull is (Overflow.DropOldest or Overflow.DropNewest)) Output.Note($"{messages.Missed} messages were dropped, as --policy asks, or lost on the way");
        else if (messages.Missed > 0) return Output.Fail($"{messages.Missed} messages were dropped because standard output was too slow, or lost on the way and not recovered");
        if (wanted > got && !cancellationToken.IsCancellationRequested) return Output.Fail($"only {got} of {wanted} messages came in time");
        return Tool.Done;
    }

    private static Overflow Wrong(System.CommandLine.Parsing.ArgumentResult result, string text)
    {
        result.AddError($"--policy takes block, drop-oldest, drop-newest or disconnect, not '{text}'");
        return default;
    }
}
