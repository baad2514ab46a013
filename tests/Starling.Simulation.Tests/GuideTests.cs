using Starling.Protocols.PubSub;

namespace Starling.Simulation.Tests;

/// <summary>The program of docs/simulation.md.</summary>
public sealed class GuideTests
{
    [Fact]
    public void The_example_of_the_guide_loses_a_region_and_goes_on()
    {
        #region scenario
        var scenario = new Scenario("region", "A region vanishes; measured are the messages after 20 seconds.", network =>
        {
            network.Run(TimeSpan.FromSeconds(10));
            foreach (var node in network.Nodes.Where(node => node.Index % 5 == 0)) network.Crash(node);
            network.Run(TimeSpan.FromSeconds(20));

            network.BeginPhase("without the region");
            network.PublishWithin(count: 20, within: TimeSpan.FromSeconds(5));
            network.Run(TimeSpan.FromSeconds(15));
        });

        var options = scenario.NewOptions();
        (options.Nodes, options.Seed) = (300, 7);
        (options.Latency, options.Loss) = (LatencyModel.World(), new LossModel(0.01));
        options.Router.Gossip.MeshDegree = 8;
        var report = scenario.Run(options);
        Console.WriteLine($"{report.Measured.Delivery:P2}, p99 {report.Measured.Latency.Percentile(0.99).TotalMilliseconds} ms");
        #endregion

        Assert.Equal(1, report.Measured.Delivery);
        Assert.Equal(20 * 239, report.Measured.Expected);
        Assert.Equal(240, report.NodesUp);
    }

    #region censor
    /// <summary>Withholds every second message that it should hand on.</summary>
    private sealed class Forgetful : NodeBehaviour
    {
        public override bool Sends(SimulatedNode node, in PubSubEffect effect) =>
            effect.Kind != PubSubEffectKind.Send || effect.Message!.Id.SequenceNumber % 2 == 0;
    }
    #endregion

    [Fact]
    public void A_behaviour_of_ones_own_stands_between_a_router_and_its_links()
    {
        var network = new SimulatedNetwork(new SimulationOptions { Nodes = 100, Links = 8 });
        network.Corrupt(0.3, () => new Forgetful());
        network.Run(TimeSpan.FromSeconds(5));

        var phase = network.BeginPhase("forgetful");
        network.PublishWithin(10, TimeSpan.FromSeconds(1));
        network.Run(TimeSpan.FromSeconds(10));

        Assert.Equal(10 * 69, phase.Expected);
        Assert.Equal(1, phase.Delivery);
    }
}
