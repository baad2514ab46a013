using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Exchange;
using Starling.Net.Links;
using Starling.Net.Tests.PubSub;
using Starling.Protocols.Discovery;

namespace Starling.Net.Tests.Exchange;

public sealed class GoneTellerTests
{
    [Fact]
    public async Task What_a_peer_sent_before_its_link_ended_leaves_nothing_behind()
    {
        await using var teller = new FakeHost();
        await using var host = new FakeHost();
        using var metrics = new PeersMetrics();
        await using var book = new PeerBook(host.LocalPeer, new PeerBookOptions(), TimeProvider.System, metrics, NullLogger.Instance);
        await using var exchange = new PeerExchange(host, book, new OwnPeerRecord(host.Identity, static () => [], TimeProvider.System));
        FakeHost.Link(teller, host);
        var stream = await teller.Find(host.LocalPeer)!.OpenStreamAsync([ExchangeCodec.Protocol]);
        var message = ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.Refreshing));
        host.EndLink(teller);
        await stream.WriteLengthDelimitedAsync(message);
        await stream.CloseWriteAsync();
        await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, exchange.PeersCounted);
    }
}
