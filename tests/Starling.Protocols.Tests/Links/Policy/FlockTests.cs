using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Links.Policy;

namespace Starling.Protocols.Tests.Links.Policy;

/// <summary>Policies among each other; <see cref="Flock"/> checks bounds at every step.</summary>
public class FlockTests
{
    [Theory, InlineData(1UL)]
    public void A_thousand_nodes_under_churn_stay_within_their_bounds_and_then_all_have_their_neighbours(ulong seed)
    {
        var options = new LinkPolicyOptions { Neighbours = 8, LowWater = 16, HighWater = 20 };
        var flock = new Flock(1000, seed, options, known: 30, budget: 28);
        var random = RandomSource.Seeded(seed).Fork("churn");
        flock.Run(TimeSpan.FromSeconds(10));
        Assert.All(flock.Nodes, node => Assert.True(node.Neighbours >= 8, $"seed {seed}: {node.Neighbours} neighbours after 10 s"));
        var before = flock.Dials;

        for (var second = 0; second < 120; second++)
        {
            for (var i = 0; i < 10; i++) Disturb(flock, random);
            flock.Run(TimeSpan.FromSeconds(1));
        }

        foreach (var node in flock.Nodes.Where(node => !node.IsUp)) node.Start();
        flock.Run(TimeSpan.FromMinutes(10));
        Assert.All(flock.Nodes, node => Assert.True(node.Neighbours >= 8, $"seed {seed}: {node.Neighbours} neighbours at the end"));
        Assert.Equal(1000, flock.Reachable());
        Assert.True(flock.Prunes > 0, $"seed {seed}: nothing was pruned");

        // A flock at rest dials nobody.
        var dials = flock.Dials;
        flock.Run(TimeSpan.FromMinutes(10));
        Assert.Equal(dials, flock.Dials);
        TestContext.Current.SendDiagnosticMessage($"seed {seed}: {before} dials for the first links, {dials - before} under churn, {flock.Prunes} pruned, {flock.GaveUp} given up");
    }

    [Fact]
    public void Nodes_that_start_together_dial_no_more_than_they_want()
    {
        var flock = new Flock(200, 1, new LinkPolicyOptions { Neighbours = 8 }, known: 199, budget: 1000);
        flock.Run(TimeSpan.FromSeconds(15));
        Assert.All(flock.Nodes, node => Assert.True(node.Neighbours >= 8, $"{node.Neighbours} neighbours"));
        Assert.Equal(200, flock.Reachable());
        Assert.InRange(flock.Dials, 800, 200 * 8);

        // The load is spread: nobody is everybody's choice.
        Assert.InRange(flock.Nodes.Max(node => node.Neighbours), 8, 32);
    }

    [Fact]
    public void Any_small_flock_under_any_churn_comes_to_rest_with_its_neighbours()
    {
        // A budget below 10 may be used whole; were the high water mark as high, full nodes would have no room for who comes last.
        var scenario =
            from seed in ArbMap.Default.GeneratorFor<uint>()
            from count in Gen.Choose(2, 24)
            from neighbours in Gen.Choose(1, 6)
            from high in Gen.Choose(6, 14)
            from budget in Gen.Choose(Math.Max(high, Math.Min(high + 1, 10)), 20)
            from seconds in Gen.Choose(0, 40)
            select (Seed: (ulong)seed, count, neighbours, high, budget, seconds);
        Prop.ForAll(Arb.From(scenario), one => Assert.Equal("", Restless(one.Seed, one.count, one.neighbours, one.high, one.budget, one.seconds))).QuickCheckThrowOnFailure();
    }

    /// <summary>Seed 9 ends with a transient link that both ends protect, and with nobody else to take its place.</summary>
    [Theory, InlineData(9UL), InlineData(243UL), InlineData(575UL)]
    public void Three_nodes_of_which_two_protect_their_transient_link_come_to_rest_with_all_other_links(ulong seed) =>
        Assert.Equal("", Restless(seed, count: 3, neighbours: 6, high: 13, budget: 17, seconds: 24));

    [Fact]
    public void A_protected_transient_link_takes_up_room_below_the_low_water_mark() =>
        Assert.Equal("", Restless(seed: 2, count: 7, neighbours: 6, high: 7, budget: 12, seconds: 18));

    /// <summary>What is wrong with a flock an hour after its last disturbance; empty when nothing is.</summary>
    /// <remarks>A transient link was asked for as such. While both ends protect it nobody closes it, and it makes no neighbour: one peer fewer
    /// is there to choose from, and one link fewer fits below the low water mark. Any other transient link is closed as unused, so none may be left.</remarks>
    private static string Restless(ulong seed, int count, int neighbours, int high, int budget, int seconds)
    {
        var options = new LinkPolicyOptions { Neighbours = neighbours, LowWater = high - 2, HighWater = high };
        var flock = new Flock(count, seed, options, known: count, budget);
        var random = RandomSource.Seeded(seed).Fork("churn");
        for (var second = 0; second < seconds; second++)
        {
            Disturb(flock, random);
            flock.Run(TimeSpan.FromSeconds(1));
        }

        foreach (var node in flock.Nodes.Where(node => !node.IsUp)) node.Start();
        flock.Run(TimeSpan.FromHours(1));
        foreach (var node in flock.Nodes)
        {
            var transient = node.Links.Where(link => link.Value == LinkKind.Transient).Select(link => link.Key).ToList();
            if (transient.Any(other => !node.Protected.Contains(other) || !other.Protected.Contains(node))) return $"{node.Id} keeps a transient link that nobody needs";
            var room = Math.Min(high - 2, budget - (budget / 4));
            var aim = Math.Min(neighbours, Math.Min(room, count - 1) - transient.Count);
            if (node.Neighbours < aim) return $"{node.Id} has {node.Neighbours} of {aim} neighbours";
        }

        return "";
    }

    private static void Disturb(Flock flock, RandomSource random)
    {
        var node = flock.Nodes[random.Next(flock.Nodes.Count)];
        switch (random.Next(8))
        {
            case 0 when node.IsUp:
                node.Kill();
                break;
            case 1 or 2 when !node.IsUp:
                node.Start();
                break;
            case 3 when node.Links.Count > 0:
                node.Protect(node.Links.Keys.First());
                break;
            case 4 when node.IsUp:
                flock.TryLink(node, node.Known.First(), LinkKind.Transient);
                break;
            case 5 when node.IsUp:
                // A newcomer whom everybody knows.
                foreach (var other in flock.Nodes.Where(one => one.IsUp && one != node).Take(random.Next(30))) flock.TryLink(other, node, LinkKind.Direct);
                break;
            default:
                if (node.Links.Count == 0) break;
                var cut = new CloseInfo(CloseReason.TransportError);
                flock.Unlink(node, node.Links.Keys.ElementAt(random.Next(node.Links.Count)), cut, cut);
                break;
        }
    }
}
