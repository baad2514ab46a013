using Starling.Protocols.Links.Policy;
using Starling.Protocols.Tests.Discovery;

namespace Starling.Protocols.Tests.Links.Policy;

/// <summary>Who is dialled because a source found it.</summary>
public class FindingTests
{
    [Fact]
    public void A_found_peer_is_dialled_at_once()
    {
        var bench = new PolicyBench();
        bench.Find(1);
        var dial = bench.TheDial();
        Assert.Equal((Peers.Id(1), "mdns"), (dial.Peer, dial.Why));
        Assert.Equal([PolicyBench.Address(1)], dial.Addresses);
    }

    [Fact]
    public void A_linked_peer_is_not_dialled()
    {
        var bench = new PolicyBench();
        bench.Up(1);
        bench.Find(1);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Dials);
    }

    [Fact]
    public void This_very_node_is_not_dialled()
    {
        var bench = new PolicyBench(self: Peers.Id(1));
        bench.Find(1);
        Assert.Empty(bench.Dials);
        Assert.Equal(0, bench.Core.PeerCount);
    }

    [Fact]
    public void Of_two_nodes_that_find_each_other_one_waits()
    {
        var (low, high) = Peers.Id(1).CompareTo(Peers.Id(2)) < 0 ? (1, 2) : (2, 1);
        var first = new PolicyBench(options => options.TieDelay = TimeSpan.FromMilliseconds(300), Peers.Id(low));
        first.Find(high, isMutual: true);
        Assert.Single(first.Dials);

        var second = new PolicyBench(options => options.TieDelay = TimeSpan.FromMilliseconds(300), Peers.Id(high));
        second.Find(low, isMutual: true);
        Assert.Empty(second.Dials);
        var found = second.Now;
        second.Pass(TimeSpan.FromSeconds(1));
        Assert.InRange((Assert.Single(second.Dials).At - found).TotalMilliseconds, 200, 400);
    }

    [Fact]
    public void Failures_are_retried_for_ever_with_a_growing_jittered_pause()
    {
        var bench = new PolicyBench();
        bench.Find(1);
        var pauses = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            var failed = bench.Now;
            bench.Fail(bench.TheDial());
            while (bench.Open.Count == 0) bench.Pass(TimeSpan.FromMilliseconds(1000));
            pauses.Add((bench.Dials[^1].At - failed).TotalSeconds);
        }

        for (var i = 0; i < 20; i++) Assert.InRange(pauses[i], Math.Min(Math.Pow(2, i), 120) * 0.5, Math.Min(Math.Pow(2, i), 120) * 1.5);
        Assert.True(pauses.Distinct().Count() == 20, "no jitter");
        Assert.Empty(bench.News);
    }

    [Fact]
    public void Found_peers_are_dialled_only_while_neighbours_are_missing()
    {
        var bench = new PolicyBench(options => options.Neighbours = 3);
        bench.Up(100);
        for (var i = 0; i < 20; i++) bench.Find(i);

        // Two are missing: one is dialled, and the other half is left to those who look for neighbours as well.
        bench.Answer(bench.TheDial(), 0);
        bench.Answer(bench.TheDial(), 1);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Open);
        Assert.Equal(3, bench.Core.NeighbourCount);

        // A transient link is no neighbour.
        bench.Do((now, effects) => bench.Core.OnKindChanged(Peers.Id(100), LinkKind.Transient, now, effects));
        Assert.Single(bench.Open);
    }

    [Fact]
    public void A_dial_that_hangs_does_not_keep_others_waiting()
    {
        var bench = new PolicyBench(options => options.Neighbours = 1);
        for (var i = 0; i < 5; i++) bench.Find(i);
        Assert.Single(bench.Open);
        bench.Pass(TimeSpan.FromSeconds(9.9));
        Assert.Single(bench.Open);
        bench.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(2, bench.Open.Count);
    }

    [Fact]
    public void Dials_under_way_are_bounded_and_the_rest_follows()
    {
        var bench = new PolicyBench(options => (options.MaxDials, options.Neighbours) = (3, 100));
        for (var i = 0; i < 10; i++) bench.Find(i);
        Assert.Equal(3, bench.Open.Count);
        bench.Fail(bench.Open[0]);
        Assert.Equal((3, 4), (bench.Open.Count, bench.Dials.Count));
    }

    [Fact]
    public void Dials_of_any_one_second_are_bounded_however_fast_they_fail()
    {
        var bench = new PolicyBench(options => (options.MaxDialsPerSecond, options.Neighbours) = (5, 1000));
        for (var i = 0; i < 200; i++) bench.Find(i);
        var end = bench.Now + TimeSpan.FromSeconds(20);
        while (bench.Now < end)
        {
            while (bench.Open.Count > 0) bench.Fail(bench.Open[0]);
            bench.Pass(TimeSpan.FromMilliseconds(10));
        }

        for (var i = 5; i < bench.Dials.Count; i++) Assert.True(bench.Dials[i].At - bench.Dials[i - 5].At >= TimeSpan.FromSeconds(1));
        Assert.InRange(bench.Dials.Count, 95, 105);
    }

    [Fact]
    public void Found_peers_that_are_kept_are_bounded_and_refusals_said()
    {
        var bench = new PolicyBench(options => options.MaxCandidates = 5);
        for (var i = 0; i < 8; i++) bench.Find(i);
        Assert.Equal(5, bench.Core.PeerCount);
        Assert.Equal(3, bench.News.Count(one => one is LinkPolicyEffect.Refused { Reason: LinkPolicyRefusal.TooManyCandidates }));
    }

    [Fact]
    public void A_peer_that_no_source_vouches_for_is_not_dialled_any_more()
    {
        var bench = new PolicyBench(options => options.Reconnect = false);
        bench.Find(1);
        bench.Find(2);
        bench.Find(2, "bootstrap", at: [PolicyBench.Address(9)]);
        foreach (var dial in bench.Open.ToList()) bench.Fail(dial);
        bench.Lose(1);
        bench.Lose(2);
        var before = bench.Dials.Count;
        bench.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal([PolicyBench.Address(9)], Assert.Single(bench.Dials.Skip(before)).Dial.Addresses);
    }

    [Fact]
    public void An_address_without_a_peer_id_is_dialled_until_somebody_answers_and_again_when_that_link_ends()
    {
        var bench = new PolicyBench();
        bench.Do((now, effects) => bench.Core.OnFound("bootstrap", null, [PolicyBench.Address(1)], false, true, now, effects));
        Assert.Null(bench.TheDial().Peer);
        bench.Fail(bench.TheDial());
        bench.Pass(TimeSpan.FromSeconds(2));
        bench.Answer(bench.TheDial(), 7);
        Assert.Equal("bootstrap", bench.Core.Find(Peers.Id(7))!.Why);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Open);

        // Whoever answered first is who must answer from now on, also when the source repeats itself.
        bench.Down(7);
        bench.Do((now, effects) => bench.Core.OnFound("bootstrap", null, [PolicyBench.Address(1)], false, true, now, effects));
        bench.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(Peers.Id(7), bench.TheDial().Peer);
        Assert.Equal(1, bench.Core.PeerCount);
    }

    [Fact]
    public void An_address_that_leads_back_here_is_not_dialled_again()
    {
        var bench = new PolicyBench();
        bench.Do((now, effects) => bench.Core.OnFound("bootstrap", null, [PolicyBench.Address(1)], false, true, now, effects));
        bench.Fail(bench.TheDial(), DialOutcome.Self);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Open);
    }

    [Fact]
    public void A_new_address_is_tried_soon_but_not_for_every_packet()
    {
        var bench = new PolicyBench();
        bench.Find(1);
        for (var i = 0; i < 7; i++)
        {
            bench.Fail(bench.TheDial());
            if (i < 6) while (bench.Open.Count == 0) bench.Pass(TimeSpan.FromSeconds(1));
        }

        var before = bench.Dials.Count;
        for (var port = 5000; port < 6000; port++)
        {
            bench.Pass(TimeSpan.FromMilliseconds(10));
            bench.Find(1, at: [PolicyBench.Address(port)]);
            while (bench.Open.Count > 0) bench.Fail(bench.Open[0]);
        }

        Assert.InRange(bench.Dials.Count - before, 1, 20);
    }

    [Fact]
    public void Persistent_sources_are_dialled_whatever_number_of_neighbours_there_is_and_never_given_up()
    {
        var bench = new PolicyBench(options => options.Neighbours = 2);
        for (var i = 100; i < 110; i++) bench.Up(i);
        bench.Find(1);
        Assert.Empty(bench.Open);
        bench.Find(2, "bootstrap", isPersistent: true);
        for (var i = 0; i < 50; i++)
        {
            bench.Fail(bench.TheDial());
            bench.Pass(TimeSpan.FromMinutes(3));
        }

        Assert.DoesNotContain(bench.News, one => one is LinkPolicyEffect.GaveUp);
        bench.Answer(bench.TheDial(), 2);
        Assert.Equal("bootstrap", bench.Core.Find(Peers.Id(2))!.Why);
    }
}
