using Starling.Protocols.Tests.Discovery;

namespace Starling.Protocols.Tests.Links.Policy;

/// <summary>Which links are closed.</summary>
public class PruningTests
{
    [Fact]
    public void A_link_that_comes_again_is_not_held_to_have_the_health_of_the_one_before()
    {
        var bench = Marks(1, 2);
        bench.Up(0, direction: Direction.Outbound);
        bench.Core.Tag(Peers.Id(0), "known", 1);
        bench.Core.SetHealth(Peers.Id(0), 0);
        bench.Down(0);
        bench.Up(0, direction: Direction.Outbound);
        bench.Up(1);
        bench.Core.Tag(Peers.Id(1), "known", 1);
        bench.Pass(TimeSpan.FromMinutes(1));
        bench.Up(2);
        bench.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(Peers.Id(1), bench.Closes[0].Peer);
    }

    [Fact]
    public void Beyond_the_high_water_mark_links_are_pruned_to_the_low_one()
    {
        var bench = Marks(5, 10);
        for (var i = 0; i < 10; i++) bench.Up(i);
        bench.Pass(TimeSpan.FromMinutes(1));
        Assert.Empty(bench.Closes);
        bench.Up(10);
        Assert.Equal(6, bench.Closes.Count);
        Assert.All(bench.Closes, close => Assert.Equal(CloseReason.Pruned, close.Why.Reason));
        Assert.Equal(5, bench.Core.LinkCount);

        // What is asked for once is not asked for again while it is on its way.
        bench.Up(11);
        Assert.Equal(6, bench.Closes.Count);
    }

    [Fact]
    public void The_least_useful_links_are_pruned_first()
    {
        var bench = Marks(1, 7);
        bench.Up(0, LinkKind.Transient);
        bench.Core.SetPriority(Peers.Id(0), LinkPriority.High);
        bench.Up(1);
        bench.Core.SetPriority(Peers.Id(1), LinkPriority.Low);
        bench.Core.Tag(Peers.Id(1), "useful", 100);
        bench.Up(2);
        bench.Core.Tag(Peers.Id(2), "useful", -1);
        bench.Pass(TimeSpan.FromSeconds(1));
        bench.Up(4);
        bench.Core.SetHealth(Peers.Id(4), 0.2);
        bench.Up(5);
        bench.Pass(TimeSpan.FromSeconds(1));
        bench.Up(3, direction: Direction.Outbound);
        bench.Up(6);
        bench.Core.Tag(Peers.Id(6), "useful", 1);
        bench.Pass(TimeSpan.FromMinutes(1));
        bench.Up(7);
        bench.Core.SetPriority(Peers.Id(7), LinkPriority.High);
        Assert.Equal([0, 1, 2, 4, 5, 3, 6], bench.Closes.Select(close => Enumerable.Range(0, 8).First(i => Peers.Id(i).Equals(close.Peer))));
    }

    [Fact]
    public void Of_equals_the_oldest_is_kept()
    {
        var bench = Marks(2, 3);
        bench.Options.GracePeriod = TimeSpan.Zero;
        for (var i = 0; i < 4; i++)
        {
            bench.Up(i);
            bench.Pass(TimeSpan.FromMinutes(1));
        }

        Assert.Equal([Peers.Id(3), Peers.Id(2)], bench.Closes.Select(one => one.Peer));
    }

    [Fact]
    public void Kept_and_protected_links_are_never_pruned()
    {
        var bench = Marks(1, 2);
        for (var i = 0; i < 10; i++) bench.Up(i);
        for (var i = 0; i < 5; i++) bench.Core.Protect(Peers.Id(i), "test");
        bench.Core.Protect(Peers.Id(0), "other");
        bench.Keep(5);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.Equal(4, bench.Closes.Count);
        Assert.DoesNotContain(bench.Closes, close => bench.Core.Find(close.Peer)!.IsKept || bench.Core.Find(close.Peer)!.Protections.Count > 0);

        // Both protections have to be taken back.
        bench.Do((now, effects) => Assert.True(bench.Core.Unprotect(Peers.Id(0), "test", now, effects)));
        Assert.Equal(4, bench.Closes.Count);
        bench.Do((now, effects) => Assert.False(bench.Core.Unprotect(Peers.Id(0), "other", now, effects)));
        Assert.Equal(5, bench.Closes.Count);
        bench.Do((now, effects) => Assert.True(bench.Core.Release(Peers.Id(5), [], now, effects)));
        Assert.Equal(6, bench.Closes.Count);
    }

