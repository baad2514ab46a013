using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

public class LinksCoreTests
{
    private static readonly PeerId Small = TestPeers.Get(1);
    private static readonly PeerId Me = TestPeers.Get(5);
    private static readonly PeerId Large = TestPeers.Get(9);
    private static readonly Instant Start = new(0);
    private readonly List<LinkEffect> _effects = [];

    [Fact]
    public void A_node_does_not_dial_itself()
    {
        var core = new LinksCore(Me);
        core.DialStarted(new DialId(1), Me, _effects);

        var fail = Assert.IsType<LinkEffect.FailDial>(Assert.Single(_effects));
        Assert.Equal(HandshakeFailure.SelfDial, fail.Failure);
    }

    [Fact]
    public void An_address_that_leads_back_to_the_node_is_refused_as_such()
    {
        var core = new LinksCore(Me);
        core.DialStarted(new DialId(1), null, _effects);
        core.LinkUp(new LinkId(1), Me, new DialId(1), Start, _effects);

        Assert.Contains(_effects, effect => effect is LinkEffect.Close { Why.Reason: CloseReason.Refused });
        Assert.Contains(_effects, effect => effect is LinkEffect.FailDial { Failure: HandshakeFailure.SelfDial });
        core.LinkDown(new LinkId(1), new CloseInfo(CloseReason.Refused), Start, _effects);
        Assert.Equal(0, core.LinkCount);
    }

    [Fact]
    public void A_link_that_nobody_identifies_is_closed_in_time()
    {
        var core = new LinksCore(Me, new LinksOptions { IdentifyTimeout = TimeSpan.FromSeconds(3) });
        core.LinkUp(new LinkId(1), Large, null, Start, _effects);
        Assert.Equal(Start + TimeSpan.FromSeconds(3), core.NextDeadline);

        core.Tick(core.NextDeadline, _effects);

        Assert.Contains(_effects, effect => effect is LinkEffect.Close { Why.Reason: CloseReason.IdentifyFailed });
        Assert.Equal(Instant.Never, core.NextDeadline);
        Assert.DoesNotContain(_effects, effect => effect is LinkEffect.Disconnected);
    }

    [Fact]
    public void The_last_link_over_the_limit_is_refused_and_counted()
    {
        var core = new LinksCore(Me, new LinksOptions { MaxLinks = 1 });
        core.LinkUp(new LinkId(1), Large, null, Start, _effects);
        core.DialStarted(new DialId(1), Small, _effects);
        core.LinkUp(new LinkId(2), Small, new DialId(1), Start, _effects);

        Assert.Contains(_effects, effect => effect is LinkEffect.Close { Link.Value: 2, Why.Reason: CloseReason.BudgetExceeded });
        Assert.Contains(_effects, effect => effect is LinkEffect.FailDial { Failure: HandshakeFailure.RefusedLocally });
        Assert.Equal(1, core.RefusedLinks);
    }

    [Fact]
    public void One_peer_cannot_pile_up_links_that_are_not_identified()
    {
        var core = new LinksCore(Me, new LinksOptions { MaxPendingPerPeer = 2 });
        for (var i = 1; i <= 3; i++) core.LinkUp(new LinkId(i), Large, null, Start, _effects);

        Assert.Contains(_effects, effect => effect is LinkEffect.Close { Link.Value: 3, Why.Reason: CloseReason.Refused });
    }

    [Fact]
    public void A_peer_that_comes_back_replaces_its_dead_link_once_the_probe_finds_it_dead()
    {
        var core = new LinksCore(Me);
        Ready(core, 1, Large);
        core.LinkUp(new LinkId(2), Large, null, Start, _effects);
        Assert.Equal(new LinkEffect.Probe(new LinkId(1)), _effects[^1]);

        _effects.Clear();
        core.ProbeEnded(new LinkId(1), alive: false, Start, _effects);
        core.LinkIdentified(new LinkId(2), Start, _effects);

        Assert.Collection(
            _effects,
            effect => Assert.IsType<LinkEffect.Disconnected>(effect),
            effect => Assert.Equal(CloseReason.KeepAliveTimeout, Assert.IsType<LinkEffect.Close>(effect).Why.Reason),
            effect => Assert.Equal(new LinkEffect.Adopt(new LinkId(2)), effect),
            effect => Assert.Equal(new LinkEffect.Connected(new LinkId(2)), effect));
    }

    [Fact]
    public void A_second_link_is_refused_once_the_probe_finds_the_first_alive()
    {
        var core = new LinksCore(Me);
        Ready(core, 1, Large);
        core.LinkUp(new LinkId(2), Large, null, Start, _effects);
        _effects.Clear();
        core.ProbeEnded(new LinkId(1), alive: true, Start, _effects);

        var close = Assert.IsType<LinkEffect.Close>(Assert.Single(_effects));
        Assert.Equal((new LinkId(2), CloseReason.DuplicateLink), (close.Link, close.Why.Reason));
    }

