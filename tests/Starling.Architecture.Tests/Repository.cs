using System.Xml.Linq;

namespace Starling.Architecture.Tests;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] NotSource = ["bin", "obj", ".git", "node_modules", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts"];

    public static string Root { get; } = FindRoot();

    public static string PathOf(string relative) => Path.Combine(Root, relative);

    public static string Read(string relative) => File.ReadAllText(PathOf(relative)).ReplaceLineEndings("\n");

    /// <summary>Every source file below a folder, relative to the root, with forward slashes.</summary>
    public static IEnumerable<string> Files(string folder = "", string pattern = "*") =>
        Walk(Path.Combine(Root, folder), pattern).Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/')).Order(StringComparer.Ordinal);

    /// <summary>The product projects by name, such as Starling.Core.</summary>
    public static IReadOnlyList<string> ProductProjects { get; } =
        [.. Directory.GetFiles(PathOf("src"), "*.csproj", SearchOption.AllDirectories).Select(Path.GetFileNameWithoutExtension).OfType<string>().Order(StringComparer.Ordinal)];

    public static XDocument Project(string name) => XDocument.Load(PathOf($"src/{name}/{name}.csproj"));

    /// <summary>The compiled assembly of a product project, next to this test's own.</summary>
    public static string AssemblyPath(string project)
    {
        var name = Project(project).Descendants("AssemblyName").SingleOrDefault()?.Value ?? project;
        return Path.Combine(AppContext.BaseDirectory, name + ".dll");
    }

    private static IEnumerable<string> Walk(string folder, string pattern)
    {
        if (!Directory.Exists(folder)) return [];
        var here = Directory.EnumerateFiles(folder, pattern).Where(IsSource);
        return here.Concat(Directory.EnumerateDirectories(folder).Where(IsSource).SelectMany(path => Walk(path, pattern)));
    }

    private static bool IsSource(string path) => !NotSource.Contains(Path.GetFileName(path));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Starling.slnx"))) return folder.FullName;
        throw new InvalidOperationException($"No Starling.slnx above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }
}