    [Fact]
    public void New_links_have_a_period_of_grace()
    {
        var bench = Marks(1, 2);
        for (var i = 0; i < 5; i++) bench.Up(i);
        bench.Pass(TimeSpan.FromSeconds(19.9));
        Assert.Empty(bench.Closes);
        bench.Pass(TimeSpan.FromSeconds(0.2));
        Assert.Equal(4, bench.Closes.Count);
    }

    [Fact]
    public void Pruning_begins_before_the_budget_is_used_up_and_spares_nobody_for_being_new_when_it_nearly_is()
    {
        var bench = new PolicyBench();
        bench.Core.Budget = (0, 20);
        Assert.Equal((18, 15), (bench.Core.EffectiveHigh, bench.Core.EffectiveLow));
        for (var i = 0; i < 19; i++)
        {
            bench.Core.Budget = (i + 1, 20);
            bench.Up(i);
        }

        Assert.Equal(4, bench.Closes.Count);
    }

    [Fact]
    public void A_link_that_is_not_ready_yet_costs_no_other_its_place()
    {
        var bench = Marks(2, 4);
        bench.Options.GracePeriod = TimeSpan.Zero;
        for (var i = 0; i < 4; i++) bench.Up(i);
        bench.Core.Budget = (5, 1000);
        bench.Pass(TimeSpan.FromMinutes(1));
        bench.Core.Protect(Peers.Id(0), "test");
        bench.Do(bench.Core.Tick);
        Assert.Empty(bench.Closes);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void A_small_budget_may_be_used_whole(int limit)
    {
        var bench = new PolicyBench();
        for (var i = 0; i < limit; i++)
        {
            bench.Core.Budget = (i + 1, limit);
            bench.Up(i);
        }

        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Closes);
    }

    [Fact]
    public void Nobody_is_dialled_beyond_the_budget()
    {
        var bench = new PolicyBench();
        bench.Core.Budget = (10, 10);
        bench.Keep(1);
        bench.Find(2, "bootstrap", isPersistent: true);
        bench.Find(3);
        bench.Pass(TimeSpan.FromMinutes(10));
        Assert.Empty(bench.Dials);
        bench.Core.Budget = (0, 10);
        bench.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(3, bench.Dials.Count);
        Assert.Equal(Peers.Id(1), bench.Dials[0].Dial.Peer);
    }

    [Fact]
    public void A_transient_link_is_closed_when_it_has_carried_nothing_for_two_minutes()
    {
        var bench = new PolicyBench();
        bench.Up(1, LinkKind.Transient);
        bench.Up(2);
        bench.Pass(TimeSpan.FromSeconds(100));
        bench.Used[Peers.Id(1)] = bench.Now;
        bench.Pass(TimeSpan.FromSeconds(119));
        Assert.Empty(bench.Closes);
        bench.Pass(TimeSpan.FromSeconds(2));
        var close = Assert.Single(bench.Closes);
        Assert.Equal((Peers.Id(1), CloseReason.Unused), (close.Peer, close.Why.Reason));
    }

    [Fact]
    public void A_transient_link_that_became_direct_or_is_protected_is_not_closed_as_unused()
    {
        var bench = new PolicyBench();
        bench.Up(1, LinkKind.Transient);
        bench.Up(2, LinkKind.Transient);
        bench.Up(3, LinkKind.Transient);
        bench.Do((now, effects) => bench.Core.OnKindChanged(Peers.Id(1), LinkKind.Direct, now, effects));
        bench.Core.Protect(Peers.Id(2), "test");
        bench.Keep(3);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Closes);
    }

    private static PolicyBench Marks(int low, int high) => new(options => (options.LowWater, options.HighWater, options.Neighbours) = (low, high, 1));
}
