using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Starling.Interop.Tests.Support;
using Starling.Net.Links;

namespace Starling.Interop.Tests;

/// <summary>A stock js-libp2p peer is refused, disconnected and kept to one link like any peer, although it speaks no link control.</summary>
public sealed class JsManagedLinkTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_js_peer_and_we_that_dial_each_other_at_once_end_with_one_link_each_time(bool oursIsSmaller)
    {
        await using var js = await JsPeer.StartAsync();
        using var identity = IdentityBeside(js.Id, oursIsSmaller);
        await using var node = await StarlingNode.StartAsync(new StarlingOptions(), new NodeEnvironment { Identity = identity }).Soon();
        node.Handle(JsPeer.Sink, CountAsync);
        for (var round = 0; round < 5; round++)
        {
            var theirs = js.AskAsync("dial", new JsonObject { ["address"] = node.Addresses[0].ToString() });
            var ours = node.DialAsync(js.FullAddress);
            var link = await ours;
            await Task.WhenAny(theirs).Soon();
            Assert.Equal(LinkKind.Direct, link.Kind);

            // Both sides come to the same one connection, and it can be spoken on from either.
            await js.AskAsync("settle", new JsonObject { ["peer"] = node.PeerId.ToString() });
            var sent = await js.AskAsync("send", new JsonObject { ["peer"] = node.PeerId.ToString(), ["bytes"] = 65536 });
            Assert.Equal("65536", sent.GetProperty("answer").GetString());
            Assert.Equal(js.Id, Assert.Single(node.Links).Peer);
            await node.PingAsync(js.Id).Soon();
            await node.DisconnectAsync(js.Id).Soon();
            await js.AskAsync("close", new JsonObject { ["peer"] = node.PeerId.ToString() });
        }
    }

    [Fact]
    public async Task A_js_peer_is_refused_by_a_gate_and_admitted_afterwards()
    {
        await using var js = await JsPeer.StartAsync();
        await using var node = await Peers.StartAsync();
        using (node.RefuseLinks("learning has finished"))
        {
            // js-libp2p has no notion of a refused link: its dial succeeds, and the link is closed at once.
            await Task.WhenAny(js.AskAsync("dial", new JsonObject { ["address"] = node.Addresses[0].ToString() })).Soon();
            await js.EventAsync("disconnected", gone => gone.GetProperty("peer").GetString() == node.PeerId.ToString());
            Assert.Empty(node.Links);
            var refusal = await Assert.ThrowsAsync<HandshakeException>(() => node.DialAsync(js.FullAddress));
            Assert.Equal(HandshakeFailure.RefusedLocally, refusal.Failure);
        }

        await node.DialAsync(js.FullAddress);
        Assert.Equal(js.Id, Assert.Single(node.Links).Peer);
    }

    [Theory]
    [InlineData(DisconnectMode.Mutual)]
    [InlineData(DisconnectMode.OneSided)]
    [InlineData(DisconnectMode.Forced)]
    public async Task A_js_peer_is_disconnected_pruned_and_blocked_like_any_peer(DisconnectMode mode)
    {
        await using var js = await JsPeer.StartAsync();
        await using var node = await Peers.StartAsync();
        var link = await node.DialAsync(js.FullAddress);
        var refused = await Assert.ThrowsAsync<LinkKindRefusedException>(() => node.SetKindAsync(js.Id, LinkKind.Transient));
        Assert.Contains("stays direct", refused.Message, StringComparison.Ordinal);
        Assert.True(await node.MarkPeerReadyAsync(js.Id));
        await node.WaitForReadyAsync([js.Id]).Soon();

        await node.DisconnectAsync(js.Id, mode, "enough").Soon();
        await js.EventAsync("disconnected", gone => gone.GetProperty("peer").GetString() == node.PeerId.ToString());
        Assert.Equal(mode == DisconnectMode.Forced ? CloseReason.Blocked : CloseReason.LocalClose, (await link.Connection.Closed.Soon()).Reason);
        if (mode == DisconnectMode.Forced) Assert.Equal(HandshakeFailure.RefusedLocally, (await Assert.ThrowsAsync<HandshakeException>(() => node.DialAsync(js.FullAddress))).Failure);
        else Assert.NotNull(await node.DialAsync(js.FullAddress));
    }

    private static async Task CountAsync(IStream stream, CancellationToken cancelled)
    {
        var count = 0;
        var buffer = new byte[16384];
        while (await stream.ReadAsync(buffer, cancelled) is > 0 and var read) count += read;
        await stream.WriteAsync(Encoding.UTF8.GetBytes(count.ToString(CultureInfo.InvariantCulture)), cancelled);
    }

    private static NodeIdentity IdentityBeside(PeerId other, bool smaller)
    {
        while (true)
        {
            var identity = NodeIdentity.Generate();
            if (identity.PeerId.CompareTo(other) < 0 == smaller) return identity;
            identity.Dispose();
        }
    }
}
