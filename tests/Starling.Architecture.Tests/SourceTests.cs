using System.Text.RegularExpressions;

namespace Starling.Architecture.Tests;

/// <summary>What holds for every file of the checkout.</summary>
public sealed partial class SourceTests
{
    private const int MaxLines = 400;

    [Fact]
    public void One_file_holds_one_thought()
    {
        var tooLong = Repository.Files("src", "*.cs")
            .Select(path => (Path: path, Lines: File.ReadLines(Repository.PathOf(path)).Count()))
            .Where(file => file.Lines > MaxLines);

        Assert.Empty(tooLong);
    }

    [Fact]
    public void No_file_names_a_machine_path_or_a_package_host()
    {
        var named = from path in Repository.Files()
                    let text = TextOf(path)
                    where text is not null
                    from Match match in MachinePath().Matches(text).Concat(PackageHost().Matches(text))
                    select $"{path}: {match.Value}";

        Assert.Empty(named);
    }

    [Fact]
    public void No_product_file_swallows_an_exception_without_a_word() =>
        Assert.Empty(from path in Repository.Files("src", "*.cs")
                     from Match match in EmptyCatch().Matches(Repository.Read(path))
                     select $"{path}: {match.Value.ReplaceLineEndings(" ")}");

    [Fact]
    public void Nothing_is_left_to_do_in_a_comment() =>
        Assert.Empty(from path in Repository.Files("src", "*.cs")
                     from Match match in Unfinished().Matches(Repository.Read(path))
                     select $"{path}: {match.Value}");

    private static string? TextOf(string path)
    {
        var bytes = File.ReadAllBytes(Repository.PathOf(path));
        return bytes.AsSpan(0, Math.Min(bytes.Length, 4096)).Contains((byte)0) ? null : System.Text.Encoding.UTF8.GetString(bytes);
    }

    [GeneratedRegex(@"(?<![\w.~])/(home|root|work|Users|mnt)/[\w.-]+|\b[A-Z]:\\Users\\\w+")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"https?://[\w.-]*(nuget|npm|registry|artifactory|proxy|mirror)[\w.-]*", RegexOptions.IgnoreCase)]
    private static partial Regex PackageHost();

    [GeneratedRegex(@"catch(\s*\([^)]*\))?\s*(when\s*\([^{]*\))?\s*\{\s*\}")]
    private static partial Regex EmptyCatch();

    [GeneratedRegex(@"\b(TODO|FIXME|XXX|HACK)\b|new NotImplementedException")]
    private static partial Regex Unfinished();
}
