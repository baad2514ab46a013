namespace Starling.Cli.Tests;

public sealed class BenchTests
{
    [Fact]
    public async Task A_bench_tells_each_figure_as_it_is_there_and_ends_when_interrupted()
    {
        await using var bench = ToolProcess.Start("bench", "transport", "--json");
        await bench.ErrorLineAsync(line => line.StartsWith("idle-link-managed-bytes ", StringComparison.Ordinal));

        bench.Interrupt();

        Assert.Equal(130, await bench.ExitAsync());
        Assert.Empty(bench.Output);
    }
}
