using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Discovery;
using Starling.Net.Links;
using Starling.Net.Spread;
using Starling.Protocols.Links;
using Starling.Protocols.Spread;

namespace Starling.Net.Tests.Spread;

public sealed class OverlaySearchTests
{
    private static readonly SearchOptions One = new() { Limit = 1, Timeout = TimeSpan.FromSeconds(20) };
    private static readonly SearchOptions Quick = new() { Limit = 10, Timeout = TimeSpan.FromMilliseconds(300) };

    [Fact]
    public async Task Those_who_serve_a_subject_are_found_over_many_hops_and_nobody_else()
    {
        await using var network = await SpreadNetwork.StartAsync(6, links: [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]);
        var searches = Searches(network);
        using var far = searches[5].Serve("printers");
        using var near = searches[2].Serve("printers");
        using var other = searches[3].Serve("scanners");
        var found = await searches[0].SearchAsync("printers", new SearchOptions { Limit = 2, Timeout = TimeSpan.FromSeconds(20) }).ToListAsync().Soon();
        Assert.Equal(new[] { network[2].Node.Id, network[5].Node.Id }.Order(), found.Select(one => one.Peer).Order());
        Assert.All(found, one => Assert.Equal(network.Nodes.Single(node => node.Node.Id.Equals(one.Peer)).Node.Addresses, one.Addresses));
        Assert.All(found, one => Assert.True(PeerRecords.TryOpen(one.Record.Envelope.Span, out _, out _, out _)));
        var link = await network[0].Node.Swarm.ConnectAsync(found[0].Peer, found[0].Addresses).Soon();
        Assert.Equal(found[0].Peer, link.Peer);
    }

    [Fact]
    public async Task Results_stream_in_until_the_time_is_over_and_each_peer_is_there_once()
    {
        await using var network = await SpreadNetwork.StartAsync(4, links: [0, 1, 1, 2, 2, 3, 3, 0]);
        var searches = Searches(network);
        foreach (var search in searches) search.Serve("all");
        var found = await searches[0].SearchAsync("all", One with { Limit = 3, RepeatAfter = TimeSpan.FromMilliseconds(50) }).ToListAsync().Soon();
        Assert.Equal(3, found.Select(one => one.Peer).Distinct().Count());
        found = await searches[0].SearchAsync("all", Quick with { RepeatAfter = TimeSpan.FromMilliseconds(50) }).ToListAsync().Soon();
        Assert.Equal(found.Count, found.Select(one => one.Peer).Distinct().Count());
        Assert.Empty(await searches[0].SearchAsync("nobody", Quick with { Timeout = TimeSpan.FromMilliseconds(100) }).ToListAsync().Soon());
    }

    [Fact]
    public async Task The_hops_bound_a_search()
    {
        await using var network = await SpreadNetwork.StartAsync(4, links: [0, 1, 1, 2, 2, 3]);
        var searches = Searches(network);
        foreach (var search in searches) search.Serve("all");
        var found = await searches[0].SearchAsync("all", One with { Ttl = 2, Limit = 2 }).ToListAsync().Soon();
        Assert.Equal(new[] { network[1].Node.Id, network[2].Node.Id }.Order(), found.Select(one => one.Peer).Order());
        Assert.Equal(0, searches[3].Answered);
    }

    [Fact]
    public async Task A_search_finds_who_comes_after_it_has_begun()
    {
        await using var network = await SpreadNetwork.StartAsync(2);
        var searches = Searches(network);
        await using var search = searches[0].SearchAsync("late", new SearchOptions { Limit = 1, Timeout = TimeSpan.FromSeconds(20), RepeatAfter = TimeSpan.FromMilliseconds(50) }).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var next = search.MoveNextAsync().AsTask();
        await network.LinkAsync(0, 1);
        using var serving = searches[1].Serve("late");
        Assert.True(await next.Soon());
        Assert.Equal(network[1].Node.Id, search.Current.Peer);
        Assert.False(await search.MoveNextAsync().Soon());
    }

