using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

public sealed class UpgraderTests
{
    private static readonly TimeSpan Patience = UpgradeRig.Patience;

    private static CancellationToken Token => UpgradeRig.Token;

    [Theory]
    [InlineData("tls", "tls", "/tls/1.0.0")]
    [InlineData("noise", "noise", "/noise")]
    [InlineData("tls,noise", "noise,tls", "/tls/1.0.0")]
    [InlineData("noise,tls", "tls,noise", "/noise")]
    [InlineData("tls,noise", "noise", "/noise")]
    [InlineData("noise,tls", "tls", "/tls/1.0.0")]
    public async Task The_diallers_first_security_protocol_that_both_speak_is_taken(string dialler, string listener, string chosen)
    {
        using var rig = new UpgradeRig(dialler, listener);
        var (near, far) = await rig.UpgradeAsync(UpgradeRig.Pair());

        Assert.Equal((chosen, chosen), (near.Link?.Security, far.Link?.Security));
        Assert.Equal(("/yamux/1.0.0", "/yamux/1.0.0"), (near.Link!.Muxer, far.Link!.Muxer));
        Assert.Equal((rig.Identities[1].PeerId, rig.Identities[0].PeerId), (near.Link.RemotePeer, far.Link.RemotePeer));
        Assert.Equal((Direction.Outbound, Direction.Inbound), (near.Link.Direction, far.Link.Direction));
        await EchoAsync(near.Link, far.Link);
        await rig.AssertAllIsFreeAsync(near, far);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("noise")]
    public async Task Over_TCP_a_link_carries_bytes(string security)
    {
        using var rig = new UpgradeRig(security, security);
        var transport = new TcpTransport(new TcpTransportOptions(), TimeProvider.System);
        await using var listener = await transport.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Token);
        var accepting = listener.AcceptAsync(Token).AsTask();
        var dialled = await transport.DialAsync(listener.Addresses[0], Token).AsTask().WaitAsync(Patience, Token);
        var (near, far) = await rig.UpgradeAsync((dialled, (await accepting.WaitAsync(Patience, Token))!));

