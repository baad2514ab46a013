using Starling.Net.Pairing;
using Starling.Net.PubSub;

namespace Starling.Tests;

public sealed class PairingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly PairingOptions Patient = new() { Timeout = Patience };

    [Fact]
    public async Task The_ends_of_a_chain_of_eight_find_each_other_by_their_topic_and_talk()
    {
        await using var chain = await Chain.StartAsync(8);
        await using var subscription = await chain[7].SubscribeAsync("prices");
        var peers = await chain[0].PairAsync("prices", Patient).WaitAsync(Patience);
        Assert.Equal([chain[7].PeerId], peers);
        Assert.True(chain[0].IsConnectedTo(chain[7].PeerId));
        Assert.True(chain[0].IsConnectedTo(chain[1].PeerId));
        var result = await chain[0].PublishAsync("prices", new byte[] { 42 });
        Assert.True(result.IsSent);
        await foreach (var message in subscription.WithCancellation(new CancellationTokenSource(Patience).Token))
        {
            Assert.Equal((42, chain[0].PeerId), (message.Data.Span[0], message.Origin));
            break;
        }

        await using var own = await chain[0].SubscribeAsync("prices");
        Assert.Contains("prices", chain[0].PairedTopics.Select(topic => topic.Name));
        Assert.Equal([chain[7].PeerId], await chain[0].PairedAsync("prices", Patience));
    }

    [Fact]
    public async Task The_entry_link_is_closed_only_once_paired_and_not_when_it_follows_the_topic_itself()
    {
        await using var chain = await Chain.StartAsync(4);
        await using var subscription = await chain[3].SubscribeAsync("prices");
        await using var own = await chain[0].SubscribeAsync("prices");
        await Assert.ThrowsAsync<TimeoutException>(() => chain[0].PairAsync("nobody", new PairingOptions { OnPair = OnPair.DropEntry, Timeout = TimeSpan.FromMilliseconds(300) }).WaitAsync(Patience));
        Assert.True(chain[0].IsConnectedTo(chain[1].PeerId));

        await using var events = chain[1].EventsAsync().GetAsyncEnumerator();
        await events.MoveNextAsync().AsTask().WaitAsync(Patience);
        Assert.Equal([chain[3].PeerId], await chain[0].PairAsync("prices", Patient with { OnPair = OnPair.DropEntry }).WaitAsync(Patience));
        Assert.Equal([chain[3].PeerId], chain[0].Links.Select(link => link.Peer));
        Assert.Equal(chain[0].PeerId, (await NextAsync<NodeEvent.Disconnected>(events)).Link.Peer);
        Assert.Equal([chain[2].PeerId], chain[1].Links.Select(link => link.Peer));

        // Who follows the topic is kept although it was the entry to another.
        await using var late = await StarlingNode.StartAsync();
        await late.ConnectAsync(chain[0].Addresses[0]).WaitAsync(Patience);
        await late.PairedAsync("prices", Patience);
        await using var mine = await late.SubscribeAsync("prices");
        var peers = await late.PairAsync("prices", Patient with { Wanted = 2, OnPair = OnPair.DropEntry }).WaitAsync(Patience);
        Assert.Equal(2, peers.Count);
        Assert.Equal(2, late.Links.Count);
    }

    [Fact]
    public async Task A_pairing_that_finds_too_few_in_time_is_a_timeout_and_never_a_success()
    {
        await using var chain = await Chain.StartAsync(3);
        await using var subscription = await chain[2].SubscribeAsync("prices");
        var error = await Assert.ThrowsAsync<TimeoutException>(() => chain[0].PairAsync("prices", new PairingOptions { Wanted = 2, Timeout = TimeSpan.FromSeconds(1) }).WaitAsync(Patience));
        Assert.Contains("of 2 peers", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<TimeoutException>(() => chain[1].PairedAsync("weather", TimeSpan.FromMilliseconds(50)).WaitAsync(Patience));
        await Assert.ThrowsAsync<TimeoutException>(() => chain[0].PairAsync("prices", new PairingOptions { Wanted = 9, MaxHops = 1, Timeout = TimeSpan.FromMilliseconds(300) }).WaitAsync(Patience));
        using var cancel = new CancellationTokenSource();
        var pairing = chain[0].PairAsync("weather", Patient, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pairing.WaitAsync(Patience));
        Assert.Empty(chain[0].Pairing.Statuses);
    }

    [Fact]
    public async Task A_topic_that_is_kept_paired_finds_another_when_its_peer_is_lost()
    {
        await using var chain = await Chain.StartAsync(5);
        await using var first = await chain[4].SubscribeAsync("prices");
        await using var events = chain[0].EventsAsync().GetAsyncEnumerator();
        using (chain[0].KeepPaired("prices", Patient with { OnPair = OnPair.DropEntry, RetryAfter = TimeSpan.FromMilliseconds(100) }))
        {
            Assert.Equal([chain[4].PeerId], (await NextAsync<NodeEvent.Paired>(events)).Peers);
            var status = Assert.Single(chain[0].Pairing.Statuses);
            Assert.Equal(("prices", true, 1), (status.Topic, status.IsPaired, status.Wanted));
            await using var second = await chain[3].SubscribeAsync("prices");
            await chain.StopAsync(4);
            await NextAsync<NodeEvent.Unpaired>(events);

            // All links are gone; the entry that was dropped leads back.
            Assert.Equal([chain[3].PeerId], (await NextAsync<NodeEvent.Paired>(events)).Peers);
        }

        Assert.Empty(chain[0].Pairing.Statuses);
    }

    [Fact]
    public async Task Patterns_pair_with_topics_that_they_mean_and_whoever_does_not_answer_is_not_found()
    {
        await using var chain = await Chain.StartAsync(4, i => new StarlingOptions { Pairing = { Answer = i != 2 } });
        await using var hidden = await chain[2].SubscribeAsync("prices.usd");
        await using var shown = await chain[3].SubscribeAsync("prices.eur");
        Assert.Equal([chain[3].PeerId], await chain[0].PairAsync("prices.*", Patient).WaitAsync(Patience));
        Assert.Equal(0, chain[2].Search.Answered);
        await Assert.ThrowsAsync<TimeoutException>(() => chain[0].PairAsync("prices.usd", new PairingOptions { Timeout = TimeSpan.FromMilliseconds(500) }).WaitAsync(Patience));
    }

    [Fact]
    public async Task Names_too_long_to_be_searched_for_are_found_by_their_hash()
    {
        await using var chain = await Chain.StartAsync(3);
        var name = Topic.Plain(new string('x', 255));
        await using var subscription = await chain[2].SubscribeAsync(name);
        Assert.Equal([chain[2].PeerId], await chain[0].PairAsync(name, Patient).WaitAsync(Patience));
    }

    [Fact]
    public async Task A_subscription_that_asks_for_it_is_kept_paired_as_long_as_it_lasts()
    {
        await using var chain = await Chain.StartAsync(4);
        await using var far = await chain[3].SubscribeAsync("prices");
        await using (var near = await chain[0].SubscribeAsync("prices", new SubscriptionOptions { Pairing = Patient }))
        {
            Assert.Equal([chain[3].PeerId], await chain[0].PairedAsync("prices", Patience));
            Assert.Single(chain[0].Pairing.Statuses);
            await chain[3].PairedAsync("prices", Patience);
            Assert.True((await chain[3].PublishAsync("prices", new byte[] { 9 })).IsSent);
            await using var messages = near.GetAsyncEnumerator();
            Assert.True(await messages.MoveNextAsync().AsTask().WaitAsync(Patience));
            Assert.Equal(9, messages.Current.Data.Span[0]);
        }

        Assert.Empty(chain[0].Pairing.Statuses);
    }

    [Fact]
    public async Task Members_of_a_link_topic_find_each_other_and_nobody_else_finds_them()
    {
        await using var chain = await Chain.StartAsync(4);
        var closed = Topic.Link("plans", [chain[0].PeerId, chain[3].PeerId]);
        await using var far = await chain[3].SubscribeAsync(closed);

        // Whoever is no member gets no answer, whatever members it names.
        var guess = Topic.Link("plans", [chain[1].PeerId, chain[3].PeerId]);
        await Assert.ThrowsAsync<TimeoutException>(() => chain[1].PairAsync(guess, new PairingOptions { Timeout = TimeSpan.FromSeconds(1) }).WaitAsync(Patience));
        Assert.Equal(0, chain[3].Search.Answered);
        await using var near = await chain[0].SubscribeAsync(closed);
        Assert.Equal([chain[3].PeerId], await chain[0].PairAsync(closed, Patient).WaitAsync(Patience));
        Assert.True((await chain[0].PublishAsync(closed, new byte[] { 9 })).IsSent);
    }

    [Fact]
    public async Task The_program_of_the_page_on_pairing_does_what_it_says()
    {
        await using var chain = await Chain.StartAsync(4);
        await using var one = await chain[2].SubscribeAsync("prices");
        await using var other = await chain[3].SubscribeAsync("prices");
        var node = chain[0];

        await using var prices = await node.SubscribeAsync("prices");
        var peers = await node.PairAsync("prices", new PairingOptions { Wanted = 2, Timeout = TimeSpan.FromSeconds(10) });

        Assert.Equal(new[] { chain[2].PeerId, chain[3].PeerId }.ToHashSet(), peers.ToHashSet());
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
}

/// <summary>Nodes in a line, each linked with the one before.</summary>
internal sealed class Chain : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly List<StarlingNode> _nodes = [];

    public StarlingNode this[int node] => _nodes[node];

    public static async Task<Chain> StartAsync(int length, Func<int, StarlingOptions>? options = null)
    {
        var chain = new Chain();
        for (var i = 0; i < length; i++)
        {
            chain._nodes.Add(await StarlingNode.StartAsync(options?.Invoke(i) ?? new StarlingOptions()));
            if (i > 0) await chain._nodes[i].ConnectAsync(chain._nodes[i - 1].Addresses[0]).WaitAsync(Patience);
        }

        return chain;
    }

    /// <summary>Links two nodes more.</summary>
    public Task LinkAsync(int one, int other) => _nodes[one].ConnectAsync(_nodes[other].Addresses[0]).WaitAsync(Patience);

    public Task StopAsync(int node) => _nodes[node].StopAsync().WaitAsync(Patience);

    public async ValueTask DisposeAsync()
    {
        await Parallel.ForEachAsync(_nodes, async (node, _) => await node.DisposeAsync());
    }
}
