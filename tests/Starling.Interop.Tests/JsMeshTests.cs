using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Starling.Interop.Tests.Support;
using Starling.Net.PubSub;

namespace Starling.Interop.Tests;

/// <summary>One gossipsub mesh of Starling and js-libp2p nodes, turn by turn along a line or a ring, where no node is linked to all.</summary>
public sealed class JsMeshTests
{
    private const string Name = "interop/mesh";
    private const int Rounds = 5;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Everybody_publishes_and_every_message_is_delivered_once_everywhere(bool ring)
    {
        await using var net = await MixedNet.StartAsync(ring);
        for (var round = 0; round < Rounds; round++) await net.PublishAllAsync($"round {round}");
        await net.AllDeliveredAsync();

        // What comes after everything else shows that nothing came twice before it.
        await net.PublishAllAsync("last");
        await net.AllDeliveredAsync();
        await net.NothingTwiceAsync();
    }

    [Fact]
    public async Task A_js_node_that_is_killed_and_comes_back_is_in_the_mesh_again()
    {
        await using var net = await MixedNet.StartAsync(ring: true);
        await net.PublishAllAsync("before");
        await net.AllDeliveredAsync();

        await net.KillAsync(1);
        await net.PublishAllAsync("meanwhile");
        await net.AllDeliveredAsync();

        await net.ReturnAsync(1);
        await net.PublishAllAsync("after");
        await net.AllDeliveredAsync();
        await net.NothingTwiceAsync();
    }

