using System.Buffers.Binary;
using Starling.Net.PubSub;

namespace Starling.Tests;

/// <summary>Topics across a random graph of whole nodes of which none is linked to all: every message once, in order per origin, and every loss told.</summary>
public class TopicGraphTests
{
    private const int Nodes = 30;
    private const int Publishers = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly SubscriptionOptions Lossless = new() { WhenFull = Overflow.Block, BlockTimeout = Patience };

    [Theory]
    [InlineData("signed", 100_000)]
    [InlineData("link", 100_000)]
    [InlineData("plain", 2_000)]
    public async Task Every_message_of_five_publishers_at_full_speed_is_delivered_once_everywhere(string kind, int count)
    {
        await using var graph = await Graph.StartAsync(11, kind);
        var each = count / Publishers;
        var readers = graph.Living.Select(node => node.ReadAsync(each)).ToList();
        await Task.WhenAll(graph.Living.Take(Publishers).Select(node => Task.Run(() => node.PublishAsync(graph.Topic, each)))).WaitAsync(Patience);
        await Task.WhenAll(readers).WaitAsync(Patience);

        // One more of each publisher, which could not overtake a second copy of anything.
        foreach (var node in graph.Living.Take(Publishers)) await node.PublishAsync(graph.Topic, 1);
        await Task.WhenAll(graph.Living.Select(node => node.ReadAsync(each + 1))).WaitAsync(Patience);
        foreach (var node in graph.Living) node.AssertEverything(graph.Living.Take(Publishers), each + 1, inOrder: kind != "plain");
    }

    [Theory]
    [InlineData("signed")]
    [InlineData("link")]
    public async Task While_nodes_are_killed_the_others_get_every_message_or_are_told_how_many_they_missed(string kind)
    {
        const int Each = 10_000;
        await using var graph = await Graph.StartAsync(12, kind);
        var readers = graph.Living.Take(Nodes - 6).Select(node => node.ReadAsync(Each)).ToList();
        var publishing = Task.WhenAll(graph.Living.Take(Publishers).Select(node => Task.Run(() => node.PublishAsync(graph.Topic, Each))));
        for (var killed = 0; killed < 6; killed++)
        {
            // The next one dies when the first reader has got on by another tenth.
            await graph.Living[0].HasTakenAsync((killed + 1) * Each * Publishers / 10).WaitAsync(Patience);
            await graph.KillAsync(graph.Living[^1]);
        }

        await publishing.WaitAsync(Patience);
        await Task.WhenAll(readers).WaitAsync(Patience);
        foreach (var node in graph.Living) node.AssertEverything(graph.Living.Take(Publishers), Each, inOrder: true);
    }

    /// <summary>A ring of nodes with random chords, about five links each.</summary>
    private sealed class Graph : IAsyncDisposable
    {
        private readonly CuttableTransport _transport = new();
        private readonly List<Member> _killed = [];

        public Topic Topic { get; private set; } = null!;

        public List<Member> Living { get; } = [];

        public static async Task<Graph> StartAsync(ulong seed, string kind)
        {
            var graph = new Graph();
            var random = RandomSource.Seeded(seed);
            for (var i = 0; i < Nodes; i++) graph.Living.Add(new Member(await StarlingNode.StartAsync(new StarlingOptions(), new NodeEnvironment { Transports = [graph._transport] }), origins: i < Publishers ? Publishers - 1 : Publishers));
            graph.Topic = kind switch
            {
                "signed" => Topic.Stream("graph"),
                "link" => Topic.Link("graph", graph.Living.Select(member => member.Node.PeerId)),
                _ => Topic.Plain("graph"),
            };
            foreach (var member in graph.Living) await member.SubscribeAsync(graph.Topic);
            for (var i = 0; i < Nodes; i++) await graph.LinkAsync(i, (i + 1) % Nodes);
            for (var i = 0; i < Nodes * 3 / 2; i++) await graph.LinkAsync(random.Next(Nodes), random.Next(Nodes));

            // Everybody has heard everybody who publishes once: from here on nothing may be missing.
            foreach (var publisher in graph.Living.Take(Publishers)) await publisher.Node.WaitForSubscribersAsync(graph.Topic, 2).WaitAsync(Patience);
            foreach (var publisher in graph.Living.Take(Publishers)) await publisher.PublishAsync(graph.Topic, 1);
            await Task.WhenAll(graph.Living.Select(member => member.ReadAsync(1))).WaitAsync(Patience);
            foreach (var member in graph.Living) member.Restart();
            return graph;
        }

