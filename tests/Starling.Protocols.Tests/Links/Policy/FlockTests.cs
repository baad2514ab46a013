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
        var scenario =
            from seed in ArbMap.Default.GeneratorFor<uint>()
            from count in Gen.Choose(2, 24)
            from neighbours in Gen.Choose(1, 6)
            from high in Gen.Choose(6, 14)
            from budget in Gen.Choose(high, 20)
            from seconds in Gen.Choose(0, 40)
            select (Seed: (ulong)seed, count, neighbours, high, budget, seconds);
        Prop.ForAll(Arb.From(scenario), one =>
        {
            var options = new LinkPolicyOptions { Neighbours = one.neighbours, LowWater = one.high - 2, HighWater = one.high };
            var flock = new Flock(one.count, one.Seed, options, known: one.count, one.budget);
            var random = RandomSource.Seeded(one.Seed).Fork("churn");
            for (var second = 0; second < one.seconds; second++)
            {
                Disturb(flock, random);
                flock.Run(TimeSpan.FromSeconds(1));
            }

            foreach (var node in flock.Nodes.Where(node => !node.IsUp)) node.Start();
            flock.Run(TimeSpan.FromHours(1));
            var aim = Math.Min(Math.Min(one.neighbours, one.high - 2), Math.Min(one.budget - (one.budget / 4), one.count - 1));
            return flock.Nodes.All(node => node.Neighbours >= aim);
        }).QuickCheckThrowOnFailure();
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
