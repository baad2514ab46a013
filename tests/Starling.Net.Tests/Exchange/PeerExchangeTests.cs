using Starling.Net.Discovery;
using Starling.Net.Exchange;
using Starling.Net.Tests.Spread;
using Starling.Protocols.Discovery;
using Starling.Protocols.Links;

namespace Starling.Net.Tests.Exchange;

public sealed class PeerExchangeTests
{
    private static readonly PeerExchangeOptions Slow = new() { Interval = TimeSpan.FromHours(12), LeastInterval = TimeSpan.FromHours(1) };

    [Fact]
    public async Task A_neighbour_tells_whom_it_is_linked_with_and_they_can_be_dialled()
    {
        await using var network = await ExchangeNetwork.StartAsync(4, Slow, 0, 1, 1, 2, 1, 3);
        await network[0].Exchange.StartAsync();
        Assert.Equal(2, await network[0].Exchange.AskAsync(network[1].Id).Soon());
        var found = new[] { await network[0].NextFoundAsync(), await network[0].NextFoundAsync() };
        Assert.Equal(new[] { network[2].Id, network[3].Id }.Order(), found.Select(one => one.Peer!).Order());
        Assert.All(found, one => Assert.Equal("peer-exchange", one.Source));
        var link = await network[0].Node.Swarm.ConnectAsync(found[0].Peer, found[0].Addresses).Soon();
        Assert.Equal(found[0].Peer, link.Peer);
        var entry = network[0].Book.Find(found[1].Peer!)!;
        Assert.Equal(AddressSource.SignedRecord, entry.Addresses[0].Source);

        Assert.Equal(0, await network[0].Exchange.AskAsync(network[1].Id).Soon());
        Assert.True(network[0].Exchange.Records(RecordOutcome.Known) >= 2);
    }

    [Fact]
    public async Task A_list_has_its_sender_first_keeps_its_bound_and_leaves_the_asker_out()
    {
        await using var network = await ExchangeNetwork.StartAsync(5, Slow, 0, 1, 1, 2, 1, 3, 1, 4);
        foreach (var (max, count) in new[] { (1, 1), (2, 2), (3, 3), (200, 4) })
        {
            var list = await AskRawAsync(network[0], network[1], max);
            Assert.Equal(count, list.Count);
            Assert.Equal(network[1].Id, list[0].Peer);
            Assert.DoesNotContain(list, record => record.Peer.Equals(network[0].Id));
        }
    }

    [Fact]
    public async Task A_peer_that_was_only_heard_of_is_not_told_on_and_one_that_has_left_is_for_a_while()
    {
        await using var network = await ExchangeNetwork.StartAsync(4, Slow, 0, 1, 1, 2);
        await network[0].Exchange.AskAsync(network[1].Id).Soon();
        Assert.NotNull(network[0].Book.Find(network[2].Id));
        await network.LinkAsync(3, 0);
        Assert.Equal(new[] { network[0].Id, network[1].Id }, (await AskRawAsync(network[3], network[0], 64)).Select(record => record.Peer));

        await network[1].Node.Swarm.DisconnectAsync(network[2].Id).Soon();
        Assert.Contains(await AskRawAsync(network[0], network[1], 64), record => record.Peer.Equals(network[2].Id));
        network[1].Book.Failed(network[2].Id);
        Assert.DoesNotContain(await AskRawAsync(network[0], network[1], 64), record => record.Peer.Equals(network[2].Id));
    }

    [Fact]
    public async Task Forged_replayed_own_and_foreign_records_are_refused_and_counted()
    {
        await using var network = await ExchangeNetwork.StartAsync(2, Slow, 0, 1);
        using var third = NodeIdentity.Generate();
        Multiaddr[] addresses = [Multiaddr.Parse("/ip4/127.0.0.1/tcp/9")];
        var (older, newer) = (PeerRecords.Seal(third, 5, addresses), PeerRecords.Seal(third, 6, addresses));
        var forged = PeerRecords.Seal(third, 7, addresses);
        forged[^3] ^= 1;
        var exchange = network[0].Exchange;
        await TellRawAsync(network[1], network[0], newer, older, newer, forged, network[0].Own.Envelope, new byte[] { 1, 2, 3 });
        Assert.Equal((1, 1, 1, 2, 1), (exchange.Records(RecordOutcome.News), exchange.Records(RecordOutcome.Stale), exchange.Records(RecordOutcome.Known), exchange.Records(RecordOutcome.Forged), exchange.Records(RecordOutcome.Own)));
        Assert.Equal(6ul, network[0].Book.Find(third.PeerId)!.RecordSequence);
    }

