using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Starling.Cli;

/// <summary>Options as a configuration file that can be read back: JSON with each option's meaning as a comment above it.</summary>
internal static class ConfigText
{
    private const int Width = 140;

    public static string Of(StarlingOptions options)
    {
        var text = new StringBuilder("{\n");
        var all = StarlingConfiguration.Describe(options).ToList();
        for (var i = 0; i < all.Count; i++)
        {
            var depth = Depth(all[i]);
            Comment(text, all[i].Meaning, depth);
            Indent(text, depth).Append(JsonSerializer.Serialize(all[i].Path.Split(':')[^1])).Append(": ");
            if (all[i].IsPart) text.Append("{\n");
            else text.Append(Value(all[i]));

            // A part that ends here is closed, and so are those around it that end with it.
            var next = i + 1 < all.Count ? Depth(all[i + 1]) : 0;
            if (all[i].IsPart && next > depth) continue;
            if (all[i].IsPart) Indent(text, depth).Append('}');
            for (var open = depth - 1; open >= next && open >= 0 && next < depth; open--) Indent(text.Append('\n'), open).Append('}');
            text.Append(i + 1 < all.Count ? ",\n" : "\n");
        }

        return text.Append('}').ToString();
    }

    private static int Depth(OptionDescription option) => option.Path.Count(letter => letter == ':');

    private static string Value(OptionDescription option)
    {
        if (option.IsList) return $"[{string.Join(", ", option.Values!.Select(Scalar))}]";
        return option.Values is [var single] ? Scalar(single) : "null";
    }

    private static string Scalar(string value) =>
        value is "true" or "false" || double.TryParse(value, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _)
            ? value
            : JsonSerializer.Serialize(value, Plain);

    private static JsonSerializerOptions Plain { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static void Comment(StringBuilder text, string meaning, int depth)
    {
        var line = 0;
        foreach (var word in meaning.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line == 0 || line + word.Length >= Width)
            {
                if (line > 0) text.Append('\n');
                Indent(text, depth).Append("//");
                line = (depth * 2) + 4;
            }

            text.Append(' ').Append(word);
            line += word.Length + 1;
        }

        if (line > 0) text.Append('\n');
    }

    private static StringBuilder Indent(StringBuilder text, int depth) => text.Append(' ', (depth + 1) * 2);
}
