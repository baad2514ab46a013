using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Starling.Cli.Verbs;

/// <summary>Shows whom a running node is linked to.</summary>
internal sealed class PeersVerb : Verb
{
    private readonly AdminOptions _admin = new();
    private readonly Option<bool> _json = Common.Json("each link");

    public PeersVerb(Output output)
        : base("peers", "Show whom a running node is linked to, why, and how the links are.", "starling peers --identity ~/.starling.key", output)
    {
        _admin.AddTo(this);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var path = await _admin.FindAsync(arguments, cancellationToken).ConfigureAwait(false);
        var peers = await AdminClient.CallAsync(path, "peers", null, cancellationToken).ConfigureAwait(false);
        if (arguments.GetValue(_json))
        {
            foreach (var peer in peers.EnumerateArray())
            {
                Output.Json(json =>
                {
                    foreach (var property in peer.EnumerateObject()) property.WriteTo(json);
                });
            }

            return Tool.Done;
        }

        foreach (var line in Lines(peers)) Output.Line(line);
        return Tool.Done;
    }

    /// <summary>A line for each link, in columns as wide as their widest value.</summary>
    private static IEnumerable<string> Lines(JsonElement peers)
    {
        string[] heads = ["PEER", "NAME", "ADDRESS", "DIR", "KIND", "PRIORITY", "WHY", "RTT ms", "JITTER", "AGE", "IN", "OUT"];
        var rows = new List<string[]> { heads };
        foreach (var peer in peers.EnumerateArray())
        {
            rows.Add([
                Text(peer, "peer"), Text(peer, "name"), Text(peer, "address"), Text(peer, "direction"), Text(peer, "kind"), Text(peer, "priority"),
                Text(peer, "why"), Number(peer, "rttMs"), Number(peer, "jitterMs"), Age(peer), Bytes(peer, "bytesIn"), Bytes(peer, "bytesOut"),
            ]);
        }

        var widths = heads.Select((_, column) => rows.Max(row => row[column].Length)).ToList();
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    /// <summary>Text that a peer may have chosen, without anything that a terminal would obey.</summary>
    private static string Text(JsonElement peer, string name) =>
        peer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? string.Concat(value.GetString()!.Where(letter => !char.IsControl(letter))) : "-";

    private static string Number(JsonElement peer, string name) =>
        peer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble().ToString("0.00", CultureInfo.InvariantCulture) : "-";

    private static string Age(JsonElement peer) => TimeSpan.FromSeconds(Math.Floor(peer.GetProperty("ageSeconds").GetDouble())).ToString("c", CultureInfo.InvariantCulture);

    private static string Bytes(JsonElement peer, string name) => peer.GetProperty(name).GetInt64() switch
    {
        >= 10L << 30 and var count => $"{count >> 30}G",
        >= 10L << 20 and var count => $"{count >> 20}M",
        >= 10L << 10 and var count => $"{count >> 10}K",
        var count => count.ToString(CultureInfo.InvariantCulture),
    };
}
