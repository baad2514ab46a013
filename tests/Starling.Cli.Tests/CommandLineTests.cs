namespace Starling.Cli.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("demo"), InlineData("node"), InlineData("id"), InlineData("ping"), InlineData("pub"), InlineData("sub")]
    [InlineData("bench"), InlineData("bench transport"), InlineData("gossip-api")]
    public async Task Help_of_a_verb_ends_with_an_example_of_it(string verb)
    {
        var run = await ToolProcess.RunAsync([.. verb.Split(' '), "--help"]);

        Assert.Equal(0, run.Code);
        Assert.Empty(run.Errors);
        Assert.Contains("Usage:", run.Output);
        Assert.Contains($"starling {verb}", run.Output[run.Output.IndexOf("Example:", StringComparison.Ordinal)..]);
    }

    [Fact]
    public async Task Help_of_the_tool_names_every_verb()
    {
        var run = await ToolProcess.RunAsync("--help");

        Assert.Equal(0, run.Code);
        Assert.All(["demo", "node", "id", "ping", "pub", "sub", "bench"], verb => Assert.Contains($"\n  {verb} ", run.Output));
    }

    [Theory]
    [InlineData("", "command")]
    [InlineData("fly", "fly")]
    [InlineData("demo --nodes 1", "--nodes")]
    [InlineData("demo --nodes 51", "--nodes")]
    [InlineData("demo --nodes five", "five")]
    [InlineData("demo --seconds -1", "-1")]
    [InlineData("demo --seconds 0", "--seconds")]
    [InlineData("demo --fast", "--fast")]
    [InlineData("node --mdns maybe", "maybe")]
    [InlineData("node --interface eth0", "eth0")]
    [InlineData("node --listen /ip4/300.0.0.1/tcp/0", "300.0.0.1")]
    [InlineData("node --connect nowhere", "nowhere")]
    [InlineData("ping", "ADDR")]
    [InlineData("ping /ip4/127.0.0.1/tcp/x", "x")]
    [InlineData("ping 127.0.0.1:1 --count 0", "--count")]
    [InlineData("pub", "TOPIC")]
    [InlineData("pub news --wait soon", "soon")]
    [InlineData("sub", "TOPIC")]
    [InlineData("sub news --count none", "none")]
    [InlineData("sub news more", "more")]
    [InlineData("bench", "command")]
    [InlineData("bench moon", "moon")]
    public async Task A_wrong_command_line_fails_with_one_line_that_names_what_is_wrong(string line, string named)
    {
        var run = await ToolProcess.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(1, run.Code);
        Assert.Empty(run.Output);
        Assert.Contains(named, Assert.Single(run.ErrorLines));
        Assert.Contains("--help'", run.Errors);
    }
}