    [Fact]
    public async Task The_mesh_is_grafted_and_pruned_from_both_sides()
    {
        await using var js = await JsPeer.StartAsync();
        await using var node = await Peers.StartAsync();
        await node.DialAsync(js.FullAddress);
        var topic = Topic.Plain(Name);

        // A js node that has followed the topic for a while grafts whoever comes; one that comes later is grafted by us.
        await js.AskAsync("subscribe", new JsonObject { ["topic"] = Name });
        await node.WaitForSubscribersAsync(topic, 1, Token).Soon();
        await using (await node.SubscribeAsync(topic, cancellationToken: Token))
        {
            await js.EventAsync("graft", e => Is(e, node.PeerId));
        }

        await js.EventAsync("prune", e => Is(e, node.PeerId) && e.GetProperty("direction").GetString() == "inbound");
        Assert.Empty((await js.AskAsync("mesh", new JsonObject { ["topic"] = Name })).GetProperty("peers").EnumerateArray());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static bool Is(System.Text.Json.JsonElement e, PeerId peer) => e.GetProperty("topic").GetString() == Name && e.GetProperty("peer").GetString() == peer.ToString();

    /// <summary>Three Starling nodes at the even places and three js nodes at the odd ones.</summary>
    private sealed class MixedNet : IAsyncDisposable
    {
        private const int Each = 3;
        private readonly StarlingNode[] _nodes = new StarlingNode[Each];
        private readonly TopicSubscription[] _subscriptions = new TopicSubscription[Each];
        private readonly ConcurrentBag<string>[] _received = [.. Enumerable.Range(0, Each).Select(_ => new ConcurrentBag<string>())];
        private readonly JsPeer[] _js = new JsPeer[Each];
        private readonly List<string>[] _expectedByJs = [.. Enumerable.Range(0, Each).Select(_ => new List<string>())];
        private readonly List<string>[] _expectedByUs = [.. Enumerable.Range(0, Each).Select(_ => new List<string>())];
        private readonly HashSet<int> _gone = [];
        private readonly bool _ring;

        private MixedNet(bool ring) => _ring = ring;

        public static async Task<MixedNet> StartAsync(bool ring)
        {
            var net = new MixedNet(ring);
            for (var i = 0; i < Each; i++)
            {
                net._js[i] = await JsPeer.StartAsync();
                net._nodes[i] = await Peers.StartAsync();
                net._subscriptions[i] = await net._nodes[i].SubscribeAsync(Topic.Plain(Name), cancellationToken: Token);
                await net._js[i].AskAsync("subscribe", new JsonObject { ["topic"] = Name });
            }

            foreach (var (node, js) in net.Edges) await net._nodes[node].DialAsync(net._js[js].FullAddress);
            foreach (var (node, js) in net.Edges) await net.InMeshAsync(node, js);
            return net;
        }

        public async Task PublishAllAsync(string what)
        {
            for (var i = 0; i < Each; i++)
            {
                var (ours, theirs) = ($"{what} of ours {i}", $"{what} of theirs {i}");
                await _nodes[i].PublishAsync(Topic.Plain(Name), Encoding.UTF8.GetBytes(ours), cancellationToken: Token);
                Expect(ours, exceptUs: i, exceptJs: -1);
                if (_gone.Contains(i)) continue;
                await _js[i].AskAsync("publish", new JsonObject { ["topic"] = Name, ["data"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(theirs)) });
                Expect(theirs, exceptUs: -1, exceptJs: i);
            }
        }

        public async Task AllDeliveredAsync()
        {
            for (var i = 0; i < Each; i++)
            {
                while (_received[i].Count < _expectedByUs[i].Count)
                {
                    Assert.True(await _subscriptions[i].WaitToReadAsync(Token).AsTask().Soon());
                    while (_subscriptions[i].TryRead(out var message)) _received[i].Add(Encoding.UTF8.GetString(message.Data.Span));
                }

                foreach (var text in _gone.Contains(i) ? [] : _expectedByJs[i]) await _js[i].EventAsync("message", e => Text(e) == text);
            }
        }

        public async Task NothingTwiceAsync()
        {
            for (var i = 0; i < Each; i++)
            {
                while (_subscriptions[i].TryRead(out var message)) _received[i].Add(Encoding.UTF8.GetString(message.Data.Span));
                Assert.Equal(_expectedByUs[i].Order(), _received[i].Order());
                var theirs = await _js[i].AskAsync("messages", new JsonObject { ["topic"] = Name });
                Assert.Equal(_expectedByJs[i].Order(), theirs.GetProperty("messages").EnumerateArray().Select(Text).Order());
            }
        }

        public async Task KillAsync(int js)
        {
            var lost = Edges.Where(edge => edge.Js == js).Select(edge => DisconnectedAsync(_nodes[edge.Node], _js[js].Id)).ToList();
            await _js[js].KillAsync();
            await Task.WhenAll(lost).Soon();
            _gone.Add(js);
        }

        public async Task ReturnAsync(int js)
        {
            var before = _js[js];
            _js[js] = await before.StartAgainAsync();
            await before.DisposeAsync();
            _expectedByJs[js].Clear();
            _gone.Remove(js);
            await _js[js].AskAsync("subscribe", new JsonObject { ["topic"] = Name });
            foreach (var (node, _) in Edges.Where(edge => edge.Js == js)) await _nodes[node].DialAsync(_js[js].FullAddress);
            foreach (var (node, _) in Edges.Where(edge => edge.Js == js)) await InMeshAsync(node, js);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var js in _js.Where(js => js is not null)) await js.DisposeAsync();
            foreach (var node in _nodes.Where(node => node is not null)) await node.DisposeAsync();
        }

        /// <summary>The links: node i to js i, js i to node i + 1; in a ring the last js node to the first node.</summary>
        private IEnumerable<(int Node, int Js)> Edges => Enumerable.Range(0, Each).Select(i => (i, i))
            .Concat(Enumerable.Range(1, Each - 1).Select(i => (i, i - 1)))
            .Concat(_ring ? [(0, Each - 1)] : []);

        private async Task InMeshAsync(int node, int js)
        {
            await _js[js].EventAsync("graft", e => Is(e, _nodes[node].PeerId));
            await _nodes[node].WaitForSubscribersAsync(Topic.Plain(Name), Edges.Count(edge => edge.Node == node && !_gone.Contains(edge.Js)), Token).Soon();
        }

        private static async Task DisconnectedAsync(StarlingNode node, PeerId peer)
        {
            if (!node.IsConnectedTo(peer)) return;
            await foreach (var happened in node.EventsAsync(Token).WithCancellation(Token))
            {
                if (happened is NodeEvent.Disconnected gone && gone.Link.Peer.Equals(peer)) return;
            }
        }

        private void Expect(string text, int exceptUs, int exceptJs)
        {
            for (var i = 0; i < Each; i++)
            {
                if (i != exceptUs) _expectedByUs[i].Add(text);
                if (i != exceptJs && !_gone.Contains(i)) _expectedByJs[i].Add(text);
            }
        }

        private static string Text(System.Text.Json.JsonElement message) => Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64());
    }
}
