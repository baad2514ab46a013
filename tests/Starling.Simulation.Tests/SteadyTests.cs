namespace Starling.Simulation.Tests;

public sealed class SteadyTests
{
    [Fact]
    public void The_same_seed_gives_the_same_run_event_for_event_and_another_one_another()
    {
        var first = Run(7);
        var again = Run(7);
        var other = Run(8);

        Assert.Equal(first.TraceHash, again.TraceHash);
        Assert.Equal(first.ToJson(), again.ToJson());
        Assert.NotEqual(first.TraceHash, other.TraceHash);

        static SimulationReport Run(ulong seed)
        {
            var options = Scenarios.Churn.NewOptions();
            (options.Nodes, options.Seed, options.Duration) = (200, seed, TimeSpan.FromSeconds(5));
            (options.Latency, options.Loss) = (LatencyModel.LogNormal(TimeSpan.FromMilliseconds(40), 0.5), new LossModel(0.01));
            return Scenarios.Churn.Run(options);
        }
    }

    [Fact]
    public void A_steady_network_delivers_every_message_once_to_everybody()
    {
        var options = Scenarios.Steady.NewOptions();
        options.Duration = TimeSpan.FromSeconds(5);
        var report = Scenarios.Steady.Run(options);
        TestContext.Current.TestOutputHelper!.WriteLine(report.ToJson());

        Assert.Equal(1, report.Measured.Delivery);
        Assert.Equal(0, report.Measured.Repeated);
    }
}
