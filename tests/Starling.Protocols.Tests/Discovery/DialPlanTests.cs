using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

public class DialPlanTests
{
    private static readonly PeerId Self = Peers.Id(1000);
    private readonly List<DialEffect> _effects = [];
    private Instant _now = new(0);

    [Fact]
    public void A_found_peer_is_dialled_at_once()
    {
        var plan = Plan();
        Find(plan, 1);
        var dial = Assert.Single(Dials());
        Assert.Equal(Peers.Id(1), dial.Peer);
        Assert.Equal([Address(1)], dial.Addresses);
    }

    [Fact]
    public void A_linked_peer_is_not_dialled()
    {
        var plan = Plan();
        plan.OnConnected(Peers.Id(1), _now);
        Find(plan, 1);
        Assert.Empty(Dials());
    }

    [Fact]
    public void This_very_node_is_not_dialled()
    {
        var plan = Plan();
        plan.OnFound("mdns", Self, [Address(1)], false, _now, _effects);
        Assert.Empty(Dials());
        Assert.Equal(0, plan.Count);
    }

    [Fact]
    public void Of_two_nodes_that_find_each_other_one_waits()
    {
        var (low, high) = Peers.Id(1).CompareTo(Peers.Id(2)) < 0 ? (Peers.Id(1), Peers.Id(2)) : (Peers.Id(2), Peers.Id(1));
        new DialPlan(low, new DialPlanOptions(), RandomSource.Seeded(1)).OnFound("mdns", high, [Address(1)], true, _now, _effects);
        Assert.Single(Dials());

        _effects.Clear();
        var waiting = new DialPlan(high, new DialPlanOptions(), RandomSource.Seeded(1));
        waiting.OnFound("mdns", low, [Address(1)], true, _now, _effects);
        Assert.Empty(Dials());
        var due = Assert.IsType<DialEffect.SetTimer>(_effects.Last()).At;
        Assert.InRange((due - _now).TotalMilliseconds, 200, 400);
        waiting.Tick(due, _effects);
        Assert.Single(Dials());
    }

    [Fact]
    public void Failures_are_retried_for_ever_with_a_growing_jittered_pause()
    {
        var plan = Plan();
        Find(plan, 1);
        var pauses = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            var dial = Assert.Single(Dials());
            _effects.Clear();
            plan.OnDialed(dial, DialOutcome.Failed, null, _now, _effects);
            Assert.Empty(Dials());
            var due = Assert.IsType<DialEffect.SetTimer>(_effects.Last()).At;
            pauses.Add((due - _now).TotalSeconds);
            _now = due;
            _effects.Clear();
            plan.Tick(_now, _effects);
        }

        for (var i = 0; i < 20; i++)
        {
            var middle = Math.Min(Math.Pow(2, i), 120);
            Assert.InRange(pauses[i], middle * 0.5, middle * 1.5);
        }