    [Fact]
    public async Task A_node_answers_whom_it_chooses_and_nothing_once_it_serves_no_more()
    {
        await using var network = await SpreadNetwork.StartAsync(3, links: [0, 1, 2, 1]);
        var searches = Searches(network);
        var asker = network[0].Node;
        var serving = searches[1].Serve("mine", query => query.Asker?.Peer.Equals(asker.Id) == true);
        Assert.Single(await searches[0].SearchAsync("mine", One).ToListAsync().Soon());
        Assert.Empty(await searches[0].SearchAsync("mine", Quick with { TellAsker = false }).ToListAsync().Soon());
        Assert.Empty(await searches[2].SearchAsync("mine", Quick).ToListAsync().Soon());
        var second = searches[1].Serve("mine");
        serving.Dispose();
        Assert.Single(await searches[2].SearchAsync("mine", One).ToListAsync().Soon());
        second.Dispose();
        second.Dispose();
        Assert.Empty(searches[1].Served);
    }

    [Fact]
    public async Task Forged_and_replayed_answers_are_refused_on_their_way_and_counted()
    {
        await using var network = await SpreadNetwork.StartAsync(3, links: [0, 1]);
        var searches = Searches(network);
        using var honest = NodeIdentity.Generate();
        var liar = network[2];
        await network.LinkAsync(1, 2);
        var record = PeerRecords.Seal(honest, 1, [network[1].Node.Address]);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        searches[2].Dispose();
        liar.Spread.Register(new SpreadKind(OverlaySearch.KindNumber, "lies"), new SpreadHandlers
        {
            OnItem = async (item, _) =>
            {
                var forged = record.ToArray();
                forged[^1] ^= 1;
                using var own = NodeIdentity.Generate();
                await liar.Spread.ReplyAsync(item, SearchCodec.WriteAnswer(item.Item.Id, "s", record, liar.Node.Identity));
                await liar.Spread.ReplyAsync(item, SearchCodec.WriteAnswer(new SpreadId(1), "s", record, honest));
                await liar.Spread.ReplyAsync(item, SearchCodec.WriteAnswer(item.Item.Id, "s", forged, honest));
                await liar.Spread.ReplyAsync(item, new byte[] { 1, 2, 3 });
                await liar.Spread.ReplyAsync(item, SearchCodec.WriteAnswer(item.Item.Id, "other", record, honest));
                await liar.Spread.ReplyAsync(item, SearchCodec.WriteAnswer(item.Item.Id, "s", record, honest));
                done.SetResult();
            },
        });
        var found = await searches[0].SearchAsync("s", One with { RepeatAfter = TimeSpan.FromMinutes(1) }).ToListAsync().Soon();
        await done.Task.Soon();
        Assert.Equal(honest.PeerId, Assert.Single(found).Peer);
        Assert.Equal(4, network[1].Spread.Counters.Refused(SpreadRefusal.BadReply));
        Assert.Equal(2, network[0].Spread.Counters.RepliesDelivered);
    }

