using Starling.Protocols.Links.Policy;
using Starling.Protocols.Tests.Discovery;

namespace Starling.Protocols.Tests.Links.Policy;

/// <summary>What follows from the end of a link.</summary>
public class LosingTests
{
    [Fact]
    public void A_lost_neighbour_is_dialled_again_within_a_fifth_of_a_second_where_the_link_said_it_is()
    {
        var bench = new PolicyBench();
        bench.Up(1);
        bench.Pass(TimeSpan.FromMinutes(1));
        bench.Down(1);
        Assert.Equal(1, Assert.IsType<LinkPolicyEffect.Reconnecting>(Assert.Single(bench.News)).Attempt);
        bench.Pass(TimeSpan.FromMilliseconds(200));
        var dial = bench.TheDial();
        Assert.Equal([PolicyBench.Address(1)], dial.Addresses);
        Assert.Equal("inbound", dial.Why);
        bench.Answer(dial, 1);
        Assert.Equal("inbound", bench.Core.Find(Peers.Id(1))!.Why);
    }

    [Fact]
    public void Who_loses_every_neighbour_to_silence_dials_others_that_it_knows_beside_them()
    {
        var bench = new PolicyBench(options => (options.Neighbours, options.MaxDials) = (8, 8));
        for (var i = 0; i < 8; i++) bench.Up(i, at: PolicyBench.Address(i));
        for (var i = 100; i < 140; i++) bench.Find(i);
        bench.Pass(TimeSpan.FromMinutes(1));
        Assert.Empty(bench.Dials);

        for (var i = 0; i < 8; i++) bench.Down(i, CloseReason.KeepAliveTimeout);
        bench.Pass(TimeSpan.FromSeconds(5));

        // None of them has ended: their machines are gone.
        Assert.Equal(8, bench.Open.Count);
        Assert.InRange(bench.Open.Count(dial => dial.Why == "mdns"), 4, 8);
    }

    [Fact]
    public void A_lost_neighbour_is_given_up_after_its_attempts_and_left_alone_until_the_list_forgets_it()
    {
        var bench = new PolicyBench(options => options.ReconnectAttempts = 3);
        bench.Find(1);
        bench.Answer(bench.TheDial(), 1);
        bench.Pass(TimeSpan.FromMinutes(1));
        bench.Down(1);
        for (var i = 0; i < 3; i++)
        {
            while (bench.Open.Count == 0) bench.Pass(TimeSpan.FromMilliseconds(100));
            bench.Fail(bench.TheDial());
        }

        Assert.Equal(3, bench.News.Count(one => one is LinkPolicyEffect.Reconnecting));
        Assert.Equal(3, Assert.Single(bench.News.OfType<LinkPolicyEffect.GaveUp>()).Attempts);
        var recent = Assert.Single(bench.Core.RecentAt(bench.Now));
        Assert.Equal((Peers.Id(1), true), (recent.Peer, recent.GaveUp));
        bench.Find(1, at: [PolicyBench.Address(9)]);
        bench.Pass(TimeSpan.FromMinutes(9));
        Assert.Empty(bench.Open);
        bench.Pass(TimeSpan.FromMinutes(2));
        Assert.Empty(bench.Core.RecentAt(bench.Now));
        Assert.Single(bench.Open);
    }

    [Fact]
    public void The_user_overrides_the_list_of_the_recently_disconnected()
    {
        var bench = new PolicyBench(options => options.ReconnectAttempts = 1);
        bench.Up(1, direction: Direction.Outbound);
        bench.Down(1);
        bench.Pass(TimeSpan.FromSeconds(5));
        bench.Fail(bench.TheDial());
        Assert.Single(bench.Core.RecentAt(bench.Now));
        bench.Keep(1);
        Assert.Equal("user", bench.TheDial().Why);
        Assert.Empty(bench.Core.RecentAt(bench.Now));
    }

