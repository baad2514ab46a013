namespace Starling.Architecture.Tests;

/// <summary>Dependencies point one way: Core, Protocols, Net, the façade, the tool.</summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Starling.Core"] = [],
        ["Starling.Protocols"] = ["Starling.Core"],
        ["Starling.Simulation"] = ["Starling.Core", "Starling.Protocols"],
        ["Starling.Net"] = ["Starling.Core", "Starling.Protocols"],
        ["Starling"] = ["Starling.Core", "Starling.Protocols", "Starling.Net"],
        ["Starling.Gateways"] = ["Starling.Core", "Starling.Protocols", "Starling.Net", "Starling"],
        ["Starling.Web"] = ["Starling.Core", "Starling.Protocols", "Starling.Net", "Starling"],
        ["Starling.Cli"] = ["Starling.Core", "Starling.Protocols", "Starling.Net", "Starling", "Starling.Gateways", "Starling.Web", "Starling.Simulation"],
    };

    public static TheoryData<string> Projects => [.. Repository.ProductProjects];

    [Theory, MemberData(nameof(Projects))]
    public void A_project_refers_only_to_projects_below_it(string project)
    {
        Assert.True(Allowed.ContainsKey(project), $"{project} is not in the table of layers: say here what it may use.");
        var references = Repository.Project(project).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))
            .Where(name => !name.StartsWith("Starling.Bench", StringComparison.Ordinal));

        Assert.Empty(references.Except(Allowed[project]));
    }

    [Theory, MemberData(nameof(Projects))]
    public void A_compiled_assembly_refers_only_to_assemblies_below_it(string project)
    {
        var allowed = Allowed[project].Select(name => Path.GetFileNameWithoutExtension(Repository.AssemblyPath(name)));
        var references = AssemblyFacts.Of(project).Assemblies
            .Where(name => name.StartsWith("Starling.", StringComparison.Ordinal) && name != "Starling.Bench");

        Assert.Empty(references.Except(allowed));
    }

    [Theory, MemberData(nameof(Projects))]
    public void Internals_are_shown_to_tests_only(string project) =>
        Assert.All(AssemblyFacts.Of(project).Friends, friend => Assert.True(
            friend.EndsWith(".Tests", StringComparison.Ordinal) || friend == "Starling.Bench", $"{project} shows its internals to {friend}"));

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Repository.Read("Starling.slnx");
        Assert.All(Repository.Files(pattern: "*.csproj"), path => Assert.Contains($"\"{path}\"", solution));
    }
}
