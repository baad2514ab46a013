using Starling.Net.Spread;
using Starling.Protocols.Spread;

namespace Starling.Tests;

public sealed class OverlayTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Nodes_find_who_serves_a_subject_beyond_their_neighbours()
    {
        await using var left = await StarlingNode.StartAsync();
        await using var middle = await StarlingNode.StartAsync();
        await using var right = await StarlingNode.StartAsync();
        await left.ConnectAsync(middle.Addresses[0]).WaitAsync(Patience);
        await right.ConnectAsync(middle.Addresses[0]).WaitAsync(Patience);
        using var serving = right.Serve("printers");
        await foreach (var found in left.SearchAsync("printers", new SearchOptions { Limit = 1, Timeout = Patience }))
        {
            Assert.Equal(right.PeerId, found.Peer);
            var link = await left.ConnectAsync(found.Peer, found.Addresses).WaitAsync(Patience);
            Assert.Equal(right.PeerId, link.Peer);
        }

        Assert.Equal(1, right.Search.Answered);
    }

    [Fact]
    public async Task An_item_spreads_over_whole_nodes_and_its_answer_comes_back()
    {
        await using var left = await StarlingNode.StartAsync();
        await using var middle = await StarlingNode.StartAsync(new StarlingOptions { Spread = { RelayUnknownKinds = true } });
        await using var right = await StarlingNode.StartAsync();
        await left.ConnectAsync(middle.Addresses[0]).WaitAsync(Patience);
        await right.ConnectAsync(middle.Addresses[0]).WaitAsync(Patience);
        var kind = SpreadKind.Named("test/question") with { Signed = true };
        var answered = new TaskCompletionSource<byte>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var answering = right.Spread.Register(kind, new SpreadHandlers { OnItem = async (item, _) => await right.Spread.ReplyAsync(item, new[] { (byte)(item.Payload.Span[0] + 1) }) });
        using var asking = left.Spread.Register(kind, new SpreadHandlers
        {
            OnReply = (answer, _) =>
            {
                answered.SetResult(answer.Payload.Span[0]);
                return ValueTask.CompletedTask;
            },
        });
        await left.Spread.PublishAsync(kind, new byte[] { 41 });
        Assert.Equal(42, await answered.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task Nodes_that_exchange_peers_link_with_the_neighbours_of_their_neighbours()
    {
        await using var middle = await StarlingNode.StartAsync(Exchanging());
        await using var left = await StarlingNode.StartAsync(Exchanging(middle));
        await using var right = await StarlingNode.StartAsync(Exchanging(middle));
        await foreach (var happened in left.EventsAsync().WithCancellation(new CancellationTokenSource(Patience).Token))
        {
            if (happened is NodeEvent.Connected { Link.Peer: var peer } && peer.Equals(right.PeerId)) break;
        }
    }

    [Fact]
    public async Task A_user_judges_what_is_delivered_and_trouble_with_spread_is_among_the_events_of_a_node()
    {
        await using var node = await StarlingNode.StartAsync();
        await using var other = await StarlingNode.StartAsync();
        await using var events = node.EventsAsync().GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
        await other.ConnectAsync(node.Addresses[0]).WaitAsync(Patience);
        var taken = new TaskCompletionSource<byte>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reports = SpreadKind.Named("test/reports");

        using var kind = node.Spread.Register(reports, new SpreadHandlers { OnItem = TakeAsync });
        using var judge = node.Spread.AddValidator(reports, async (item, cancelled) => await AskUserAsync(item, cancelled) ? SpreadVerdict.Accept : SpreadVerdict.Reject);

        await other.Spread.PublishAsync(SpreadKind.Named("test/unknown"), new byte[] { 1 });
        await other.Spread.PublishAsync(reports, new byte[] { 1 });
        await other.Spread.PublishAsync(reports, new byte[] { 2 });
        Assert.Equal(2, await taken.Task.WaitAsync(Patience));
        while (await events.MoveNextAsync().AsTask().WaitAsync(Patience))
        {
            if (events.Current is not NodeEvent.SpreadRefused refused) continue;
            Assert.Equal((other.PeerId, SpreadKind.Named("test/unknown").Number, SpreadRefusal.UnknownKind, 1), (refused.From, refused.Kind, refused.Why, refused.Count));
            break;
        }

        ValueTask TakeAsync(SpreadDelivery item, CancellationToken cancellationToken)
        {
            taken.SetResult(item.Payload.Span[0]);
            return ValueTask.CompletedTask;
        }

        static ValueTask<bool> AskUserAsync(SpreadDelivery item, CancellationToken cancellationToken) => ValueTask.FromResult(item.Payload.Span[0] != 1);
    }

    [Fact]
    public async Task The_programs_of_the_page_on_spread_do_what_it_says()
    {
        await using var node = await StarlingNode.StartAsync();
        await using var other = await StarlingNode.StartAsync();
        await other.ConnectAsync(node.Addresses[0]).WaitAsync(Patience);
        var taken = new TaskCompletionSource<byte>(TaskCreationOptions.RunContinuationsAsynchronously);
        byte[] bytes = [7];

        var prices = SpreadKind.Named("shop/prices");
        using var taking = node.Spread.Register(prices, new SpreadHandlers { OnItem = (item, cancelled) => Take(item.Payload, cancelled) });
        await node.Spread.PublishAsync(prices, bytes, ttl: 4);

        await other.Spread.PublishAsync(prices, bytes, ttl: 1);
        Assert.Equal(7, await taken.Task.WaitAsync(Patience));

        using var serving = node.Serve("printers");
        await foreach (var found in other.SearchAsync("printers", new SearchOptions { Limit = 1 })) await other.ConnectAsync(found.Peer, found.Addresses);

        Assert.Equal(1, node.Search.Answered);

        ValueTask Take(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            taken.SetResult(payload.Span[0]);
            return ValueTask.CompletedTask;
        }
    }

    private static StarlingOptions Exchanging(StarlingNode? entry = null)
    {
        var options = new StarlingOptions { Discovery = { Providers = ["peer-exchange"] }, PeerExchange = { LeastInterval = TimeSpan.FromMilliseconds(200) } };
        if (entry is not null) options.Bootstrap.Add(entry.Addresses[0].ToString());
        return options;
    }
}
