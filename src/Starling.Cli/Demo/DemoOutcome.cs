using System.Globalization;
using System.Text.Json;

namespace Starling.Cli.Demo;

/// <summary>How a demo ended.</summary>
/// <param name="Nodes">Nodes that took part.</param>
/// <param name="File">The file that was streamed.</param>
/// <param name="Passes">How often it was streamed.</param>
/// <param name="Sent">What the publisher sent.</param>
/// <param name="Subscribers">What each subscriber received.</param>
/// <param name="Discovery">From the first node's start until every node was linked with every other.</param>
/// <param name="Streaming">From the first line sent until the last subscriber had the last line.</param>
internal sealed record DemoOutcome(
    int Nodes, DemoFile File, long Passes, DemoStream Sent, IReadOnlyList<DemoReceipt> Subscribers, TimeSpan Discovery, TimeSpan Streaming)
{
    public bool Identical => Subscribers.All(IsIdentical);

    public void Print(Output output)
    {
        foreach (var one in Subscribers)
            output.Line(Invariant($"{one.Name} {one.Peer} {(IsIdentical(one) ? "identical" : "DIFFERENT")} {one.Stream.Messages} lines, SHA-256 {one.Stream.Sha256}"));
        var same = Subscribers.Count(IsIdentical);
        output.Line(Invariant($"{same} of {Subscribers.Count} subscribers got the identical bytes: {Sent.Messages} lines, {Sent.Bytes} bytes, SHA-256 {Sent.Sha256}"));
        output.Line(Invariant($"{Nodes} nodes found each other in {Discovery.TotalSeconds:0.00} s; streaming took {Streaming.TotalSeconds:0.00} s, {Rate:0} lines/s to each"));
    }

    public void PrintJson(Output output) => output.Json(json =>
    {
        json.WriteNumber("nodes", Nodes);
        json.WriteString("file", File.Path);
        json.WriteNumber("passes", Passes);
        Write(json, Sent);
        json.WriteBoolean("identical", Identical);
        json.WriteNumber("discoverySeconds", Math.Round(Discovery.TotalSeconds, 6));
        json.WriteNumber("seconds", Math.Round(Streaming.TotalSeconds, 6));
        json.WriteNumber("linesPerSecond", Math.Round(Rate, 1));
        json.WriteStartArray("subscribers");
        foreach (var one in Subscribers)
        {
            json.WriteStartObject();
            json.WriteString("name", one.Name);
            json.WriteString("peer", one.Peer.ToString());
            Write(json, one.Stream);
            json.WriteBoolean("identical", IsIdentical(one));
            if (one.MedianLatency is { } latency) json.WriteNumber("latencyMilliseconds", Math.Round(latency.TotalMilliseconds, 3));
            else json.WriteNull("latencyMilliseconds");
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private double Rate => Streaming > TimeSpan.Zero ? Sent.Messages / Streaming.TotalSeconds : 0;

    private bool IsIdentical(DemoReceipt receipt) => receipt.Stream == Sent;

    private static void Write(Utf8JsonWriter json, DemoStream stream)
    {
        json.WriteNumber("lines", stream.Messages);
        json.WriteNumber("bytes", stream.Bytes);
        json.WriteString("sha256", stream.Sha256);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A sequence of messages, told by count, length and the SHA-256 of their bytes in order.</summary>
internal readonly record struct DemoStream(long Messages, long Bytes, string Sha256);

/// <summary>What one subscriber received.</summary>
internal sealed record DemoReceipt(string Name, PeerId Peer, DemoStream Stream, TimeSpan? MedianLatency);