        Assert.Equal(listener.Addresses[0], near.Link!.RemoteAddress);
        await EchoAsync(near.Link, far.Link!);
        await Task.WhenAll(near.Link.DisposeAsync().AsTask(), far.Link!.DisposeAsync().AsTask()).WaitAsync(Patience, Token);
    }

    [Theory]
    [InlineData("tls", "noise")]
    [InlineData("noise", "tls")]
    public async Task Without_a_common_security_protocol_both_sides_say_so(string dialler, string listener)
    {
        using var rig = new UpgradeRig(dialler, listener);
        var (near, far) = await rig.UpgradeAsync(UpgradeRig.Pair());

        Assert.Equal((HandshakeFailure.NoCommonProtocol, HandshakeFailure.NoCommonProtocol), (near.Failure, far.Failure));
        await rig.AssertAllIsFreeAsync(near, far);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("noise")]
    public async Task Another_peer_than_the_dialled_one_is_refused_on_both_sides(string security)
    {
        using var rig = new UpgradeRig(security, security);
        using var expected = NodeIdentity.Generate();
        var raw = UpgradeRig.Pair();
        var accepting = UpgradeRig.Outcome.OfAsync(raw.Listener, rig.Listener.UpgradeAsync(raw.Listener, null, Token));
        var near = await UpgradeRig.Outcome.OfAsync(raw.Dialler, rig.Dialler.UpgradeAsync(raw.Dialler, expected.PeerId, Token)).WaitAsync(Patience, Token);
        Assert.Equal(HandshakeFailure.PeerIdMismatch, near.Failure);

        // A listener may have finished before the dialler judged it; its link then ends at once.
        var far = await accepting.WaitAsync(Patience, Token);
        if (far.Link is { } link) await link.Closed.WaitAsync(Patience, Token);
        await rig.AssertAllIsFreeAsync(near, far);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("noise")]
    public async Task A_node_that_meets_itself_says_so(string security)
    {
        using var rig = new UpgradeRig(security, security);
        using var mirror = rig.Make(rig.Identities[0], security, rig.Budgets[1]);
        var raw = UpgradeRig.Pair();
        var accepting = UpgradeRig.Outcome.OfAsync(raw.Listener, mirror.UpgradeAsync(raw.Listener, null, Token));
        var near = await UpgradeRig.Outcome.OfAsync(raw.Dialler, rig.Dialler.UpgradeAsync(raw.Dialler, null, Token)).WaitAsync(Patience, Token);
        var far = await accepting.WaitAsync(Patience, Token);

        // A listener that has yet to finish may find the dialler gone.
        Assert.Equal(HandshakeFailure.SelfDial, near.Failure);
        Assert.True(far.Failure is HandshakeFailure.SelfDial or HandshakeFailure.Disconnected, far.Error?.ToString());
        await rig.AssertAllIsFreeAsync(near, far);
    }

    [Fact]
    public async Task More_handshakes_than_the_budget_are_refused_and_closed()
    {
        using var rig = new UpgradeRig(limits: new ResourceBudgetOptions { MaxHandshakes = 1 });
        var (waiting, refused) = (UpgradeRig.Pair().Listener, UpgradeRig.Pair().Listener);
        var first = UpgradeRig.Outcome.OfAsync(waiting, rig.Listener.UpgradeAsync(waiting, null, Token));
        var second = await UpgradeRig.Outcome.OfAsync(refused, rig.Listener.UpgradeAsync(refused, null, Token)).WaitAsync(Patience, Token);

        Assert.Equal(HandshakeFailure.RefusedLocally, second.Failure);
        Assert.Equal(1, rig.Budgets[1].Refused(ResourceKind.Handshakes));
        Assert.Equal(1, rig.Budgets[1].Used(ResourceKind.Handshakes));
        rig.Clock.Advance(TimeSpan.FromSeconds(10));
        await rig.AssertAllIsFreeAsync(await first.WaitAsync(Patience, Token), second);
    }

    [Theory]
    [InlineData(Direction.Outbound)]
    [InlineData(Direction.Inbound)]
    public async Task The_muxer_is_agreed_by_multistream_where_the_handshake_left_it_open(Direction ours)
    {
        using var rig = new UpgradeRig();
        using var bare = new TlsSecurity(rig.Identities[ours == Direction.Outbound ? 1 : 0], rig.Clock);
        var raw = UpgradeRig.Pair();
        var upgrading = ours == Direction.Outbound
            ? UpgradeRig.Outcome.OfAsync(raw.Dialler, rig.Dialler.UpgradeAsync(raw.Dialler, null, Token))
            : UpgradeRig.Outcome.OfAsync(raw.Listener, rig.Listener.UpgradeAsync(raw.Listener, null, Token));
        await using var peer = new LinkStream((ours == Direction.Outbound ? raw.Listener : raw.Dialler).Channel);
        var secure = await OpenBareAsync(peer, bare, ours);
        var muxer = ours == Direction.Outbound
            ? await MultistreamSelect.AcceptAsync(secure.Stream, [Upgrader.Yamux], Token).AsTask().WaitAsync(Patience, Token)
            : await MultistreamSelect.SelectAsync(secure.Stream, ["/mplex/6.7.0", Upgrader.Yamux], Token).AsTask().WaitAsync(Patience, Token);

        Assert.Null(secure.Muxer);
        Assert.Equal(Upgrader.Yamux, muxer);
        Assert.NotNull((await upgrading.WaitAsync(Patience, Token)).Link);
    }

    [Fact]
    public async Task Without_a_common_muxer_the_listener_says_so()
    {
        using var rig = new UpgradeRig();
        using var bare = new TlsSecurity(rig.Identities[0], rig.Clock);
        var raw = UpgradeRig.Pair();
        var upgrading = UpgradeRig.Outcome.OfAsync(raw.Listener, rig.Listener.UpgradeAsync(raw.Listener, null, Token));
        await using (var peer = new LinkStream(raw.Dialler.Channel))
        {
            var secure = await OpenBareAsync(peer, bare, Direction.Inbound);
            await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => MultistreamSelect.SelectAsync(secure.Stream, ["/mplex/6.7.0"], Token).AsTask().WaitAsync(Patience, Token));
        }

        var ours = await upgrading.WaitAsync(Patience, Token);
        Assert.Equal(HandshakeFailure.NoCommonProtocol, ours.Failure);
        await rig.AssertAllIsFreeAsync(ours);
    }

    private static async Task<SecureChannel> OpenBareAsync(LinkStream peer, TlsSecurity security, Direction ours)
    {
        if (ours == Direction.Outbound)
        {
            await MultistreamSelect.AcceptAsync(peer, [TlsSecurity.Id], Token).AsTask().WaitAsync(Patience, Token);
            return await security.SecureAsync(peer, Direction.Inbound, null, [], Token).WaitAsync(Patience, Token);
        }

        await MultistreamSelect.SelectAsync(peer, [TlsSecurity.Id], Token).AsTask().WaitAsync(Patience, Token);
        return await security.SecureAsync(peer, Direction.Outbound, null, [], Token).WaitAsync(Patience, Token);
    }

    private static async Task EchoAsync(IConnection near, IConnection far)
    {
        await using var there = await near.OpenStreamAsync(Token);
        await there.WriteAsync("hello"u8.ToArray(), Token);
        await using var here = await far.AcceptStreamAsync(Token).AsTask().WaitAsync(Patience, Token);
        Assert.Equal("hello"u8.ToArray(), await Multistream.NegotiationTests.ReadAsync(here, 5));
    }
}
