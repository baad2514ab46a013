using System.Diagnostics;
using System.Text.Json;

namespace Starling.Architecture.Tests;

/// <summary>A core decides and never acts: what it must not touch is absent from its compiled code, and banned by its build.</summary>
public sealed class CorePurityTests
{
    public static TheoryData<string> Projects => [.. Repository.ProductProjects];

    [Fact]
    public void Cores_use_no_task_thread_socket_clock_or_logger()
    {
        var banned = Repository.Read("src/Starling.Protocols/BannedSymbols.Cores.txt").Split('\n')
            .Where(line => line.Length > 2).Select(line => (Kind: line[0], Name: line[2..line.IndexOf(';')])).ToList();
        Assert.Contains(('T', "System.Threading.Tasks.Task"), banned);
        Assert.Contains(('T', "System.TimeProvider"), banned);
        Assert.Contains(('N', "System.Net.Sockets"), banned);

        Assert.DoesNotContain(AssemblyFacts.Of("Starling.Protocols").Types, type => banned.Exists(ban => Matches(ban, type)));
    }

    [Fact]
    public void Core_contracts_know_no_sockets() =>
        Assert.DoesNotContain(AssemblyFacts.Of("Starling.Core").Types, type => Matches(('N', "System.Net.Sockets"), type));

    [Theory, MemberData(nameof(Projects))]
    public async Task The_build_bans_ambient_time_and_randomness(string project)
    {
        using var query = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                "msbuild", Repository.PathOf($"src/{project}/{project}.csproj"), "-nologo", "-nodeReuse:false",
                "-getItem:AdditionalFiles", "-getItem:PackageReference", "-getProperty:NoWarn", "-getProperty:TreatWarningsAsErrors",
            },
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        using var answer = JsonDocument.Parse(await query.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        await query.WaitForExitAsync(TestContext.Current.CancellationToken);

        var items = answer.RootElement.GetProperty("Items");
        var properties = answer.RootElement.GetProperty("Properties");
        Assert.Contains("BannedSymbols.txt", Names(items, "AdditionalFiles"));
        if (project == "Starling.Protocols") Assert.Contains("BannedSymbols.Cores.txt", Names(items, "AdditionalFiles"));
        Assert.Contains("Microsoft.CodeAnalysis.BannedApiAnalyzers", Names(items, "PackageReference"));
        Assert.DoesNotContain("RS0030", properties.GetProperty("NoWarn").GetString());
        Assert.Equal("true", properties.GetProperty("TreatWarningsAsErrors").GetString());
    }

    private static bool Matches((char Kind, string Name) ban, string type) => ban.Kind == 'N'
        ? type.StartsWith(ban.Name + ".", StringComparison.Ordinal)
        : type == ban.Name || type.StartsWith(ban.Name + "+", StringComparison.Ordinal);

    private static IEnumerable<string> Names(JsonElement items, string kind) =>
        items.GetProperty(kind).EnumerateArray().Select(item => Path.GetFileName(item.GetProperty("Identity").GetString()!));
}