    [Fact]
    public void The_following_end_moves_to_the_link_that_was_identified_last()
    {
        var core = new LinksCore(Me);
        Ready(core, 1, Small);
        core.LinkUp(new LinkId(2), Small, null, Start, _effects);
        core.LinkIdentified(new LinkId(2), Start, _effects);

        Assert.Equal(new LinkId(2), core.Find(Small));
        Assert.Contains(_effects, effect => effect is LinkEffect.Disconnected { Link.Value: 1, Why.Reason: CloseReason.DuplicateLink });
    }

    [Fact]
    public void The_following_end_drops_its_own_dial_once_it_is_linked()
    {
        var core = new LinksCore(Me);
        core.DialStarted(new DialId(1), Small, _effects);
        core.LinkUp(new LinkId(1), Small, new DialId(1), Start, _effects);
        core.LinkUp(new LinkId(2), Small, null, Start, _effects);
        core.LinkIdentified(new LinkId(2), Start, _effects);

        Assert.Contains(new LinkEffect.CompleteDial(new DialId(1), new LinkId(2)), _effects);
        Assert.Contains(_effects, effect => effect is LinkEffect.Close { Link.Value: 1, Why.Reason: CloseReason.DuplicateLink });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void A_request_that_turns_out_to_lead_to_a_linked_peer_ends_with_the_link_that_is_there(byte other)
    {
        var peer = TestPeers.Get(other);
        var core = new LinksCore(Me);
        Ready(core, 1, peer);
        core.DialStarted(new DialId(1), null, _effects);
        core.LinkUp(new LinkId(2), peer, new DialId(1), Start, _effects);
        core.ProbeEnded(new LinkId(1), alive: true, Start, _effects);
        core.LinkDown(new LinkId(2), new CloseInfo(CloseReason.RemoteClose), Start, _effects);

        Assert.Contains(new LinkEffect.CompleteDial(new DialId(1), new LinkId(1)), _effects);
        Assert.Equal((1, 0), (core.LinkCount, core.DialCount));
    }

    [Fact]
    public void A_cancelled_request_closes_the_link_that_came_too_late()
    {
        var core = new LinksCore(Me);
        core.DialStarted(new DialId(1), Large, _effects);
        core.DialCancelled(new DialId(1), _effects);
        core.LinkUp(new LinkId(1), Large, new DialId(1), Start, _effects);

        Assert.Contains(_effects, effect => effect is LinkEffect.Close { Why.Reason: CloseReason.LocalClose });
        Assert.DoesNotContain(_effects, effect => effect is LinkEffect.Adopt);
    }

    [Fact]
    public void A_request_beyond_the_parallel_ones_dials_when_they_have_failed()
    {
        var core = new LinksCore(Me, new LinksOptions { MaxDialsPerPeer = 1 });
        core.DialStarted(new DialId(1), Large, _effects);
        core.DialStarted(new DialId(2), Large, _effects);
        Assert.Equal([new LinkEffect.BeginDial(new DialId(1))], _effects);

        _effects.Clear();
        core.DialFailed(new DialId(1), HandshakeFailure.TransportFailed, "refused", _effects);

        Assert.Equal([new LinkEffect.FailDial(new DialId(1), HandshakeFailure.TransportFailed, "refused"), new LinkEffect.BeginDial(new DialId(2))], _effects);
    }

    [Fact]
    public void A_refusal_by_the_other_end_reaches_the_request()
    {
        var core = new LinksCore(Me);
        core.DialStarted(new DialId(1), Large, _effects);
        core.LinkUp(new LinkId(1), Large, new DialId(1), Start, _effects);
        core.LinkDown(new LinkId(1), new CloseInfo(CloseReason.EndOfStream), Start, _effects);

        Assert.Contains(_effects, effect => effect is LinkEffect.FailDial { Failure: HandshakeFailure.RefusedByRemote });
        Assert.Equal((0, 0), (core.LinkCount, core.DialCount));
    }

    [Fact]
    public void Stopping_fails_every_request_and_closes_every_link()
    {
        var core = new LinksCore(Me);
        Ready(core, 1, Small);
        core.LinkUp(new LinkId(2), Large, null, Start, _effects);
        core.DialStarted(new DialId(1), TestPeers.Get(77), _effects);
        _effects.Clear();
        core.Stop(Start, _effects);
        core.LinkUp(new LinkId(3), Large, null, Start, _effects);

        Assert.Equal(3, _effects.OfType<LinkEffect.Close>().Count(close => close.Why.Reason == CloseReason.NodeStopping));
        Assert.Single(_effects.OfType<LinkEffect.FailDial>());
        Assert.DoesNotContain(_effects, effect => effect is LinkEffect.Adopt);
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => new LinksCore(Me, new LinksOptions { MaxPendingPerPeer = 1 }));
        Assert.Contains("MaxPendingPerPeer", error.Message, StringComparison.Ordinal);
    }

    private void Ready(LinksCore core, long link, PeerId peer)
    {
        core.LinkUp(new LinkId(link), peer, null, Start, _effects);
        core.LinkIdentified(new LinkId(link), Start, _effects);
        Assert.Contains(new LinkEffect.Connected(new LinkId(link)), _effects);
    }
}
