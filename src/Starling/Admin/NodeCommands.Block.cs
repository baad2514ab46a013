using System.Globalization;
using System.Text.Json;
using Starling.Protocols.Links;

namespace Starling;

/// <content>The blocklist.</content>
internal sealed partial class NodeCommands
{
    private async ValueTask AddBlockAsync(JsonElement arguments, Utf8JsonWriter output, CancellationToken cancellationToken)
    {
        var note = arguments.TryGetProperty("note", out var text) ? text.GetString() ?? "" : "";
        WriteEntry(await node.BlockAsync(Subject(arguments), Duration(arguments), note, cancellationToken), output);
    }

    private async ValueTask RemoveBlockAsync(JsonElement arguments, Utf8JsonWriter output, CancellationToken cancellationToken) =>
        output.WriteBooleanValue(await node.UnblockAsync(Subject(arguments), cancellationToken));

    private ValueTask WriteBlocks(JsonElement arguments, Utf8JsonWriter output, CancellationToken cancellationToken)
    {
        output.WriteStartArray();
        foreach (var entry in node.Restrictions.Blocked) WriteEntry(entry, output);
        output.WriteEndArray();
        return ValueTask.CompletedTask;
    }

    private static string Subject(JsonElement arguments) => arguments.TryGetProperty("subject", out var subject) && subject.ValueKind == JsonValueKind.String
        ? subject.GetString()!
        : throw new StarlingException("the request lacks its subject: a peer id, an IP address or a range");

    private static TimeSpan? Duration(JsonElement arguments)
    {
        if (!arguments.TryGetProperty("seconds", out var seconds) || seconds.ValueKind == JsonValueKind.Null) return null;
        if (seconds.ValueKind != JsonValueKind.Number || seconds.GetDouble() is not (> 0 and var value)) throw new StarlingException("seconds is a number above zero; leave it out to block for ever");
        return value < TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(value) : TimeSpan.MaxValue;
    }

    private static void WriteEntry(BlockEntry entry, Utf8JsonWriter output)
    {
        output.WriteStartObject();
        output.WriteString("subject", entry.Subject.ToString());
        output.WriteString("added", entry.Added.ToString("O", CultureInfo.InvariantCulture));
        output.WriteString("expires", entry.Expires?.ToString("O", CultureInfo.InvariantCulture));
        output.WriteString("note", entry.Note);
        output.WriteEndObject();
    }
}
