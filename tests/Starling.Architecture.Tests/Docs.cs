using System.Text.RegularExpressions;

namespace Starling.Architecture.Tests;

/// <summary>The documents of the checkout, and what in them can be checked against the code.</summary>
internal static partial class Docs
{
    public static IReadOnlyList<string> All { get; } = ["README.md", .. Repository.Files("docs", "*.md")];

    /// <summary>The fenced blocks of a language, each with the document that it is in.</summary>
    public static IEnumerable<(string Path, string Code)> Blocks(string language) =>
        from path in All
        from Match match in Fence().Matches(Repository.Read(path))
        where match.Groups["language"].Value == language
        select (path, match.Groups["code"].Value);

    /// <summary>Every `span of code` outside the fenced blocks of a document.</summary>
    public static IEnumerable<string> Spans(string path) =>
        Span().Matches(Fence().Replace(Repository.Read(path), "")).Select(match => match.Groups[1].Value);

    /// <summary>Without indentation and blank lines, so that a region of a method compares with a document's block.</summary>
    public static string Flat(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    [GeneratedRegex(@"^```(?<language>\w*)\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"`([^`\n]+)`")]
    private static partial Regex Span();
}
