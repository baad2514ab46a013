using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Starling.Cli.Verbs;

/// <summary>Shows the topics of a running node.</summary>
internal sealed class TopicsVerb : Verb
{
    private readonly AdminOptions _admin = new();
    private readonly Option<bool> _json = Common.Json("each topic");

    public TopicsVerb(Output output)
        : base(
            "topics",
            "Show the topics of a running node: who follows them, the mesh with its scores, rates and drops.",
            """
            starling topics --identity ~/.starling.key
            starling topics --admin /tmp/a.sock --json
            """,
            output)
    {
        _admin.AddTo(this);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var path = await _admin.FindAsync(arguments, cancellationToken).ConfigureAwait(false);
        var topics = await AdminClient.CallAsync(path, "topics", null, cancellationToken).ConfigureAwait(false);
        if (arguments.GetValue(_json))
        {
            foreach (var topic in topics.EnumerateArray())
            {
                Output.Json(json =>
                {
                    foreach (var property in topic.EnumerateObject()) property.WriteTo(json);
                });
            }

            return Tool.Done;
        }

        foreach (var line in Lines(topics)) Output.Line(line);
        return Tool.Done;
    }

    /// <summary>A line for each topic, and below it one for each neighbour in its mesh.</summary>
    private static IEnumerable<string> Lines(JsonElement topics)
    {
        string[] heads = ["TOPIC", "KIND", "FOLLOWED", "FOLLOWERS", "MESH", "IN/s", "OUT/s", "IN", "OUT", "DROPPED"];
        List<(string[] Cells, JsonElement Topic)> rows = [];
        foreach (var topic in topics.EnumerateArray())
        {
            rows.Add(([
                Safe(topic.GetProperty("topic").GetString()!), topic.GetProperty("kind").GetString()!, topic.GetProperty("followed").GetBoolean() ? "yes" : "no",
                Whole(topic.GetProperty("followers").GetArrayLength()), Whole(topic.GetProperty("mesh").GetArrayLength()),
                Rate(topic, "receivedPerSecond"), Rate(topic, "sentPerSecond"),
                Whole(topic.GetProperty("received").GetInt64()), Whole(topic.GetProperty("sent").GetInt64()), Whole(topic.GetProperty("dropped").GetInt64()),
            ], topic));
        }

        var widths = heads.Select((head, column) => rows.Select(row => row.Cells[column].Length).Append(head.Length).Max()).ToList();
        yield return Line(heads, widths);
        foreach (var (cells, topic) in rows)
        {
            yield return Line(cells, widths);
            foreach (var peer in topic.GetProperty("mesh").EnumerateArray())
            {
                yield return $"  mesh {peer.GetProperty("peer").GetString()}  score {peer.GetProperty("score").GetDouble().ToString("0.###", CultureInfo.InvariantCulture)}";
            }
        }
    }

    private static string Line(IEnumerable<string> cells, IReadOnlyList<int> widths) => string.Join("  ", cells.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd();

    /// <summary>A name that a peer may have chosen, without anything that a terminal would obey.</summary>
    private static string Safe(string name) => string.Concat(name.Where(letter => !char.IsControl(letter)));

    private static string Whole(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Rate(JsonElement topic, string name) => topic.GetProperty(name).GetDouble().ToString("0.0", CultureInfo.InvariantCulture);
}
