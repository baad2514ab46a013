using System.Globalization;
using System.Text;
using Starling.Net.PubSub;

namespace Starling.Cli.Verbs;

/// <summary>Writes messages to standard output: their bytes and a line feed, or an object a line.</summary>
internal sealed class MessagePrinter(Output output, bool json)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public void Print(TopicMessage message)
    {
        if (!json)
        {
            output.Data(message.Data.Span);
            return;
        }

        output.Json(line =>
        {
            line.WriteString("topic", message.Topic);
            line.WriteString("kind", message.Kind switch { TopicKind.Plain => "plain", TopicKind.Link => "link", _ => "stream" });
            line.WriteString("origin", message.Origin.ToString());
            line.WriteNumber("epoch", message.Epoch);
            line.WriteNumber("counter", message.SequenceNumber);
            line.WriteNumber("missed", message.Missed);
            line.WriteBoolean("replayed", message.IsReplayed);
            line.WriteBoolean("redelivered", message.IsRedelivered);
            if (message.PublishedAt is { } at) line.WriteString("publishedAt", at.ToString("O", CultureInfo.InvariantCulture));
            if (Text(message.Data.Span) is { } text) line.WriteString("text", text);
            else line.WriteBase64String("base64", message.Data.Span);
        });
    }

    public void Flush() => output.Flush();

    /// <summary>The payload as text; null when it is none.</summary>
    private static string? Text(ReadOnlySpan<byte> data)
    {
        try
        {
            return Strict.GetString(data);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