    [Fact]
    public async Task A_dead_peer_is_not_brought_back_by_hearsay_and_is_no_candidate_any_more()
    {
        await using var network = await ExchangeNetwork.StartAsync(3, Slow, 0, 1, 1, 2);
        await network[0].Exchange.StartAsync();
        await network[0].Exchange.AskAsync(network[1].Id).Soon();
        Assert.Equal(network[2].Id, (await network[0].NextFoundAsync()).Peer);
        network[0].Book.Failed(network[2].Id);
        Assert.Equal(network[2].Id, (await network[0].NextLostAsync()).Peer);
        await network[0].Exchange.AskAsync(network[1].Id).Soon();
        Assert.False(network[0].HasFound);
        Assert.True(network[0].Book.Find(network[2].Id)!.IsDead);
    }

    [Fact]
    public async Task A_refresh_pings_asks_and_tells_and_neighbours_postpone_their_own()
    {
        await using var network = await ExchangeNetwork.StartAsync(4, Slow, 0, 1, 0, 2, 2, 3);
        await network[1].Exchange.StartAsync();
        var before = network[1].Exchange.NextRefresh;
        var result = await network[0].Exchange.RefreshAsync().Soon();
        Assert.Equal(new RefreshResult(Alive: 2, Silent: 0, Asked: 2, Answered: 2, News: 1, Told: 2), result);
        Assert.Equal(network[2].Id, (await network[1].NextFoundAsync()).Peer);
        Assert.Equal(0, (await network[0].Exchange.RefreshAsync().Soon()).News);
        Assert.True(network[1].Exchange.NextRefresh > before, "Nothing was new the second time: only the postponing counts.");
        Assert.Equal(2, await network[0].Exchange.BroadcastPeersAsync().Soon());
    }

    [Fact]
    public async Task A_new_neighbour_brings_the_refresh_forward_and_lists_cross_the_network()
    {
        var options = new PeerExchangeOptions { Interval = TimeSpan.FromMinutes(30), LeastInterval = TimeSpan.FromMilliseconds(100) };
        await using var network = await ExchangeNetwork.StartAsync(3, options);
        foreach (var node in network.Nodes) await node.Exchange.StartAsync();
        await network.LinkAsync(0, 1);
        await network.LinkAsync(1, 2);
        while ((await network[0].NextFoundAsync()).Peer is { } peer && !peer.Equals(network[2].Id)) continue;
        while ((await network[2].NextFoundAsync()).Peer is { } peer && !peer.Equals(network[0].Id)) continue;
    }

    [Fact]
    public async Task Finding_asks_now_and_ends_in_time()
    {
        await using var network = await ExchangeNetwork.StartAsync(3, Slow, 0, 1, 1, 2);
        await network[0].Exchange.StartAsync();
        for (var i = 0; i < 2; i++)
        {
            var found = await network[0].Exchange.FindAsync(new DiscoverySearch { Limit = 1, Timeout = TimeSpan.FromSeconds(20), MaxAge = TimeSpan.Zero }).ToListAsync().Soon();
            Assert.Equal(network[2].Id, Assert.Single(found).Peer);
        }

        await network[0].Exchange.StopAsync().Soon();
        Assert.Empty(network[0].Exchange.Known);
        Assert.Throws<StarlingException>(() => network[0].Exchange.FindAsync());
        await network[0].Exchange.StartAsync();
        Assert.True(network[0].Exchange.IsRunning);
    }

