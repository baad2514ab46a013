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
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var setup = new NodeSetup
        {
            Listen = arguments.GetRequiredValue(_listen),
            Connect = arguments.GetRequiredValue(_connect),
            Identity = arguments.GetValue(_identity),
            Discover = arguments.GetValue(_mdns) == Switch.On,
            Interfaces = arguments.GetRequiredValue(_interfaces),
            Verbose = arguments.GetValue<bool>("--verbose"),
        };
        var json = arguments.GetValue(_json);
        await using var node = await setup.StartAsync(cancellationToken).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var telling = TellAsync(node, json, stop.Token);
        try
        {
            await setup.ConnectAsync(node, stop.Token).ConfigureAwait(false);
            await telling.ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await telling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return Tool.Done;
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
    private sealed record EventLine(string Name, PeerId Peer, Multiaddr Address, CloseInfo? Why = null)
    {
        /// <summary>The lines of an event: a link that is ready is also identified.</summary>
        public static IEnumerable<EventLine> Of(StarlingNode node, NodeEvent happened) => happened switch
        {
            NodeEvent.Listening listening => [new EventLine("listening", node.PeerId, listening.Address)],
            NodeEvent.Connected connected => [Of("connected", connected.Link), Of("identified", connected.Link)],
            NodeEvent.Identified identified => [Of("identified", identified.Link)],
            NodeEvent.Disconnected gone => [Of("disconnected", gone.Link) with { Why = gone.Why }],
            _ => [],
        };

        public void Write(Utf8JsonWriter json)
        {
            json.WriteString("event", Name);
            json.WriteString("peer", Peer.ToString());
            json.WriteString("address", Address.ToString());
            json.WriteString("reason", Why?.Reason.ToString());
        }

        public override string ToString() => Name == "listening" ? $"{Name} {Address}" : $"{Name} {Peer} {Address}{(Why is null ? "" : $" {Why}")}";

        private static EventLine Of(string name, PeerLink link) => new(name, link.Peer, link.Connection.RemoteAddress);
    }
}
