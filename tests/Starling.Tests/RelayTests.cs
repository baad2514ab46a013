using System.Threading.Channels;
using Starling.Net.Messages;
using Starling.Net.PubSub;
using Starling.Net.Spread;

namespace Starling.Tests;

/// <summary>What nodes hand on for others, on lines and in rings, over whole nodes.</summary>
public sealed class RelayTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly SpreadKind News = SpreadKind.Named("test/news") with { Degree = 0 };

    [Fact]
    public async Task A_root_relays_searches_and_what_spreads_and_keeps_nothing()
    {
        await using var root = await StarlingNode.StartAsync(new StarlingOptions { Role = NodeRole.Root });
        await using var left = await StarlingNode.StartAsync();
        await using var right = await StarlingNode.StartAsync();
        await using var events = root.EventsAsync().GetAsyncEnumerator();
        await NextAsync<NodeEvent.Listening>(events);
        await left.ConnectAsync(root.Addresses[0]).WaitAsync(Patience);
        await right.ConnectAsync(root.Addresses[0]).WaitAsync(Patience);
        for (var linked = 0; linked < 2; linked++) await NextAsync<NodeEvent.Connected>(events);
        Assert.Equal(NodeRole.Root, root.Role);

        var (got, kept) = (new Inbox(), News with { Keep = true });
        using var taking = right.Spread.Register(kept, got.Spread);
        await left.Spread.PublishAsync(kept, new byte[] { 7 });
        Assert.Equal(7, await got.NextAsync());

        await using var subscription = await right.SubscribeAsync("prices");
        Assert.Equal([right.PeerId], await left.PairAsync("prices").WaitAsync(Patience));

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(async () => await root.SubscribeAsync("prices"));
        Assert.Contains("root", refused.Message, StringComparison.Ordinal);
        Assert.Empty(root.Topics.Topics);
        Assert.Equal(new[] { left.PeerId, right.PeerId }.ToHashSet(), root.Peers.Peers.Select(peer => peer.Peer).ToHashSet());
        Assert.False(root.Peers.Add(NodeIdentity.Generate().PeerId, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001")], Protocols.Links.AddressSource.Discovery));

        // What it has handed on it does not offer to who comes later.
        await using var late = await StarlingNode.StartAsync();
        var latest = new Inbox();
        using var taken = late.Spread.Register(kept, latest.Spread);
        await late.ConnectAsync(root.Addresses[0]).WaitAsync(Patience);
        await NextAsync<NodeEvent.Connected>(events);
        await left.Spread.PublishAsync(kept, new byte[] { 8 });
        Assert.Equal(8, await latest.NextAsync());

        var gone = late.PeerId;
        await late.StopAsync().WaitAsync(Patience);
        Assert.Equal(gone, (await NextAsync<NodeEvent.Disconnected>(events)).Link.Peer);
        Assert.Null(root.Peers.Find(gone));
    }

    [Fact]
    public async Task A_root_is_not_given_what_it_could_not_keep()
    {
        var error = await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(new StarlingOptions { Role = NodeRole.Root, Peers = { File = "peers.json" }, Spread = { Relay = false } }));
        Assert.Contains("Peers:File", error.Message, StringComparison.Ordinal);
        Assert.Contains("Spread:Relay", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_relays_a_topic_that_it_does_not_follow_when_it_is_told_to()
    {
        await using var chain = await Chain.StartAsync(3, i => new StarlingOptions { Role = i == 1 ? NodeRole.Root : NodeRole.Member });
        await using var subscription = await chain[2].SubscribeAsync("prices");
        using (chain[1].RelayTopic("prices"))
        {
            Assert.Equal("prices", Assert.Single(chain[1].Relay.RelayedTopics).Name);
            await chain[0].WaitForSubscribersAsync("prices").WaitAsync(Patience);
            await chain[1].WaitForSubscribersAsync("prices").WaitAsync(Patience);
            Assert.True((await chain[0].PublishAsync("prices", new byte[] { 1 })).IsSent);
            Assert.Equal(1, await NextAsync(subscription));
        }

        Assert.Empty(chain[1].Relay.RelayedTopics);
    }

    [Fact]
    public async Task Relaying_switched_off_keeps_local_delivery_of_topics_spread_and_messages()
    {
        await using var chain = await Chain.StartAsync(3, _ => new StarlingOptions { Messages = { Forwarder = { Enabled = true } } });
        // A stream topic is repaired from the logs of neighbours as soon as they hand on again; a plain one shows what was handed on in time.
        var prices = Topic.Plain("prices");
        var inboxes = new List<(TopicSubscription Topic, Inbox Spread, Inbox Messages)>();
        var types = new List<MessageType<ReadOnlyMemory<byte>>>();
        for (var i = 0; i < 3; i++)
        {
            var (spread, messages) = (new Inbox(), new Inbox());
            inboxes.Add((await chain[i].SubscribeAsync(prices), spread, messages));
            chain[i].Spread.Register(News, spread.Spread);
            types.Add(chain[i].Messages.RegisterBytes("note"));
            chain[i].Messages.On(types[i], messages.Message);
        }

        for (var i = 0; i < 3; i++) await chain[i].WaitForSubscribersAsync(prices, i == 1 ? 2 : 1).WaitAsync(Patience);
        var relay = chain[1].Relay;
        relay.Enabled = false;
        Assert.Equal((true, true, true), (relay.Topics, relay.Spread, relay.Messages));
        await SayAsync(1);
        await ArrivesAsync(1, 1);
        relay.Enabled = true;
        await SayAsync(2);
        await ArrivesAsync(1, 2);
        await ArrivesAsync(2, 2);

        // Kind by kind.
        relay.SetSpread(News, false);
        relay.SetMessages("note", false);
        relay.Topics = false;
        Assert.Equal((false, false, false), (relay.SpreadKinds[News.Number], relay.MessageTypes["note"], relay.Topics));
        await SayAsync(3);
        await ArrivesAsync(1, 3);
        relay.SetSpread(News, null);
        relay.SetMessages("note", null);
        relay.Topics = true;
        await SayAsync(4);
        await ArrivesAsync(1, 4);
        await ArrivesAsync(2, 4);

        async Task SayAsync(byte what)
        {
            await chain[0].PublishAsync(prices, new[] { what });
            await chain[0].Spread.PublishAsync(News, new[] { what });
            await chain[0].Messages.SendAsync(types[0].Create(new[] { what }));
        }

        async Task ArrivesAsync(int node, byte what)
        {
            Assert.Equal(what, await NextAsync(inboxes[node].Topic));
            Assert.Equal(what, await inboxes[node].Spread.NextAsync());
            Assert.Equal(what, await inboxes[node].Messages.NextAsync());
        }
    }

    [Fact]
    public async Task Every_node_of_a_ring_of_six_gets_everything_once_while_all_of_them_send()
    {
        const int Each = 200;
        await using var ring = await Chain.StartAsync(6, _ => new StarlingOptions { Messages = { Forwarder = { Enabled = true, MessagesPerCycle = 10_000, MaxQueuedMessages = 10_000 } } });
        await ring.LinkAsync(5, 0);
        await ring.LinkAsync(4, 1);
        var topics = new List<TopicSubscription>();
        var (spread, messages) = (new List<Inbox>(), new List<Inbox>());
        var types = new List<MessageType<ReadOnlyMemory<byte>>>();
        for (var i = 0; i < 6; i++)
        {
            topics.Add(await ring[i].SubscribeAsync("prices"));
            spread.Add(new Inbox());
            messages.Add(new Inbox());
            ring[i].Spread.Register(News, spread[i].Spread);
            types.Add(ring[i].Messages.RegisterBytes("note"));
            ring[i].Messages.On(types[i], messages[i].Message);
        }

        for (var i = 0; i < 6; i++) await ring[i].WaitForSubscribersAsync("prices", ring[i].Links.Count).WaitAsync(Patience);
        await Parallel.ForAsync(0, 6, async (node, cancelled) =>
        {
            for (var i = 0; i < Each; i++)
            {
                var what = BitConverter.GetBytes((node * Each) + i);
                await ring[node].PublishAsync("prices", what, cancelled);
                await ring[node].Spread.PublishAsync(News, what, cancellationToken: cancelled);
                await ring[node].Messages.SendAsync(types[node].Create(what), cancellationToken: cancelled);
            }
        }).WaitAsync(Patience);

        for (var node = 0; node < 6; node++)
        {
            var own = node;
            var expected = Enumerable.Range(0, 6 * Each).Where(what => what / Each != own).ToList();
            var heard = new List<int>();
            foreach (var _ in expected) heard.Add(await NextNumberAsync(topics[node]));
            Assert.Equal(expected, heard.Where(what => what / Each != own).Order());
            Assert.Equal(expected, await spread[node].TakeAsync(expected.Count));
            Assert.Equal(expected, await messages[node].TakeAsync(expected.Count));
        }

        // Whatever was still under way would be a second copy.
        foreach (var node in Enumerable.Range(0, 6)) await ring[node].Spread.FlushAsync().WaitAsync(Patience);
        Assert.All(spread.Concat(messages), inbox => Assert.Equal(0, inbox.Waiting));
    }

    [Fact]
    public async Task The_program_of_the_page_on_relaying_does_what_it_says()
    {
        await using var node = await StarlingNode.StartAsync();
        var prices = SpreadKind.Named("shop/prices");

        node.Relay.Enabled = false;
        node.Relay.Enabled = true;
        node.Relay.SetSpread(prices, false);
        node.Relay.SetMessages("model", false);
        using var relaying = node.RelayTopic("weather");

        Assert.Equal((true, false, false), (node.Relay.Spread, node.Relay.SpreadKinds[prices.Number], node.Relay.MessageTypes["model"]));
        Assert.Equal("weather", Assert.Single(node.Relay.RelayedTopics).Name);
    }

    private static async Task<T> NextAsync<T>(IAsyncEnumerator<NodeEvent> events)
        where T : NodeEvent
    {
        while (await events.MoveNextAsync().AsTask().WaitAsync(Patience))
        {
            if (events.Current is T wanted) return wanted;
        }

        throw new InvalidOperationException("The events ended.");
    }

    private static async Task<byte> NextAsync(TopicSubscription subscription)
    {
        await using var messages = subscription.GetAsyncEnumerator();
        Assert.True(await messages.MoveNextAsync().AsTask().WaitAsync(Patience));
        return messages.Current.Data.Span[0];
    }

    private static async Task<int> NextNumberAsync(TopicSubscription subscription)
    {
        await using var messages = subscription.GetAsyncEnumerator();
        Assert.True(await messages.MoveNextAsync().AsTask().WaitAsync(Patience));
        return BitConverter.ToInt32(messages.Current.Data.Span);
    }

    /// <summary>What arrives at one node by one way.</summary>
    private sealed class Inbox
    {
        private readonly Channel<byte[]> _got = Channel.CreateBounded<byte[]>(100_000);

        public int Waiting => _got.Reader.Count;

        public SpreadHandlers Spread => new() { OnItem = async (item, cancelled) => await _got.Writer.WriteAsync(item.Payload.ToArray(), cancelled) };

        public async ValueTask Message(ReceivedMessage<ReadOnlyMemory<byte>> message, CancellationToken cancellationToken) => await _got.Writer.WriteAsync(message.Value.ToArray(), cancellationToken);

        public async Task<byte> NextAsync() => (await _got.Reader.ReadAsync().AsTask().WaitAsync(Patience))[0];

        public async Task<IEnumerable<int>> TakeAsync(int count)
        {
            var taken = new List<int>();
            while (taken.Count < count) taken.Add(BitConverter.ToInt32(await _got.Reader.ReadAsync().AsTask().WaitAsync(Patience)));
            return taken.Order();
        }
    }
}