        Assert.True(pauses.Distinct().Count() == 20, "no jitter");
    }

    [Fact]
    public void Dials_under_way_are_bounded_and_the_rest_follows()
    {
        var plan = Plan(new DialPlanOptions { MaxDials = 3 });
        for (var i = 0; i < 10; i++) Find(plan, i);
        Assert.Equal(3, Dials().Count);
        plan.OnDialed(Dials()[0], DialOutcome.Linked, Peers.Id(0), _now, _effects);
        Assert.Equal(4, Dials().Count);
    }

    [Fact]
    public void No_peer_is_dialled_while_there_are_enough_links()
    {
        var plan = Plan(new DialPlanOptions { MaxLinks = 2 });
        plan.OnConnected(Peers.Id(100), _now);
        plan.OnConnected(Peers.Id(101), _now);
        Find(plan, 1);
        Assert.Empty(Dials());
        plan.OnDisconnected(Peers.Id(100), false, _now, _effects);
        Assert.Single(Dials());
    }

    [Fact]
    public void Peers_kept_are_bounded_and_refusals_said()
    {
        var plan = Plan(new DialPlanOptions { MaxPeers = 5 });
        for (var i = 0; i < 8; i++) Find(plan, i);
        Assert.Equal(5, plan.Count);
        Assert.Equal(3, _effects.OfType<DialEffect.Refused>().Count());
    }

    [Fact]
    public void A_lost_link_is_made_again_after_a_pause_and_a_closed_one_stays_closed()
    {
        var plan = Plan();
        Link(plan, 1);
        Link(plan, 2);
        _effects.Clear();
        plan.OnDisconnected(Peers.Id(1), false, _now, _effects);
        plan.OnDisconnected(Peers.Id(2), true, _now, _effects);
        Assert.Empty(Dials());
        plan.Tick(_now + TimeSpan.FromHours(1), _effects);
        Assert.Equal(Peers.Id(1), Assert.Single(Dials()).Peer);
    }

    [Fact]
    public void A_peer_that_links_and_fails_at_once_is_not_dialled_in_a_tight_circle()
    {
        var plan = Plan();
        Find(plan, 1);
        var dials = 0;
        var end = _now + TimeSpan.FromMinutes(10);
        while (_now < end)
        {
            var dial = Assert.Single(Dials());
            dials++;
            _effects.Clear();
            plan.OnConnected(Peers.Id(1), _now);
            plan.OnDialed(dial, DialOutcome.Linked, Peers.Id(1), _now, _effects);
            plan.OnDisconnected(Peers.Id(1), false, _now, _effects);
            _now = _effects.OfType<DialEffect.SetTimer>().Last().At;
            _effects.Clear();
            plan.Tick(_now, _effects);
        }

        Assert.InRange(dials, 3, 20);
    }

    [Fact]
    public void A_lost_peer_is_not_dialled_any_more_unless_another_source_vouches_for_it()
    {
        var plan = Plan();
        plan.OnConnected(Peers.Id(1), _now);
        plan.OnConnected(Peers.Id(2), _now);
        Find(plan, 1);
        Find(plan, 2);
        plan.OnFound("bootstrap", Peers.Id(2), [Address(9)], false, _now, _effects);
        plan.OnLost("mdns", Peers.Id(1), [Address(1)], _now, _effects);
        plan.OnLost("mdns", Peers.Id(2), [Address(2)], _now, _effects);
        plan.OnDisconnected(Peers.Id(1), false, _now, _effects);
        plan.OnDisconnected(Peers.Id(2), false, _now, _effects);
        plan.Tick(_now + TimeSpan.FromHours(1), _effects);
        Assert.Equal([Address(9)], Assert.Single(Dials()).Addresses);
    }

    [Fact]
    public void An_address_without_a_peer_id_is_dialled_until_somebody_answers_and_again_when_that_link_ends()
    {
        var plan = Plan();
        plan.OnFound("bootstrap", null, [Address(1)], false, _now, _effects);
        var dial = Assert.Single(Dials());
        Assert.Null(dial.Peer);
        plan.OnConnected(Peers.Id(7), _now);
        plan.OnDialed(dial, DialOutcome.Linked, Peers.Id(7), _now, _effects);
        _effects.Clear();
        plan.Tick(_now + TimeSpan.FromHours(1), _effects);
        Assert.Empty(Dials());

        plan.OnDisconnected(Peers.Id(7), false, _now, _effects);
        plan.Tick(_now + TimeSpan.FromHours(1), _effects);

        // Whoever answered first is who must answer from now on.
        Assert.Equal(Peers.Id(7), Assert.Single(Dials()).Peer);
    }

    [Fact]
    public void An_address_that_leads_back_here_is_not_dialled_again()
    {
        var plan = Plan();
        plan.OnFound("bootstrap", null, [Address(1)], false, _now, _effects);
        plan.OnDialed(Assert.Single(Dials()), DialOutcome.Self, null, _now, _effects);
        _effects.Clear();
        plan.Tick(_now + TimeSpan.FromHours(1), _effects);
        Assert.Empty(Dials());
    }

    [Fact]
    public void A_new_address_is_tried_soon_but_not_for_every_packet()
    {
        var plan = Plan();
        Find(plan, 1);
        for (var i = 0; i < 6; i++)
        {
            var dial = Dials().Last();
            plan.OnDialed(dial, DialOutcome.Failed, null, _now, _effects);
            _now = _effects.OfType<DialEffect.SetTimer>().Last().At;
            plan.Tick(_now, _effects);
        }

        plan.OnDialed(Dials().Last(), DialOutcome.Failed, null, _now, _effects);
        _effects.Clear();
        var end = _now + TimeSpan.FromSeconds(10);
        var ended = 0;
        for (var port = 5000; _now < end; port++)
        {
            _now += TimeSpan.FromMilliseconds(10);
            plan.OnFound("mdns", Peers.Id(1), [Address(port)], false, _now, _effects);
            plan.Tick(_now, _effects);
            for (; ended < Dials().Count; ended++) plan.OnDialed(Dials()[ended], DialOutcome.Failed, null, _now, _effects);
        }

        Assert.InRange(Dials().Count, 1, 20);
    }

    private static DialPlan Plan(DialPlanOptions? options = null) => new(Self, options ?? new DialPlanOptions(), RandomSource.Seeded(1));

    private static Multiaddr Address(int peer) => Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{peer + 1}");

    private List<DialEffect.Dial> Dials() => [.. _effects.OfType<DialEffect.Dial>()];

    private void Find(DialPlan plan, int peer) => plan.OnFound("mdns", Peers.Id(peer), [Address(peer)], false, _now, _effects);

    private void Link(DialPlan plan, int peer)
    {
        Find(plan, peer);
        plan.OnConnected(Peers.Id(peer), _now);
        plan.OnDialed(Dials().Last(), DialOutcome.Linked, Peers.Id(peer), _now, _effects);
    }
}
