using System.CommandLine;
using System.Net;
using System.Text.Json;
using Starling.Net.Links;

namespace Starling.Cli.Verbs;

/// <summary>Runs a node until Ctrl-C and tells what happens to its links.</summary>
internal sealed class NodeVerb : Verb
{
    private readonly Option<Multiaddr[]> _listen = Common.Listen();
    private readonly Option<Multiaddr[]> _connect = Common.Connect();
    private readonly Option<string?> _identity = Common.Identity();
    private readonly Option<Switch> _mdns = Common.OnOff("--mdns", "Whether to find, and be found by, peers on the local network. Default on.");
    private readonly Option<IPAddress[]> _interfaces = Common.Interfaces();
    private readonly Option<string[]> _announce = new("--announce")
    {
        Description = "Address to tell others in place of those listened on: an IP address or name, host:port, or a multiaddress. May be given several times.",
        HelpName = "ADDR",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _admin = new("--admin")
    {
        Description = "Path of the socket through which peers, block and others administer this node; 'off' for none. Default: a path that follows the identity.",
        HelpName = "PATH",
    };

    private readonly Option<string?> _config = new("--config") { Description = "JSON file with options; what is given on the command line goes before it.", HelpName = "FILE" };
    private readonly Option<bool> _printConfig = new("--print-config") { Description = "Print every option with its value and meaning, as a file for --config, and end." };
    private readonly Option<Uri?> _controller = new("--controller")
    {
        Description = "Controller to register with; the node then waits for the common start.",
        HelpName = "URL",
        CustomParser = result =>
        {
            if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
            result.AddError($"--controller takes an address such as http://192.0.2.1:8800, not '{result.Tokens[0].Value}'");
            return null;
        },
    };

    private readonly Option<string?> _token = new("--token") { Description = "File with the controller's token.", HelpName = "FILE" };
    private readonly Option<bool> _root = new("--root") { Description = "Be an entry point: relay searches and what spreads, follow no topic, keep nothing." };
    private readonly Option<bool> _json = Common.Json("events");

    public NodeVerb(Output output)
        : base(
            "node",
            "Run a node until Ctrl-C: listen, link with peers, tell what happens.",
            """
            starling node --listen /ip4/127.0.0.1/tcp/4001 --identity ~/.starling.key
            starling node --connect 127.0.0.1:4001 --json
            """,
            output)
    {
        Add(_listen);
        Add(_connect);
        Add(_identity);
        Add(_mdns);
        Add(_interfaces);
        Add(_announce);
        Add(_admin);
        Add(_config);
        Add(_printConfig);
        Add(_controller);
        Add(_token);
        Add(_root);
        Add(_json);
        Validators.Add(result =>
        {
            if (result.GetValue(_controller) is not null && result.GetValue(_token) is null) result.AddError("--controller needs --token FILE");
        });
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var configured = arguments.GetValue(_config) is { } file ? ConfigFile.Read(file) : null;
        if (arguments.GetValue(_printConfig))
        {
            Output.Line(ConfigText.Of(configured ?? new StarlingOptions()));
            return Tool.Done;
        }

        var admin = arguments.GetValue(_admin);
        if (configured is not null && admin == "off") configured.Admin = null;
        var setup = new NodeSetup
        {
            Configured = configured,
            Announce = arguments.GetRequiredValue(_announce),
            Admin = admin switch
            {
                "off" => null,
                null => configured?.Admin ?? AdminSocket.Default,
                var path => path,
            },
            Listen = arguments.GetRequiredValue(_listen),
            Connect = arguments.GetRequiredValue(_connect),
            Identity = arguments.GetValue(_identity),
            Discover = configured is not null && arguments.GetResult(_mdns) is null or { Implicit: true } ? null : arguments.GetValue(_mdns) == Switch.On,
            Interfaces = arguments.GetRequiredValue(_interfaces),
            Root = arguments.GetValue(_root),
            Verbose = arguments.GetValue<bool>("--verbose"),
        };
        var json = arguments.GetValue(_json);
        await using var node = await setup.StartAsync(cancellationToken).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var telling = TellAsync(node, json, stop.Token);
        try
        {
            await setup.ConnectAsync(node, stop.Token).ConfigureAwait(false);
            if (arguments.GetValue(_controller) is { } controller) await WaitForControllerAsync(node, controller, arguments, stop.Token).ConfigureAwait(false);
            await telling.ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await telling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return Tool.Done;
    }

    private async Task WaitForControllerAsync(StarlingNode node, Uri controller, ParseResult arguments, CancellationToken cancellationToken)
    {
        using var client = new ControllerClient(new ControllerClientOptions { Address = controller, TokenFile = arguments.GetValue(_token) });
        var state = await node.WaitForControllerAsync(client, cancellationToken).ConfigureAwait(false);
        if (!arguments.GetValue(_json)) Output.Note($"started with {state.Registered} nodes");
        else
        {
            Output.Json(line =>
            {
                line.WriteString("event", "started");
                line.WriteNumber("nodes", state.Registered);
            });
        }
    }

    /// <summary>Prints each event as it comes, until cancelled.</summary>
    private async Task TellAsync(StarlingNode node, bool json, CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await foreach (var happened in node.EventsAsync(cancellationToken).ConfigureAwait(false))
            {
                foreach (var line in EventLine.Of(node, happened))
                {
                    if (json) Output.Json(line.Write);
                    else Output.Note(line.ToString());
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            if (node.DroppedEvents > 0) Output.Note($"{node.DroppedEvents} events were dropped because nobody read them");
        }
    }

    /// <summary>One event as the tool tells it.</summary>
    private sealed record EventLine(string Name, PeerId? Peer, Multiaddr? Address, CloseInfo? Why = null, string? Text = null)
    {
        /// <summary>The lines of an event: a link that is ready is also identified.</summary>
        public static IEnumerable<EventLine> Of(StarlingNode node, NodeEvent happened) => happened switch
        {
            NodeEvent.Listening listening => [new EventLine("listening", node.PeerId, listening.Address)],
            NodeEvent.Connected connected => [Of("connected", connected.Link), Of("identified", connected.Link)],
            NodeEvent.Identified identified => [Of("identified", identified.Link)],
            NodeEvent.Suspect suspect => [Of("suspect", suspect.Link)],
            NodeEvent.Recovered recovered => [Of("recovered", recovered.Link)],
            NodeEvent.Reconnecting lost => [new EventLine("reconnecting", lost.Peer, null, Text: $"in {lost.After.TotalSeconds:0.0} s")],
            NodeEvent.GaveUp lost => [new EventLine("gave-up", lost.Peer, lost.Addresses is [var first, ..] ? first : null, Text: $"after {lost.Attempts} dials")],
            NodeEvent.Blocked blocked => [new EventLine("blocked", blocked.Entry.Subject.Peer, null, Text: blocked.Entry.Subject.ToString())],
            NodeEvent.Unblocked unblocked => [new EventLine("unblocked", unblocked.Entry.Subject.Peer, null, Text: unblocked.Entry.Subject.ToString())],
            NodeEvent.Disconnected gone => [Of("disconnected", gone.Link) with { Why = gone.Why }],
            _ => [],
        };

        public void Write(Utf8JsonWriter json)
        {
            json.WriteString("event", Name);
            json.WriteString("peer", Peer?.ToString());
            json.WriteString("address", Address?.ToString());
            json.WriteString("reason", Why?.Reason.ToString() ?? Text);
        }

        public override string ToString() => Name == "listening" ? $"{Name} {Address}" : string.Join(' ', new object?[] { Name, Peer, Address, Why, Text }.Where(part => part is not null));

        private static EventLine Of(string name, PeerLink link) => new(name, link.Peer, link.Connection.RemoteAddress);
    }
}
