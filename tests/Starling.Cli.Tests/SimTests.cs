using System.Text.Json;

namespace Starling.Cli.Tests;

public sealed class SimTests
{
    [Fact]
    public async Task A_simulation_prints_its_figures_as_json_and_the_same_for_the_same_seed()
    {
        var (first, again) = (await SimulateAsync(), await SimulateAsync());

        Assert.Equal(["delivery", "latencyMs", "copiesPerMessage", "nodes", "seed"], first.EnumerateObject().Select(one => one.Name).Take(5));
        Assert.Equal(["p50", "p95", "p99"], first.GetProperty("latencyMs").EnumerateObject().Select(one => one.Name));
        Assert.Equal(1, first.GetProperty("delivery").GetDouble());
        Assert.Equal((50, 9), (first.GetProperty("nodes").GetInt32(), first.GetProperty("seed").GetInt32()));
        Assert.Equal(first.GetProperty("traceHash").GetString(), again.GetProperty("traceHash").GetString());

        static async Task<JsonElement> SimulateAsync()
        {
            await using var tool = ToolProcess.Start("sim", "steady", "--nodes", "50", "--seed", "9", "--json");
            Assert.Equal(0, await tool.ExitAsync());
            return JsonDocument.Parse(tool.Output).RootElement;
        }
    }

    [Fact]
    public async Task A_scenario_that_does_not_exist_is_named_with_those_that_do()
    {
        await using var tool = ToolProcess.Start("sim", "flood");

        Assert.Equal(1, await tool.ExitAsync());
        Assert.Contains("there is no scenario 'flood': choose one of steady, churn", await tool.ErrorLineAsync(_ => true));
    }
}
