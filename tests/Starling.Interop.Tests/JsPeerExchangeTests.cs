using Starling.Interop.Tests.Support;

namespace Starling.Interop.Tests;

/// <summary>A stock js-libp2p peer signs its addresses in identify; Starling nodes understand the record and hand it on.</summary>
public sealed class JsPeerExchangeTests
{
    [Fact]
    public async Task A_js_peers_signed_record_is_handed_on_and_verified_by_a_third_node_that_then_dials_it()
    {
        await using var js = await JsPeer.StartAsync("noise");
        await using var middle = await Peers.StartAsync();
        await using var third = await Peers.StartAsync();
        await middle.DialAsync(js.FullAddress);
        await KnowsRecordAsync(middle, js.Id);
        await third.ConnectAsync(middle.Addresses[0]).Soon();

        Assert.Equal(1, await third.PeerExchange.AskAsync(middle.PeerId).Soon());

        var entry = third.Peers.Find(js.Id);
        Assert.NotNull(entry);
        Assert.True(Protocols.Links.PeerRecords.TryOpen(entry.SignedRecord.Span, out var signer, out _, out _));
        Assert.Equal(js.Id, signer);
        var link = await third.ConnectAsync(js.Id, [.. entry.Addresses.Select(address => address.Address)]).Soon();
        Assert.Equal(js.Id, link.Peer);
    }

    private static async Task KnowsRecordAsync(StarlingNode node, PeerId peer)
    {
        var known = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watching = node.Peers.Observe((_, _) => Look());
        Look();
        await known.Task.Soon();

        void Look()
        {
            if (node.Peers.Find(peer) is { SignedRecord.IsEmpty: false }) known.TrySetResult();
        }
    }
}