    [Fact]
    public async Task Searches_end_with_an_exception_when_they_are_cancelled_the_node_stops_or_there_are_too_many()
    {
        await using var network = await SpreadNetwork.StartAsync(1);
        using var search = new OverlaySearch(network[0].Spread, network[0].Node.Identity, Record(network[0]), new OverlaySearchOptions { MaxSearches = 1, MaxSubjects = 1 });
        using var cancel = new CancellationTokenSource();
        var first = search.SearchAsync("a", new SearchOptions { Timeout = TimeSpan.FromMinutes(1) }, cancel.Token).ToListAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => search.SearchAsync("b").ToListAsync().Soon());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.Soon());
        var second = search.SearchAsync("a", new SearchOptions { Timeout = TimeSpan.FromMinutes(1) }).ToListAsync();
        search.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second.Soon());
        using var serving = search.Serve("a");
        using var again = search.Serve("a");
        Assert.Throws<InvalidOperationException>(() => search.Serve("b"));
        Assert.Throws<ArgumentException>(() => search.Serve(""));
        Assert.Throws<ArgumentException>(() => search.Serve(new string('x', 257)));
        Assert.Throws<ArgumentException>(() => search.Serve("\ud800"));
        Assert.Throws<ArgumentOutOfRangeException>(() => search.SearchAsync("a", new SearchOptions { Limit = 0 }));
    }

    [Fact]
    public async Task A_malformed_query_is_counted_and_not_answered()
    {
        await using var network = await SpreadNetwork.StartAsync(2, links: [0, 1]);
        var searches = Searches(network);
        using var serving = searches[1].Serve("a");
        var kind = new SpreadKind(OverlaySearch.KindNumber, "search");
        await network[0].Spread.PublishAsync(kind, new byte[] { 1, 2, 3 });
        await network[0].Spread.PublishAsync(kind, SearchCodec.WriteQuery("a", new byte[] { 9 }));
        Assert.Single(await searches[0].SearchAsync("a", One).ToListAsync().Soon());
        Assert.Equal((2, 1), (searches[1].Malformed, searches[1].Answered));
    }

    [Fact]
    public async Task The_overlay_discovery_finds_and_is_found_beyond_its_neighbours()
    {
        await using var network = await SpreadNetwork.StartAsync(4, links: [0, 1, 1, 2, 2, 3]);
        var searches = Searches(network);
        await using var left = Discovery(network[0], searches[0]);
        await using var right = Discovery(network[3], searches[3]);
        await right.StartAsync();
        await left.StartAsync();
        await left.StartAsync();
        await foreach (var found in left.FindAsync(new DiscoverySearch { Limit = 1, Timeout = TimeSpan.FromSeconds(20) }))
        {
            Assert.Equal((network[3].Node.Id, "overlay"), (found.Peer, found.Source));
            Assert.Equal(network[3].Node.Addresses, found.Addresses);
        }

        Assert.Equal(network[3].Node.Id, Assert.Single(left.Known).Peer);
        Assert.False(((IDiscovery)left).CanBeacon);
        await left.StopAsync().Soon();
        Assert.Empty(left.Known);
        Assert.Empty(searches[0].Served);
        Assert.Throws<StarlingException>(() => left.FindAsync());
    }

    [Fact]
    public void Queries_and_answers_cut_or_changed_anywhere_are_refused()
    {
        using var identity = NodeIdentity.Generate();
        var record = PeerRecords.Seal(identity, 1, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1")]);
        var id = new SpreadId(5);
        var answer = SearchCodec.WriteAnswer(id, "subject", record, identity);
        Assert.True(SearchCodec.TryReadAnswer(id, answer, out var read));
        Assert.Equal((identity.PeerId, "subject"), (read.Record.Peer, read.Subject));
        for (var length = 0; length < answer.Length; length++) Assert.False(SearchCodec.TryReadAnswer(id, answer.AsMemory(0, length), out _));
        for (var at = 0; at < answer.Length; at++)
        {
            var changed = answer.ToArray();
            changed[at] ^= 0x10;
            Assert.False(SearchCodec.TryReadAnswer(id, changed, out _), $"byte {at}");
        }

        var query = SearchCodec.WriteQuery("subject", record);
        Assert.True(SearchCodec.TryReadQuery(query, out var asked));
        Assert.Equal((identity.PeerId, "subject"), (asked.Asker!.Peer, asked.Subject));
        Assert.False(SearchCodec.TryReadQuery(query.AsMemory(0, query.Length - 1), out _));
    }

    private static OverlaySearch[] Searches(SpreadNetwork network) =>
        [.. network.Nodes.Select(node => new OverlaySearch(node.Spread, node.Node.Identity, Record(node)))];

    private static OwnPeerRecord Record(SpreadTestNode node) => new(node.Node.Identity, () => node.Node.Swarm.ListenAddresses, node.Node.Clock);

    private static OverlayDiscovery Discovery(SpreadTestNode node, OverlaySearch search) =>
        new(search, new OverlaySearchOptions(), new DiscoveryContext(node.Node.Id, new DiscoveryOptions()) { Metrics = new DiscoveryMetrics(), Host = node.Node.Swarm, Loggers = NullLoggerFactory.Instance });
}