    [Fact]
    public async Task What_one_peer_may_make_this_node_do_is_bounded()
    {
        var options = new PeerExchangeOptions { Interval = Slow.Interval, LeastInterval = Slow.LeastInterval, MaxVerifications = 10, MaxMessages = 5 };
        await using var network = await ExchangeNetwork.StartAsync(2, options, 0, 1);
        var records = Enumerable.Range(0, 15).Select(_ =>
        {
            using var identity = NodeIdentity.Generate();
            return (ReadOnlyMemory<byte>)PeerRecords.Seal(identity, 1, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/9")]);
        }).ToArray();
        await TellRawAsync(network[1], network[0], records);
        Assert.Equal((10, 5), (network[0].Exchange.Records(RecordOutcome.News), network[0].Exchange.Records(RecordOutcome.Flooded)));
        for (var i = 0; i < 4; i++) await AskRawAsync(network[1], network[0], 1);
        await Assert.ThrowsAnyAsync<StarlingException>(() => AskRawAsync(network[1], network[0], 1));
    }

    [Fact]
    public async Task Garbage_silence_and_a_wrong_answer_end_the_exchange_with_an_error()
    {
        var options = new PeerExchangeOptions { Interval = Slow.Interval, LeastInterval = Slow.LeastInterval, Timeout = TimeSpan.FromMilliseconds(300) };
        await using var network = await ExchangeNetwork.StartAsync(2, options, 0, 1);
        foreach (var garbage in new byte[][] { [0xff, 0xff, 0xff, 0xff, 0x7f], [2, 0x99, 0x99], [0] })
        {
            await using var stream = await OpenAsync(network[1], network[0]);
            await stream.WriteAsync(garbage);
            await Assert.ThrowsAsync<StreamResetException>(() => stream.ReadAsync(new byte[1]).Soon());
        }

        await using var silent = await OpenAsync(network[1], network[0]);
        await silent.WriteAsync(new byte[] { 9 });
        await Assert.ThrowsAsync<StreamResetException>(() => silent.ReadAsync(new byte[1]).Soon());

        await network[1].Exchange.DisposeAsync();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var liar = network[1].Node.Swarm.Handle(ExchangeCodec.Protocol, async (stream, cancelled) =>
        {
            await stream.WriteLengthDelimitedAsync(ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.Refreshing)), cancelled);
            go.TrySetResult();
        });
        await Assert.ThrowsAsync<ProtocolViolationException>(() => network[0].Exchange.AskAsync(network[1].Id).Soon());
        await go.Task.Soon();
        var result = await network[0].Exchange.RefreshAsync().Soon();
        Assert.Equal((1, 0), (result.Alive, result.Answered));
        using var stranger = NodeIdentity.Generate();
        await Assert.ThrowsAsync<StarlingException>(() => network[0].Exchange.AskAsync(stranger.PeerId));
    }

    [Fact]
    public async Task A_node_that_does_not_take_part_neither_answers_nor_starts()
    {
        await using var network = await ExchangeNetwork.StartAsync(2, new PeerExchangeOptions { Enabled = false }, 0, 1);
        await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => network[0].Exchange.AskAsync(network[1].Id).Soon());
        var error = await Assert.ThrowsAsync<StarlingException>(() => network[0].Exchange.StartAsync());
        Assert.Contains("PeerExchange:Enabled", error.Message, StringComparison.Ordinal);
        var problems = new OptionProblems("PeerExchange");
        new PeerExchangeOptions { Interval = TimeSpan.FromSeconds(5), MaxRecords = 257, AskCount = 0 }.Check(problems);
        Assert.Equal(3, problems.All.Count);
    }

    private static async Task<List<SignedPeerRecord>> AskRawAsync(ExchangeNode asker, ExchangeNode asked, int max)
    {
        await using var stream = await OpenAsync(asker, asked);
        await stream.WriteLengthDelimitedAsync(ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.Request, max)));
        await stream.CloseWriteAsync();
        var bytes = await stream.ReadLengthDelimitedAsync(ExchangeCodec.MaxMessageBytes).Soon();
        Assert.True(ExchangeCodec.TryRead(bytes, out var message, out _));
        return [.. message.Records!.Select(envelope => SignedPeerRecord.TryOpen(envelope.Span, out var record) ? record : throw new InvalidOperationException("A record does not hold."))];
    }

    private static async Task TellRawAsync(ExchangeNode teller, ExchangeNode told, params ReadOnlyMemory<byte>[] records)
    {
        await using var stream = await OpenAsync(teller, told);
        await stream.WriteLengthDelimitedAsync(ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.List, Records: records)));
        await stream.CloseWriteAsync();
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).Soon());
    }

    private static Task<IStream> OpenAsync(ExchangeNode from, ExchangeNode to) => from.Node.Swarm.Find(to.Id)!.OpenStreamAsync([ExchangeCodec.Protocol]).Soon();
}
