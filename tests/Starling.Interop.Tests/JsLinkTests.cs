using System.Text.Json.Nodes;
using Starling.Interop.Tests.Support;
using Starling.Net.Links;

namespace Starling.Interop.Tests;

/// <summary>Links between a Starling node and a stock js-libp2p one, whoever dials, over both security protocols and both ways to agree on the multiplexer.</summary>
public sealed class JsLinkTests
{
    public static TheoryData<string, bool> Ways => new() { { "tls", true }, { "tls", false }, { "noise", true }, { "noise", false } };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_js_peer_that_we_dial_is_linked_identified_and_pinged(string security, bool earlyMuxer)
    {
        await using var js = await JsPeer.StartAsync(security, earlyMuxer);
        await using var node = await Peers.StartAsync();

        var link = await node.DialAsync(js.FullAddress);

        Assert.Equal(Direction.Outbound, link.Connection.Direction);
        await CheckAsync(node, js, link, security);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_js_peer_that_dials_us_is_linked_identified_and_pinged(string security, bool earlyMuxer)
    {
        await using var js = await JsPeer.StartAsync(security, earlyMuxer);
        await using var node = await Peers.StartAsync();

        await js.AskAsync("dial", new JsonObject { ["address"] = node.Addresses[0].ToString() });
        var link = await node.LinkedAsync(js.Id).Soon();

        Assert.Equal(Direction.Inbound, link.Connection.Direction);
        await CheckAsync(node, js, link, security);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("noise")]
    public async Task A_js_peer_with_another_id_than_the_dialled_one_is_refused(string security)
    {
        await using var js = await JsPeer.StartAsync(security);
        await using var node = await Peers.StartAsync();
        using var other = NodeIdentity.Generate();

        var refusal = await Assert.ThrowsAsync<HandshakeException>(() => node.DialAsync($"{js.Address}/p2p/{other.PeerId}"));

        Assert.Equal(HandshakeFailure.PeerIdMismatch, refusal.Failure);
        Assert.Contains(js.Id.ToString(), refusal.Message, StringComparison.Ordinal);
        Assert.Empty(node.Links);
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("noise")]
    public async Task A_js_peer_refuses_us_when_it_dialled_another_id(string security)
    {
        await using var js = await JsPeer.StartAsync(security);
        await using var node = await Peers.StartAsync();
        using var other = NodeIdentity.Generate();

        await Assert.ThrowsAsync<JsPeerException>(() =>
            js.AskAsync("dial", new JsonObject { ["address"] = $"{node.Addresses[0].WithoutPeerId()}/p2p/{other.PeerId}" }));

        Assert.Empty(node.Links);
    }

    private static async Task CheckAsync(StarlingNode node, JsPeer js, IPeerLink link, string security)
    {
        Assert.Equal(js.Id, link.Peer);
        Assert.Equal(security == "tls" ? "/tls/1.0.0" : "/noise", link.Connection.Security);
        Assert.Equal("/yamux/1.0.0", link.Connection.Muxer);

        // What it told us, and what we told it.
        Assert.Equal("interop-peer/1.0.0", link.Info.AgentVersion);
        Assert.Contains("/ipfs/ping/1.0.0", link.Info.Protocols);
        Assert.Contains(JsPeer.Sink, link.Info.Protocols);
        Assert.StartsWith("/ip4/127.0.0.1/tcp/", link.Info.ObservedAddress?.ToString(), StringComparison.Ordinal);
        Assert.Contains(Multiaddr.Parse(js.Address), link.Info.ListenAddresses);
        var ours = await js.EventAsync("identified", e => e.GetProperty("peer").GetString() == node.PeerId.ToString());
        Assert.StartsWith("starling/", ours.GetProperty("agent").GetString(), StringComparison.Ordinal);
        var protocols = ours.GetProperty("protocols").EnumerateArray().Select(p => p.GetString()).ToList();
        Assert.Contains("/ipfs/ping/1.0.0", protocols);
        Assert.Contains("/ipfs/id/1.0.0", protocols);
        Assert.Contains(node.Addresses[0].WithoutPeerId().ToString(), ours.GetProperty("addresses").EnumerateArray().Select(a => a.GetString()));
        Assert.StartsWith("/ip4/127.0.0.1/tcp/", ours.GetProperty("observed").GetString(), StringComparison.Ordinal);

        Assert.True(await node.PingAsync(js.Id, TestContext.Current.CancellationToken).Soon() > TimeSpan.Zero);
        var ping = await js.AskAsync("ping", new JsonObject { ["peer"] = node.PeerId.ToString() });
        Assert.True(ping.GetProperty("milliseconds").GetDouble() >= 0);
    }
}
