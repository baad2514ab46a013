namespace Starling.Simulation.Tests;

/// <summary>What neighbours notice of a node's end, and when.</summary>
public sealed class FaultTests
{
    private readonly SimulatedNetwork _network = new(new SimulationOptions { Nodes = 20, Links = 10, Seed = 3 });

    public FaultTests() => _network.Run(TimeSpan.FromSeconds(3));

    private SimulatedNode Victim => _network.Nodes[5];

    private int Holders => _network.Nodes.Count(node => node.Neighbours.Contains(Victim));

    [Fact]
    public void A_crash_is_noticed_after_the_time_that_a_health_monitor_takes_and_not_before()
    {
        var before = Holders;
        _network.Crash(Victim);

        _network.Run(TimeSpan.FromSeconds(4.4));
        Assert.Equal(before, Holders);
        _network.Run(TimeSpan.FromSeconds(2.7));
        Assert.Equal(0, Holders);
    }

    [Fact]
    public void A_good_bye_is_noticed_one_way_later()
    {
        _network.Leave(Victim);
        _network.Run(TimeSpan.FromMilliseconds(49));
        Assert.NotEqual(0, Holders);
        _network.Run(TimeSpan.FromMilliseconds(2));
        Assert.Equal(0, Holders);
    }

    [Fact]
    public void A_node_that_starts_again_is_linked_again_and_gets_messages()
    {
        _network.Crash(Victim);
        _network.Run(TimeSpan.FromSeconds(2));
        _network.Restart(Victim);
        _network.Run(TimeSpan.FromSeconds(10));
        var phase = _network.BeginPhase("again");
        _network.Publish(_network.Nodes[0]);
        _network.Run(TimeSpan.FromSeconds(3));

        Assert.True(Victim.LinkCount >= 10, $"{Victim.LinkCount} links");
        Assert.Equal((19, 19), (phase.Expected, phase.Delivered));
    }

    [Fact]
    public void A_partition_that_ends_before_it_is_noticed_delays_messages_and_loses_none()
    {
        var dialled = _network.Counters.Dialled;
        _network.Partition(0.5);
        var phase = _network.BeginPhase("short");
        _network.Publish(_network.Nodes[0]);
        _network.Run(TimeSpan.FromSeconds(3));
        var sameSide = _network.Nodes.Count(node => node.Side == _network.Nodes[0].Side) - 1;
        Assert.Equal(sameSide, phase.FirstCopies);

        _network.Heal();
        _network.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(19, phase.FirstCopies);
        Assert.Equal(dialled, _network.Counters.Dialled);
    }

    [Fact]
    public void A_partition_cuts_links_when_it_is_noticed_and_they_are_made_again_after_it()
    {
        _network.Partition(0.5);
        _network.Run(TimeSpan.FromSeconds(8));
        Assert.All(_network.Nodes, node => Assert.DoesNotContain(node.Neighbours, other => other.Side != node.Side));

        _network.Heal();
        _network.Run(TimeSpan.FromSeconds(40));
        Assert.Contains(_network.Nodes, node => node.Neighbours.Any(other => other.Side != node.Side));
    }

    [Fact]
    public void A_run_that_is_cancelled_ends_between_two_events()
    {
        using var stop = new CancellationTokenSource();
        var network = new SimulatedNetwork(new SimulationOptions { Nodes = 50 }, stop.Token);
        network.Simulation.After(TimeSpan.FromSeconds(2), stop.Cancel);

        Assert.Throws<OperationCanceledException>(() => network.Run(TimeSpan.FromDays(1)));
    }

    [Fact]
    public void Links_that_the_link_policy_core_makes_carry_every_message_and_come_back_after_a_crash()
    {
        var options = new SimulationOptions { Nodes = 200, Seed = 5, LinkPolicy = new() };
        var network = new SimulatedNetwork(options);
        network.Run(TimeSpan.FromSeconds(10));
        Assert.All(network.Nodes, node => Assert.True(node.LinkCount >= 12, $"node {node.Index} has {node.LinkCount} links"));

        network.Crash(0.5);
        network.Run(TimeSpan.FromSeconds(30));
        var phase = network.BeginPhase("after");
        network.PublishWithin(10, TimeSpan.FromSeconds(2));
        network.Run(TimeSpan.FromSeconds(10));

        Assert.Equal(10 * 99, phase.Expected);
        Assert.Equal(1, phase.Delivery);
    }
}
