using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

public class LinkGateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_link_that_a_gate_refuses_fails_the_dial_with_the_reason_of_the_other_side()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        using (b.Swarm.AddGate(new Gate { Link = (_, _, direction) => direction == Direction.Inbound ? new LinkRefusal(CloseReason.Refused, "learning has finished") : null }))
        {
            for (var round = 0; round < 20; round++)
            {
                var error = await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(b));
                Assert.Equal(HandshakeFailure.RefusedByRemote, error.Failure);
                Assert.Contains("learning has finished", error.Message, StringComparison.Ordinal);
            }
        }

        await a.ConnectAsync(b);
        Assert.Equal("connected", await a.NextEventAsync());
        Assert.Equal("connected", await b.NextEventAsync());
    }

    [Fact]
    public async Task A_link_that_the_own_gate_refuses_fails_the_dial_and_tells_the_other_side_nothing_but_the_reason()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        a.Swarm.AddGate(new Gate { Link = (peer, _, _) => peer.Equals(b.Id) ? new LinkRefusal(CloseReason.Blocked, "not this one") : null });

        var error = await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(b));
        Assert.Equal(HandshakeFailure.RefusedLocally, error.Failure);
        Assert.Contains("not this one", error.Message, StringComparison.Ordinal);
        Assert.False(a.HasEvent);
    }

    [Fact]
    public async Task A_refused_address_is_left_out_and_with_none_left_nothing_is_dialled()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var bad = Multiaddr.Parse("/ip4/127.0.0.99/tcp/9");
        a.Swarm.AddGate(new Gate { Dial = (_, address) => address.Equals(bad) ? new LinkRefusal(CloseReason.Blocked, "a bad neighbourhood") : null });

        var error = await Assert.ThrowsAsync<HandshakeException>(() => a.Swarm.ConnectAsync(b.Id, [bad]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.RefusedLocally, error.Failure);
        Assert.Contains("a bad neighbourhood", error.Message, StringComparison.Ordinal);
        Assert.Empty(a.Transport.Sockets);
        Assert.Equal(b.Id, (await a.Swarm.ConnectAsync(b.Id, [bad, b.Address]).WaitAsync(Patience)).Peer);
    }

    [Fact]
    public async Task A_connection_that_a_gate_refuses_is_cut_before_its_handshake()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var asked = 0;
        b.Swarm.AddGate(new Gate
        {
            Accept = _ => new LinkRefusal(CloseReason.Blocked, "nobody from there"),
            Link = (_, _, _) =>
            {
                Interlocked.Increment(ref asked);
                return null;
            },
        });

        var error = await Assert.ThrowsAnyAsync<Exception>(() => a.ConnectAsync(b));
        Assert.IsType<HandshakeException>(error);
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task A_gate_that_throws_refuses_and_the_node_goes_on()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        using (b.Swarm.AddGate(new Gate { Link = (_, _, _) => throw new InvalidOperationException("broken") }))
        {
            Assert.Equal(HandshakeFailure.RefusedByRemote, (await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(b))).Failure);
        }

        await a.ConnectAsync(b);
    }

    [Fact]
    public async Task A_peer_at_its_limit_says_so()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync(options => options.Links.MaxLinks = 1);
        await using var c = await TestNode.StartAsync();
        await a.ConnectAsync(b);

        var error = await Assert.ThrowsAsync<HandshakeException>(() => c.ConnectAsync(b));
        Assert.Equal(HandshakeFailure.RefusedByRemote, error.Failure);
        Assert.Contains("MaxLinks", error.Message, StringComparison.Ordinal);
    }

    internal sealed class Gate : ILinkGate
    {
        public Func<PeerId?, Multiaddr, LinkRefusal?> Dial { get; init; } = (_, _) => null;

        public Func<Multiaddr, LinkRefusal?> Accept { get; init; } = _ => null;

        public Func<PeerId, Multiaddr, Direction, LinkRefusal?> Link { get; init; } = (_, _, _) => null;

        public Func<PeerId, LinkKind, LinkRefusal?> Kind { get; init; } = (_, _) => null;

        public LinkRefusal? RefuseDial(PeerId? peer, Multiaddr address) => Dial(peer, address);

        public LinkRefusal? RefuseAccept(Multiaddr remote) => Accept(remote);

        public LinkRefusal? RefuseLink(PeerId peer, Multiaddr remote, Direction direction) => Link(peer, remote, direction);

        public LinkRefusal? RefuseKind(PeerId peer, LinkKind kind) => Kind(peer, kind);
    }
}
