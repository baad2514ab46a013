using System.Reflection;
using System.Text.RegularExpressions;

namespace Starling.Architecture.Tests;

/// <summary>What the documents say is so: their programs compile, the tests and members that they name exist.</summary>
public sealed partial class DocsTests
{
    public static TheoryData<string> Paths => [.. Docs.All];

    private static readonly Lazy<string> TestSources = new(() => string.Concat(Repository.Files("tests", "*.cs").Select(Repository.Read)));

    [Fact]
    public void Every_program_in_the_documents_is_part_of_a_project_that_compiles()
    {
        var compiled = Repository.Files("samples", "*.cs").Concat(Repository.Files("tests", "*.cs")).Select(path => Docs.Flat(Repository.Read(path))).ToList();

        Assert.All(Docs.Blocks("csharp"), block => Assert.True(
            compiled.Exists(source => source.Contains(Docs.Flat(block.Code), StringComparison.Ordinal)),
            $"This block of {block.Path} is in no file of samples or tests:\n{block.Code}"));
        Assert.Contains(Docs.Blocks("csharp"), block => block.Path == "README.md");
    }

    [Theory, MemberData(nameof(Paths))]
    public void Every_test_that_a_document_names_exists(string path) =>
        Assert.All(Docs.Spans(path).Where(span => Sentence().IsMatch(span)), test => Assert.Contains($" {test}(", TestSources.Value));

    [Theory, MemberData(nameof(Paths))]
    public void Every_file_that_a_document_links_to_exists(string path)
    {
        var folder = Path.GetDirectoryName(Repository.PathOf(path))!;
        Assert.All(
            Link().Matches(Repository.Read(path)).Select(match => match.Groups[1].Value),
            target => Assert.True(Path.Exists(Path.Combine(folder, target)), $"{path} links to {target}"));
    }

    [Fact]
    public void Every_row_of_the_parity_table_names_members_and_a_test_that_exist()
    {
        var rows = Repository.Read("docs/parity.md").Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).ToList();
        var members = rows.Where(row => !row.StartsWith("| member |", StringComparison.Ordinal)).Select(row => row.Split('|', StringSplitOptions.TrimEntries)).ToList();

        Assert.NotEmpty(members);
        Assert.All(members, cells =>
        {
            var named = CodeSpan().Matches(cells[2]).Select(match => match.Groups[1].Value).ToList();
            Assert.NotEmpty(named);
            Assert.All(named, member => Assert.True(Exists(member), $"{cells[1]}: there is no public {member}"));
            Assert.Matches(Sentence(), cells[3].Trim('`'));
        });
    }

    /// <summary>Whether a public type, or Type.Member of one, exists in a library.</summary>
    private static bool Exists(string name)
    {
        var types = Repository.ProductProjects.Where(project => project != "Starling.Cli")
            .SelectMany(project => Assembly.LoadFrom(Repository.AssemblyPath(project)).GetExportedTypes()).ToList();
        var parts = name.Split('.');
        return types.Exists(type => type.Name.Split('`')[0] == parts[0] && (parts.Length == 1 || type.GetMember(parts[1]).Length > 0));
    }

    [GeneratedRegex(@"^[A-Z]\w*?(_[a-z]\w*){2,}$")]
    private static partial Regex Sentence();

    [GeneratedRegex(@"\]\((?!https?://)([^)#]+)[^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`([^`]+)`")]
    private static partial Regex CodeSpan();
}
