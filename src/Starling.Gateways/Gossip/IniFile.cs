namespace Starling.Gateways.Gossip;

/// <summary>A line <c>key = value</c> of an INI file.</summary>
/// <param name="Section">The section, as it was written; empty above the first one.</param>
/// <param name="Key">The key, as it was written.</param>
/// <param name="Value">The value, without quotes and comment.</param>
/// <param name="Line">Its line, from 1.</param>
public sealed record IniEntry(string Section, string Key, string Value, int Line);

/// <summary>Reads INI text the way the field writes it: sections and keys in any case, <c>=</c> or <c>:</c>, comments after <c>;</c> or <c>#</c> on a line of their own or behind a blank,
/// values in quotes, a byte order mark, any line ends.</summary>
public static class IniFile
{
    /// <summary>The longest text that is read, in characters.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>Reads all entries, in the order of the file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">What the text is called in errors.</param>
    /// <exception cref="FormatException">A line is neither a section, an entry, a comment nor empty; the message names it.</exception>
    public static IReadOnlyList<IniEntry> Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > MaxLength) throw new FormatException($"{name}: it has {text.Length} characters, more than the {MaxLength} that a configuration may have; name the right file.");
        List<IniEntry> entries = [];
        var section = "";
        var number = 0;
        foreach (var raw in text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n'))
        {
            number++;
            var line = raw.AsSpan().Trim();
            if (line.IsEmpty || line[0] is ';' or '#') continue;
            if (line[0] == '[') section = SectionOf(line, name, number);
            else entries.Add(EntryOf(line, section, name, number));
        }

        return entries;
    }

    private static string SectionOf(ReadOnlySpan<char> line, string name, int number)
    {
        var end = line.IndexOf(']');
        if (end < 0) throw Wrong(name, number, "a section ends with ']', as in [gossip]");
        var rest = line[(end + 1)..].TrimStart();
        if (!rest.IsEmpty && rest[0] is not (';' or '#')) throw Wrong(name, number, "nothing but a comment follows a section; put the key on a line of its own");
        return line[1..end].Trim().ToString();
    }

    private static IniEntry EntryOf(ReadOnlySpan<char> line, string section, string name, int number)
    {
        var at = line.IndexOfAny('=', ':');
        if (at <= 0) throw Wrong(name, number, "this is no key with a value; write it like 'degree = 30', or begin a comment with ';'");
        return new IniEntry(section, line[..at].TrimEnd().ToString(), ValueOf(line[(at + 1)..].TrimStart(), name, number), number);
    }

    private static string ValueOf(ReadOnlySpan<char> value, string name, int number)
    {
        if (value is ['"' or '\'', ..])
        {
            var end = value[1..].IndexOf(value[0]);
            if (end < 0) throw Wrong(name, number, $"the value begins with {value[0]} and does not end with it; add the other one");
            var rest = value[(end + 2)..].TrimStart();
            if (!rest.IsEmpty && rest[0] is not (';' or '#')) throw Wrong(name, number, "nothing but a comment follows a value in quotes");
            return value[1..(end + 1)].ToString();
        }

        // A mark within a word belongs to the value; behind a blank, or at the very beginning, it begins a comment.
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] is ';' or '#' && (i == 0 || char.IsWhiteSpace(value[i - 1]))) return value[..i].TrimEnd().ToString();
        }

        return value.TrimEnd().ToString();
    }

    private static FormatException Wrong(string name, int number, string why) => new($"{name}:{number}: {why}");
}