        /// <summary>Cuts every socket of a node at once, then lets it go: its neighbours hear no word of good-bye.</summary>
        public async Task KillAsync(Member member)
        {
            Living.Remove(member);
            _killed.Add(member);
            await member.Node.Topics.DisposeAsync();
            var ends = member.Node.Links.SelectMany(link => new[] { (link.Connection.LocalAddress, link.Connection.RemoteAddress), (link.Connection.RemoteAddress, link.Connection.LocalAddress) }).ToHashSet();
            await Task.WhenAll(_transport.Connections().Where(one => ends.Contains(one.Ends)).Select(one => one.Cut())).WaitAsync(Patience);
            await member.Node.StopAsync();
        }

        public async ValueTask DisposeAsync() =>
            await Task.WhenAll(Living.Concat(_killed).Select(member => member.Node.DisposeAsync().AsTask())).WaitAsync(Patience);

        private async Task LinkAsync(int from, int to)
        {
            if (from == to || Living[from].Node.IsConnectedTo(Living[to].Node.PeerId)) return;
            await Living[from].Node.ConnectAsync(Living[to].Node.Addresses[0]).WaitAsync(Patience);
        }
    }

    private sealed class Member(StarlingNode node, int origins)
    {
        private readonly Dictionary<PeerId, List<int>> _taken = [];
        private readonly Dictionary<PeerId, long> _missed = [];
        private TaskCompletionSource _progress = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TopicSubscription _subscription = null!;
        private int _published;
        private int _total;

        public StarlingNode Node => node;

        public async Task SubscribeAsync(Topic topic) => _subscription = await node.SubscribeAsync(topic, Lossless);

        public async Task PublishAsync(Topic topic, int count)
        {
            var payload = new byte[100];
            for (var i = 0; i < count; i++)
            {
                BinaryPrimitives.WriteInt32BigEndian(payload, _published++);
                var result = await node.Topics.PublishAsync(topic, payload, new PublishOptions { Timeout = Patience });
                Assert.Equal(PublishStatus.Sent, result.Status);
            }
        }

        /// <summary>Reads until so many messages of every other publisher came or were told to be missing.</summary>
        public async Task ReadAsync(int each)
        {
            try
            {
                while (_taken.Count < origins || _taken.Any(origin => origin.Value.Count + _missed.GetValueOrDefault(origin.Key) < each))
                {
                    Assert.True(await _subscription.WaitToReadAsync());
                    while (_subscription.TryRead(out var message)) Take(message);
                    Interlocked.Exchange(ref _progress, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
                }
            }
            catch (ObjectDisposedException) when (node.Links.Count == 0)
            {
                // It was killed.
            }
        }

        /// <summary>Completes when so many messages were read in all.</summary>
        public async Task HasTakenAsync(int total)
        {
            while (true)
            {
                var progress = Volatile.Read(ref _progress).Task;
                if (Volatile.Read(ref _total) >= total) return;
                await progress;
            }
        }

        public void Restart()
        {
            _taken.Clear();
            _missed.Clear();
            _published = _total = 0;
        }

        public void AssertEverything(IEnumerable<Member> publishers, int each, bool inOrder)
        {
            foreach (var origin in publishers.Where(one => one != this).Select(one => one.Node.PeerId))
            {
                var numbers = _taken[origin];
                if (!inOrder) numbers.Sort();
                if (_missed.GetValueOrDefault(origin) == 0) Assert.Equal(Enumerable.Range(0, each), numbers);
                else Assert.Equal(numbers.Distinct().Order(), numbers);
                Assert.Equal(each, numbers.Count + _missed.GetValueOrDefault(origin));
            }

            Assert.Equal(0, _subscription.Dropped);
        }

        private void Take(in TopicMessage message)
        {
            if (!_taken.TryGetValue(message.Origin, out var numbers)) _taken.Add(message.Origin, numbers = []);
            numbers.Add(BinaryPrimitives.ReadInt32BigEndian(message.Data.Span));
            _missed[message.Origin] = _missed.GetValueOrDefault(message.Origin) + (long)message.Missed;
            Interlocked.Increment(ref _total);
        }
    }
}
