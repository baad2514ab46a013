using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Starling.Cli.Tests;

public sealed class DemoTests
{
    [Fact]
    public async Task Five_nodes_find_each_other_and_all_get_the_identical_file()
    {
        using var folder = new TemporaryFolder();
        var content = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 2000).Select(one => $"line {one} of a file\n")));

        var run = await ToolProcess.RunAsync("demo", "--file", folder.File("file.txt", content), "--json");

        var outcome = Outcome(run);
        Assert.Equal(5, outcome.GetProperty("nodes").GetInt32());
        Assert.Equal(2000, outcome.GetProperty("lines").GetInt64());
        Assert.Equal(content.Length, outcome.GetProperty("bytes").GetInt64());
        Assert.Equal(Hash(content), outcome.GetProperty("sha256").GetString());
        var subscribers = outcome.GetProperty("subscribers").EnumerateArray().ToList();
        Assert.Equal(4, subscribers.Count);
        Assert.All(subscribers, one => Assert.Equal(Hash(content), one.GetProperty("sha256").GetString()));
        Assert.Equal(4, subscribers.Select(one => one.GetProperty("peer").GetString()).Distinct().Count());
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("no line feed at the end", 1)]
    [InlineData("\n\n\n", 3)]
    [InlineData("bytes \0\u0001 and \u00ff\r\nin lines", 2)]
    public async Task Any_bytes_arrive_as_they_are(string text, long lines)
    {
        using var folder = new TemporaryFolder();
        var content = Encoding.Latin1.GetBytes(text);

        var run = await ToolProcess.RunAsync("demo", "--nodes", "2", "--file", folder.File("odd.bin", content), "--json");

        var outcome = Outcome(run);
        Assert.Equal(lines, outcome.GetProperty("lines").GetInt64());
        Assert.Equal(Hash(content), outcome.GetProperty("subscribers")[0].GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task Without_a_file_the_readme_is_streamed_for_the_given_time_and_the_end_says_that_all_is_well()
    {
        var run = await ToolProcess.RunAsync("demo", "--nodes", "3", "--seconds", "0.5");

        Assert.True(run.Code == 0, run.Errors);
        Assert.Contains("2 of 2 subscribers got the identical bytes", run.Output);
        Assert.Contains("README.md", run.Errors);
        Assert.DoesNotContain("\u001b", run.Output + run.Errors);
    }

    [Fact]
    public async Task A_line_that_no_message_holds_is_named_before_anything_starts()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("long.txt", Encoding.ASCII.GetBytes("short\n" + new string('x', 2 << 20)));

        var run = await ToolProcess.RunAsync("demo", "--file", file);

        Assert.Equal(1, run.Code);
        Assert.Contains($"line 2 of {file}", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_named()
    {
        var run = await ToolProcess.RunAsync("demo", "--file", "nowhere.txt");

        Assert.Equal(1, run.Code);
        Assert.Contains("nowhere.txt", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task A_directory_is_not_a_file()
    {
        using var folder = new TemporaryFolder();
        var run = await ToolProcess.RunAsync("demo", "--file", Path.GetDirectoryName(folder.File("x"))!);

        Assert.Equal(1, run.Code);
        Assert.Contains("is a directory", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task An_interrupted_demo_ends_at_once()
    {
        await using var demo = ToolProcess.Start("demo", "--nodes", "2", "--seconds", "600");
        await demo.ErrorLineAsync(line => line.Contains("streaming", StringComparison.Ordinal));

        demo.Interrupt();

        Assert.Equal(130, await demo.ExitAsync());
    }

    private static JsonElement Outcome(Finished run)
    {
        Assert.True(run.Code == 0, run.Errors);
        var outcome = JsonDocument.Parse(Assert.Single(run.OutputLines)).RootElement;
        Assert.True(outcome.GetProperty("identical").GetBoolean());
        return outcome;
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
