using System.Text.Json.Nodes;
using Starling.Interop.Tests.Support;
using Starling.Protocols.Links;

namespace Starling.Interop.Tests;

/// <summary>A stock js-libp2p peer is remembered and blocked like any other.</summary>
public sealed class JsBlockedTests
{
    [Fact]
    public async Task A_js_peer_is_remembered_with_its_signed_record_and_blocked_like_any_other()
    {
        await using var js = await JsPeer.StartAsync("noise");
        await using var node = await Peers.StartAsync();
        var recorded = new TaskCompletionSource<PeerEntry>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var observing = node.Peers.Observe((peer, entry) =>
        {
            if (peer == js.Id && entry is { RecordSequence: > 0 }) recorded.TrySetResult(entry);
        });
        await node.DialAsync(js.FullAddress);

        var known = await recorded.Task.Soon();
        Assert.True(PeerRecords.TryOpen(known.SignedRecord.Span, out var signer, out _, out var addresses));
        Assert.Equal(js.Id, signer);
        Assert.Contains(Multiaddr.Parse(js.Address), addresses);

        var closed = js.EventAsync("disconnected", told => told.GetProperty("peer").GetString() == node.PeerId.ToString());
        await node.BlockAsync(js.Id).Soon();
        await closed.Soon();
        Assert.Empty(node.Links);
        Assert.Equal(HandshakeFailure.RefusedLocally, (await Assert.ThrowsAsync<HandshakeException>(() => node.DialAsync(js.FullAddress))).Failure);

        // To js-libp2p a dial that is refused behind the handshake looks like a link that closes at once.
        closed = js.EventAsync("disconnected", told => told.GetProperty("peer").GetString() == node.PeerId.ToString());
        try
        {
            await js.AskAsync("dial", new JsonObject { ["address"] = node.Addresses[0].ToString() });
        }
        catch (JsPeerException)
        {
            // Or like one that was never made.
        }

        await closed.Soon();
        Assert.Empty(node.Links);
        await node.UnblockAsync(js.Id.ToString()).Soon();
        await node.DialAsync(js.FullAddress);
    }
}
