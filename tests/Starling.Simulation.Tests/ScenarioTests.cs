namespace Starling.Simulation.Tests;

/// <summary>What the router promises, over twenty seeds: of 1,000 nodes in steady state and after crashes, of 300 nodes against partitions and attackers.</summary>
public sealed class ScenarioTests
{
    private const int Seeds = 20;

    [Fact]
    public void In_steady_state_everybody_gets_every_message_once() =>
        Assert.All(Play(Scenarios.Steady), report =>
        {
            Assert.Equal(1, report.Measured.Delivery);
            Assert.True(report.Measured.Latency.Longest <= TimeSpan.FromMilliseconds(400), $"seed {report.Options.Seed}: {report.Measured.Latency.Longest}");
            Assert.InRange(report.Measured.CopiesPerMessage, 1, 9);
        });

    [Fact]
    public void Ten_heartbeats_after_half_of_the_nodes_crashed_the_others_get_999_of_1000_messages() =>
        Assert.All(Play(Scenarios.Crash50), report => Assert.InRange(report.Measured.Delivery, 0.999, 1));

    [Fact]
    public void Thirty_heartbeats_after_four_of_five_nodes_crashed_the_others_get_999_of_1000_messages() =>
        Assert.All(Play(Scenarios.Crash80), report => Assert.InRange(report.Measured.Delivery, 0.999, 1));

    [Fact]
    public void After_a_partition_is_healed_both_sides_get_every_message() =>
        Assert.All(Play(Scenarios.Partition, nodes: 300), report =>
        {
            Assert.Equal(1, report.Measured.Delivery);
            Assert.InRange(report.Phases.Single(phase => phase.Name == "cut").Delivery, 0.99, 1);
        });

    [Fact]
    public void A_fifth_of_attackers_does_not_stop_delivery() =>
        Assert.All(Play(Scenarios.Sybil, nodes: 300), report => Assert.InRange(report.Measured.Delivery, 0.999, 1));

    [Fact]
    public void A_fifth_of_nodes_that_hand_nothing_on_does_not_stop_delivery() =>
        Assert.All(Play(Scenarios.Censor, nodes: 300), report => Assert.InRange(report.Measured.Delivery, 0.999, 1));

    /// <summary>Plays it for each seed, with few messages.</summary>
    private static List<SimulationReport> Play(Scenario scenario, int nodes = 1000)
    {
        var reports = Enumerable.Range(1, Seeds).AsParallel().Select(seed =>
        {
            var options = scenario.NewOptions();
            (options.Nodes, options.Seed, options.Duration, options.MessagesPerSecond) = (nodes, (ulong)seed, TimeSpan.FromSeconds(2), 4);
            (options.WarmUp, options.CutFor, options.Drain) = (TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(4));
            return scenario.Run(options, TestContext.Current.CancellationToken);
        }).ToList();
        Assert.All(reports, report =>
        {
            Assert.Equal(0, report.Phases.Sum(phase => phase.Repeated));
            Assert.Equal(8, report.Measured.Messages);
            Assert.True(report.Measured.Expected > 500, "hardly anything was expected");
        });
        return reports;
    }
}
