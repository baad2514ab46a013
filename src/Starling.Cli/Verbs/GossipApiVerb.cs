using System.CommandLine;
using System.Text.Json;
using Starling.Gateways.Gossip;

namespace Starling.Cli.Verbs;

/// <summary>Runs a node with a VoidPhone gossip API until Ctrl-C, from the INI file that the field's modules read.</summary>
internal sealed class GossipApiVerb : Verb
{
    private readonly Option<string> _config = new("--config") { Description = "INI file with a section [gossip]: api_address, listen_address, bootstrapper, degree, cache_size, max_ttl and others.", HelpName = "FILE", Required = true };
    private readonly Option<bool> _json = Common.Json("events");

    public GossipApiVerb(Output output)
        : base("gossip-api", "Serve the VoidPhone gossip API: programs that speak it announce and are notified, over Starling nodes.", "starling gossip-api --config gossip.ini", output)
    {
        Add(_config);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var config = GossipConfig.Read(arguments.GetRequiredValue(_config));
        foreach (var remark in config.Remarks) Output.Note(remark);
        using var identity = config.HostKey is { } key ? GossipHostKey.Load(key) : null;
        var loggers = NodeSetup.LoggersFor(arguments.GetValue<bool>("--verbose"));
        var environment = new NodeEnvironment { Identity = identity, Loggers = loggers };
        await using var node = await StarlingNode.StartAsync(config.ToNodeOptions(), environment, cancellationToken).ConfigureAwait(false);
        await using var api = await GossipApi.StartAsync(node, config.ToApiOptions(), environment, cancellationToken).ConfigureAwait(false);
        var tell = new Teller(Output, arguments.GetValue(_json));
        tell.Line("api", null, api.Address.ToString(), null);
        await Task.WhenAll(TellLinksAsync(node, tell, cancellationToken), TellApiAsync(api, tell, cancellationToken)).ConfigureAwait(false);
        return Tool.Done;
    }

    private static async Task TellLinksAsync(StarlingNode node, Teller tell, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var happened in node.EventsAsync(cancellationToken).ConfigureAwait(false))
            {
                switch (happened)
                {
                    case NodeEvent.Listening listening:
                        tell.Line("listening", node.PeerId, listening.Address.ToString(), null);
                        break;
                    case NodeEvent.Connected connected:
                        tell.Line("connected", connected.Link.Peer, connected.Link.Connection.RemoteAddress?.ToString(), null);
                        break;
                    case NodeEvent.Disconnected gone:
                        tell.Line("disconnected", gone.Link.Peer, gone.Link.Connection.RemoteAddress?.ToString(), gone.Why.Reason.ToString());
                        break;
                    default:
                        break;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            tell.Dropped(node.DroppedEvents);
        }
    }

    private static async Task TellApiAsync(GossipApi api, Teller tell, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var happened in api.EventsAsync(cancellationToken).ConfigureAwait(false)) tell.Api(happened);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            tell.Dropped(api.DroppedEvents);
        }
    }

    /// <summary>Prints events: as JSON on standard output, or for people on standard error.</summary>
    private sealed class Teller(Output output, bool json)
    {
        public void Line(string name, PeerId? peer, string? address, string? reason) =>
            Print(name, ("peer", peer?.ToString()), ("address", address), ("reason", reason));

        public void Api(GossipEvent happened)
        {
            switch (happened)
            {
                case GossipEvent.ClientConnected one:
                    Print("client-connected", ("client", one.Client), ("address", one.Address?.ToString()));
                    break;
                case GossipEvent.ClientClosed one:
                    Print("client-closed", ("client", one.Client), ("reason", one.Reason.ToString()), ("lost", one.LostNotifications));
                    break;
                case GossipEvent.Registered one:
                    Print("registered", ("client", one.Client), ("type", one.DataType));
                    break;
                case GossipEvent.Announced one:
                    Print("announced", ("client", one.Client), ("type", one.DataType), ("bytes", one.Bytes), ("outcome", one.Outcome.ToString()), ("status", one.Status?.ToString()), ("neighbours", one.Neighbours));
                    break;
                case GossipEvent.Judged one:
                    Print("judged", ("origin", one.Origin.ToString()), ("type", one.DataType), ("bytes", one.Bytes), ("outcome", one.Outcome.ToString()));
                    break;
                default:
                    break;
            }
        }

        public void Dropped(long count)
        {
            if (count > 0) output.Note($"{count} events were dropped because nobody read them");
        }

        private void Print(string name, params ReadOnlySpan<(string Name, object? Value)> fields)
        {
            if (!json)
            {
                var text = name;
                foreach (var (field, value) in fields)
                {
                    if (value is not null && !(name == "listening" && field == "peer")) text += field is "peer" or "address" or "reason" ? $" {value}" : $" {field} {value}";
                }

                output.Note(text);
                return;
            }

            (string Name, object? Value)[] all = [("event", name), .. fields];
            output.Json(line => Array.ForEach(all, field => Write(line, field.Name, field.Value)));
        }

        private static void Write(Utf8JsonWriter line, string name, object? value)
        {
            if (value is string text) line.WriteString(name, text);
            else if (value is null) line.WriteNull(name);
            else line.WriteNumber(name, Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
