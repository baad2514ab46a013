using System.Reflection;

namespace Starling.Architecture.Tests;

/// <summary>The public surface changes only on purpose: each library's is kept as text beside this test.</summary>
public sealed class PublicApiTests
{
    private const string Accept = "STARLING_ACCEPT_API";

    public static TheoryData<string> Libraries => [.. Repository.ProductProjects.Where(name => name != "Starling.Cli")];

    [Theory, MemberData(nameof(Libraries))]
    public void The_public_surface_is_the_recorded_one(string project)
    {
        var received = PublicApi.Describe(Assembly.LoadFrom(Repository.AssemblyPath(project)));
        var recorded = Repository.PathOf($"tests/Starling.Architecture.Tests/api/{project}.txt");
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(recorded)!);
            File.WriteAllText(recorded, received);
        }

        var expected = File.Exists(recorded) ? File.ReadAllText(recorded).ReplaceLineEndings("\n") : "";
        if (received == expected) return;
        var output = Path.Combine(AppContext.BaseDirectory, $"{project}.received.txt");
        File.WriteAllText(output, received);
        var gone = expected.Split('\n').Except(received.Split('\n')).Select(line => $"- {line}");
        var added = received.Split('\n').Except(expected.Split('\n')).Select(line => $"+ {line}");
        Assert.Fail($"""
            The public surface of {project} is not the recorded one. Where the change is meant, record it:
              {Accept}=1 dotnet test tests/Starling.Architecture.Tests
            Whole text: {Path.GetFileName(output)} in the test's output folder. Differences:
            {string.Join('\n', gone.Concat(added).Take(60))}
            """);
    }
}