    [Fact]
    public void A_kept_peer_is_dialled_for_ever_or_up_to_its_limit()
    {
        var bench = new PolicyBench();
        bench.Keep(1);
        bench.Keep(2, new LinkKeepOptions { Limit = 5 });
        var ends = new Dictionary<PeerId, int>();
        for (var i = 0; i < 600; i++)
        {
            foreach (var dial in bench.Open.ToList())
            {
                ends[dial.Peer!] = ends.GetValueOrDefault(dial.Peer!) + 1;
                bench.Fail(dial);
            }

            bench.Pass(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(5, ends[Peers.Id(2)]);
        Assert.InRange(ends[Peers.Id(1)], 40, 90);
        Assert.Equal(Peers.Id(2), Assert.Single(bench.News.OfType<LinkPolicyEffect.GaveUp>()).Peer);
    }

    [Fact]
    public void A_peer_that_is_kept_without_reconnecting_is_dialled_until_it_is_linked_once()
    {
        var bench = new PolicyBench();
        bench.Keep(1, new LinkKeepOptions { Reconnect = false });
        bench.Fail(bench.TheDial());
        bench.Pass(TimeSpan.FromSeconds(2));
        bench.Answer(bench.TheDial(), 1);
        bench.Pass(TimeSpan.FromMinutes(1));
        bench.Down(1);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Open);
        Assert.Empty(bench.News);
    }

    [Fact]
    public void A_link_that_the_user_closed_stays_closed_until_the_peer_is_found_elsewhere()
    {
        var bench = new PolicyBench();
        bench.Find(1);
        bench.Find(2, "bootstrap", isPersistent: true);
        bench.Answer(bench.Open[0], 1);
        bench.Answer(bench.Open[0], 2);
        bench.Pass(TimeSpan.FromMinutes(1));
        bench.Down(1, CloseReason.LocalClose);
        bench.Down(2, CloseReason.LocalClose);
        bench.Lose(1);
        bench.Find(1);
        bench.Pass(TimeSpan.FromHours(24));
        Assert.Empty(bench.Open);
        bench.Find(1, at: [PolicyBench.Address(9)]);
        Assert.Equal(Peers.Id(1), bench.TheDial().Peer);
    }

    [Theory]
    [InlineData(CloseReason.Pruned, 30, 91)]
    [InlineData(CloseReason.BudgetExceeded, 30, 91)]
    [InlineData(null, 30, 91)]
    [InlineData(CloseReason.Refused, 300, 901)]
    [InlineData(CloseReason.Blocked, 300, 901)]
    [InlineData(CloseReason.LocalClose, 300, 901)]
    [InlineData(CloseReason.NodeStopping, 0.4, 2)]
    public void A_peer_that_said_good_bye_is_left_alone_for_as_long_as_its_reason_asks(CloseReason? reason, double least, double most)
    {
        var bench = new PolicyBench();
        bench.Find(1);
        bench.Answer(bench.TheDial(), 1);
        bench.Pass(TimeSpan.FromMinutes(1));
        var gone = bench.Now;
        bench.Down(1, CloseReason.RemoteClose, reason);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.InRange((bench.Dials[1].At - gone).TotalSeconds, least, most);
    }

    [Fact]
    public void A_kept_peer_that_refused_is_asked_again_after_the_pause_of_its_reason()
    {
        var bench = new PolicyBench();
        bench.Keep(1);
        bench.Answer(bench.TheDial(), 1);
        bench.Pass(TimeSpan.FromMinutes(1));
        bench.Down(1, CloseReason.RemoteClose, CloseReason.Refused);
        bench.Pass(TimeSpan.FromMinutes(4.9));
        Assert.Empty(bench.Open);
        bench.Pass(TimeSpan.FromMinutes(11));
        Assert.Single(bench.Open);
    }

    [Fact]
    public void A_peer_that_links_and_fails_at_once_is_not_dialled_in_a_tight_circle()
    {
        var bench = new PolicyBench();
        bench.Find(1);
        var end = bench.Now + TimeSpan.FromMinutes(10);
        while (bench.Now < end)
        {
            if (bench.Open.Count > 0)
            {
                bench.Answer(bench.TheDial(), 1);
                bench.Down(1);
            }

            bench.Pass(TimeSpan.FromMilliseconds(500));
        }

        Assert.InRange(bench.Dials.Count, 3, 20);
    }

    [Fact]
    public void Strangers_that_come_and_go_make_the_node_dial_nobody()
    {
        var bench = new PolicyBench();
        for (var i = 0; i < 1000; i++)
        {
            bench.Up(i, at: [PolicyBench.Address(7)]);
            bench.Pass(TimeSpan.FromMilliseconds(100));
            bench.Down(i);
        }

        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Dials);
        Assert.Equal(0, bench.Core.PeerCount);
    }

    [Fact]
    public void Neighbours_lost_together_are_dialled_again_up_to_a_bound_and_the_rest_is_counted()
    {
        var bench = new PolicyBench(options => options.MaxReconnecting = 10);
        for (var i = 0; i < 30; i++) bench.Up(i, direction: Direction.Outbound);
        for (var i = 0; i < 30; i++) bench.Down(i);
        Assert.Equal(10, bench.Core.PeerCount);
        Assert.Equal(20, bench.News.Count(one => one is LinkPolicyEffect.Refused { Reason: LinkPolicyRefusal.TooManyReconnecting }));
    }

    [Fact]
    public void A_lost_transient_link_is_not_made_again()
    {
        var bench = new PolicyBench();
        bench.Up(1, LinkKind.Transient, Direction.Outbound);
        bench.Down(1);
        bench.Pass(TimeSpan.FromHours(1));
        Assert.Empty(bench.Dials);
    }

    [Fact]
    public void What_this_node_refused_is_tried_again_when_restrictions_change()
    {
        var bench = new PolicyBench();
        bench.Keep(1);
        for (var i = 0; i < 8; i++)
        {
            bench.Fail(bench.TheDial(), DialOutcome.Refused);
            if (i < 7) while (bench.Open.Count == 0) bench.Pass(TimeSpan.FromSeconds(1));
        }

        bench.Do(bench.Core.OnRestrictionsChanged);
        Assert.Equal(Peers.Id(1), bench.TheDial().Peer);
    }

    [Fact]
    public void Of_two_ends_that_lose_a_link_the_one_with_the_greater_id_dials_second()
    {
        var (low, high) = Peers.Id(1).CompareTo(Peers.Id(2)) < 0 ? (1, 2) : (2, 1);
        foreach (var (self, other, least, most) in new[] { (low, high, 50, 150), (high, low, 275, 525) })
        {
            var bench = new PolicyBench(options => options.TieDelay = TimeSpan.FromMilliseconds(300), Peers.Id(self));
            bench.Up(other, direction: Direction.Outbound);
            bench.Pass(TimeSpan.FromMinutes(1));
            var lost = bench.Now;
            bench.Down(other);
            bench.Pass(TimeSpan.FromSeconds(1));
            Assert.InRange((Assert.Single(bench.Dials).At - lost).TotalMilliseconds, least, most);
        }
    }
}
