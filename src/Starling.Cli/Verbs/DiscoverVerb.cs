using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Starling.Net.Discovery;

namespace Starling.Cli.Verbs;

/// <summary>Looks who is there, without a node: nobody is dialled and nothing is announced.</summary>
internal sealed class DiscoverVerb : Verb
{
    private readonly Option<string[]> _providers = new("--provider")
    {
        Description = "Way to look for peers, such as mdns or ssdp. May be given several times. Default mdns.",
        HelpName = "NAME",
        DefaultValueFactory = _ => ["mdns"],
    };

    private readonly Option<TimeSpan?> _timeout = Common.Seconds("--timeout", "How long to look. Default 5 seconds.");
    private readonly Option<int?> _limit = Common.Whole("--limit", "N", "End as soon as so many are found. Default no limit.", 1, 1_000_000);
    private readonly Option<IPAddress[]> _interfaces = Common.Interfaces();
    private readonly Option<int?> _port = Common.Whole("--port", "PORT", "UDP port, where the network uses another than 5353 (mdns) or 1900 (ssdp).", 1, 65535);
    private readonly Option<bool> _json = Common.Json("each peer");

    public DiscoverVerb(Output output)
        : base("discover", "Look for peers on the local network, without linking to any.", "starling discover --provider ssdp --timeout 3 --json", output)
    {
        Add(_providers);
        Add(_timeout);
        Add(_limit);
        Add(_interfaces);
        Add(_port);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var json = arguments.GetValue(_json);
        var names = arguments.GetRequiredValue(_providers).Distinct().ToList();
        var search = new DiscoverySearch { Timeout = arguments.GetValue(_timeout) ?? TimeSpan.FromSeconds(5), Limit = arguments.GetValue(_limit) ?? int.MaxValue };
        var options = new DiscoveryOptions { Interfaces = [.. arguments.GetRequiredValue(_interfaces).Select(one => one.ToString())], Beacon = false };
        if (arguments.GetValue(_port) is { } port) (options.Mdns.Port, options.Ssdp.Port) = (port, port);

        using var identity = NodeIdentity.Generate();
        using var metrics = new DiscoveryMetrics();
        await using var discovery = new DiscoverySet(new DiscoveryRegistry(), new DiscoveryContext(identity.PeerId, options) { Metrics = metrics }, names);
        await discovery.StartAsync(cancellationToken).ConfigureAwait(false);
        var found = 0;
        await foreach (var peer in discovery.FindAsync(search, cancellationToken).ConfigureAwait(false))
        {
            found++;
            if (json) Output.Json(line => Write(line, peer));
            else Output.Line($"{peer.Peer?.ToString() ?? "(nameless)"} {string.Join(' ', peer.Addresses)} ({peer.Source})");
        }

        return found > 0 ? Tool.Done : Output.Fail(string.Create(CultureInfo.InvariantCulture, $"nobody was found by {string.Join(" or ", names)} within {search.Timeout.TotalSeconds:0.###} s"));
    }

    private static void Write(Utf8JsonWriter json, DiscoveredPeer peer)
    {
        json.WriteString("peer", peer.Peer?.ToString());
        json.WriteString("source", peer.Source);
        json.WriteStartArray("addresses");
        foreach (var address in peer.Addresses) json.WriteStringValue((peer.Peer is { } id ? address.WithPeerId(id) : address).ToString());
        json.WriteEndArray();
    }
}
