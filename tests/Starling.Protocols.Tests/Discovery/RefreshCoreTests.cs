using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

public sealed class RefreshCoreTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1800);
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(30);
    private static readonly Instant Begin = new(TimeSpan.TicksPerDay);

    [Fact]
    public void Refreshes_come_at_random_times_of_half_to_one_and_a_half_intervals()
    {
        var core = Core(seed: 4);
        core.Start(Begin);
        var pauses = new List<double>();
        for (var (now, last, i) = (Begin, Begin, 0); i < 400; i++, last = now)
        {
            now = core.Next;
            Assert.False(core.IsDue(now - TimeSpan.FromTicks(1)));
            Assert.True(core.IsDue(now));
            pauses.Add((now - last) / Interval);
        }

        Assert.All(pauses, pause => Assert.InRange(pause, 0.5, 1.5));
        Assert.InRange(pauses.Average(), 0.95, 1.05);
        Assert.True(pauses.Min() < 0.6 && pauses.Max() > 1.4);
    }

    [Fact]
    public void A_new_peer_pulls_the_refresh_forward_and_many_pull_it_no_further()
    {
        var core = Core(seed: 5);
        core.Start(Begin);
        var now = Begin + TimeSpan.FromSeconds(100);
        core.PeerAppeared(now);
        Assert.InRange(core.Next - now, Least * 0.5, Least * 1.5);
        for (var i = 0; i < 1000; i++) core.PeerAppeared(now);
        Assert.True(core.Next >= now);
        Assert.True(core.IsDue(core.Next));
        for (var (last, i) = (Begin, 0); i < 100; i++)
        {
            for (var j = 0; j < 10; j++) core.PeerAppeared(last + TimeSpan.FromSeconds(j));
            if (i > 0) Assert.True(core.Next - last >= Least, "no two refreshes in less than the least time");
            last = core.Next;
            Assert.True(core.IsDue(last));
        }
    }

    [Fact]
    public void A_neighbour_that_has_just_refreshed_postpones_it_and_cannot_put_it_off_for_ever()
    {
        var core = Core(seed: 6);
        core.Start(Begin);
        var now = core.Next - TimeSpan.FromSeconds(1);
        core.NeighbourRefreshed(now);
        Assert.InRange(core.Next - now, Interval * 0.5, Interval * 1.5);
        for (now = Begin; now < core.Next; now += TimeSpan.FromSeconds(10)) core.NeighbourRefreshed(now);
        Assert.InRange(core.Next - Begin, Interval * 0.5, Interval * 3);
    }

    [Fact]
    public void A_refresh_for_a_new_peer_is_not_postponed_since_only_this_node_may_know_of_it()
    {
        var core = Core(seed: 8);
        core.Start(Begin);
        var now = Begin + TimeSpan.FromSeconds(100);
        core.PeerAppeared(now);
        core.NeighbourRefreshed(now);
        Assert.InRange(core.Next - now, Least * 0.5, Least * 1.5);
        var refreshed = core.Next;
        Assert.True(core.IsDue(refreshed));
        core.NeighbourRefreshed(refreshed + Least);
        Assert.InRange(core.Next - refreshed, Interval * 0.5, Interval * 3);
    }

    [Fact]
    public void A_neighbourhood_shares_the_work()
    {
        var nodes = Enumerable.Range(1, 8).Select(seed => Core((ulong)seed)).ToList();
        foreach (var node in nodes) node.Start(Begin);
        var refreshes = 0;
        var end = Begin + (Interval * 50);
        while (nodes.MinBy(node => node.Next)! is var first && first.Next < end)
        {
            var now = first.Next;
            Assert.True(first.IsDue(now));
            refreshes++;
            foreach (var other in nodes.Where(node => node != first)) other.NeighbourRefreshed(now);
        }

        Assert.InRange(refreshes, 50, 200);
    }

    [Fact]
    public void Nothing_is_due_before_the_start_and_after_the_stop()
    {
        var core = Core(seed: 7);
        core.PeerAppeared(Begin);
        core.NeighbourRefreshed(Begin);
        Assert.Equal(Instant.Never, core.Next);
        core.Start(Begin);
        core.Stop();
        Assert.False(core.IsDue(Begin + (Interval * 100)));
    }

    private static RefreshCore Core(ulong seed) => new(Interval, Least, RandomSource.Seeded(seed));
}
