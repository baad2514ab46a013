using System.Text.Json;

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

    [Fact]
    public async Task A_topic_bench_reports_every_figure_as_json()
    {
        await using var bench = ToolProcess.Start("bench", "pubsub", "--size", "100", "--count", "20", "--json");
        bench.EndInput();

        Assert.True(await bench.ExitAsync() == 0, bench.Errors);

        using var report = JsonDocument.Parse(bench.Output);
        var results = report.RootElement.GetProperty("results").EnumerateArray().ToDictionary(one => one.GetProperty("name").GetString()!);
        foreach (var name in new[] { "pubsub-100B", "latency-p50", "fanout1-100B", "fanout5-100B", "alloc-per-message", "signed-100B", "signed-to-link", "plain-100B" }) Assert.Contains(name, results.Keys);
        Assert.All(results.Values, one => Assert.True(one.GetProperty("value").GetDouble() > 0, one.ToString()));
        if (results["pubsub-100B"].GetProperty("baseline").ValueKind == JsonValueKind.Null)
            Assert.Contains("nats-server", results["pubsub-100B"].GetProperty("note").GetString(), StringComparison.Ordinal);
        else
            Assert.True(results["pubsub-100B"].GetProperty("ratio").GetDouble() > 0);
    }

    [Fact]
    public async Task A_plain_topic_has_no_origin_policy_to_choose()
    {
        var refused = await ToolProcess.RunAsync("bench", "pubsub", "--topic-kind", "plain", "--origin", "link");

        Assert.Equal(1, refused.Code);
        Assert.Contains("--origin", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_end_of_a_topic_bench_answers_a_wrong_command_and_ends_with_its_input()
    {
        await using var end = ToolProcess.Start("bench", "pubsub-end", "starling");
        await end.OutputLineAsync(line => line.StartsWith("ok /ip4/127.0.0.1/", StringComparison.Ordinal));

        await end.WriteAsync("fly away\n"u8.ToArray());
        await end.OutputLineAsync(line => line.StartsWith("error ", StringComparison.Ordinal));
        end.EndInput();

        Assert.Equal(0, await end.ExitAsync());
    }
}
