using System.Diagnostics;
using Starling.Net.Links;

namespace Starling.Tests;

/// <summary>Many nodes over TLS on loopback sockets; they use the whole machine, so no other test runs beside them.</summary>
[CollectionDefinition(nameof(FlockTests), DisableParallelization = true)]
[Collection(nameof(FlockTests))]
public class FlockTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Machines differ, and other things run on them: three times what a quiet one is held to.</summary>
    private const int Slack = 3;

    [Fact]
    public async Task Two_hundred_nodes_that_start_together_all_have_eight_neighbours_within_fifteen_seconds()
    {
        var transport = new CuttableTransport();
        var clock = Stopwatch.StartNew();
        var nodes = await StartAsync(200, 8, transport);
        try
        {
            await Task.WhenAll(nodes.Select(node => node.WaitForNeighboursAsync(NeighbourGoal.AtLeast(8), Patience * Slack)));
            var linked = clock.Elapsed;
            Assert.True(linked < TimeSpan.FromSeconds(15) * Slack, $"took {linked}");
            await SettleAsync(nodes, Patience);
            TestContext.Current.SendDiagnosticMessage($"200 nodes: 8 neighbours each after {linked.TotalSeconds:0.0} s, settled after {clock.Elapsed.TotalSeconds:0.0} s with {nodes.Average(node => node.Links.Count):0.0} links each");

            var byId = nodes.ToDictionary(node => node.PeerId);
            foreach (var node in nodes)
            {
                // The other end is ready, and holds the same link: one for each pair.
                foreach (var link in node.Links)
                {
                    var other = byId[link.Peer];
                    await other.WaitForNeighboursAsync(NeighbourGoal.All(node.PeerId), Patience);
                    Assert.Equal(link.Connection.LocalAddress, other.Links.Single(one => one.Peer.Equals(node.PeerId)).Connection.RemoteAddress);
                    Assert.Contains(node.LinkManager.Find(link.Peer)!.Why, new[] { "roster", "inbound" });
                }

                Assert.Empty(node.RecentlyDisconnected);
            }

            Assert.Equal(200, Reachable(nodes));
        }
        finally
        {
            await StopAsync(nodes, transport);
        }
    }

    /// <summary>10 seconds by default; STARLING_FLOCK_SECONDS=60 runs the long one.</summary>
    [Fact]
    public async Task Twenty_nodes_of_whose_links_one_in_twenty_is_cut_each_second_stay_together()
    {
        var seconds = int.TryParse(Environment.GetEnvironmentVariable("STARLING_FLOCK_SECONDS"), out var asked) ? asked : 10;
        var random = RandomSource.Seeded(7);
        var transport = new CuttableTransport();
        var nodes = await StartAsync(20, 6, transport);
        try
        {
            await SettleAsync(nodes, Patience);
            var gaps = nodes.Select(node => new Gaps(node)).ToList();
            using var pace = new PeriodicTimer(TimeSpan.FromSeconds(1));
            var cuts = new List<Task>();
            for (var second = 1; second <= seconds; second++)
            {
                Assert.True(await pace.WaitForNextTickAsync(TestContext.Current.CancellationToken));
                var open = transport.Connections().ToArray();
                random.Shuffle<CuttableTransport.CuttableStream>(open);
                cuts.AddRange(open.Take((open.Length + 19) / 20).Select(one => one.Cut()));

                // Every third second one node loses all that it dialled and accepted.
                if (second % 3 != 0) continue;
                var lonely = nodes[random.Next(nodes.Count)];
                await Task.WhenAll(Isolate(lonely, transport)).WaitAsync(Patience);
                await lonely.WaitForNeighboursAsync(NeighbourGoal.AtLeast(1), TimeSpan.FromSeconds(2) * Slack);
            }

            await Task.WhenAll(cuts).WaitAsync(Patience);
            var last = Stopwatch.StartNew();
            await SettleAsync(nodes, TimeSpan.FromSeconds(5) * Slack);
            var slowest = gaps.Max(one => one.Longest);
            TestContext.Current.SendDiagnosticMessage($"{cuts.Count} links cut in {seconds} s besides; {gaps.Sum(one => one.Count)} times a node was without a link, for {slowest.TotalSeconds:0.00} s at most; all neighbours there {last.Elapsed.TotalSeconds:0.00} s after the last cut");
            Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(2) * Slack);
            Assert.Equal(20, Reachable(nodes));
        }
        finally
        {
            await StopAsync(nodes, transport);
        }
    }

    private static IEnumerable<Task> Isolate(StarlingNode node, CuttableTransport transport)
    {
        var ends = node.Links.SelectMany(link => new[] { (link.Connection.LocalAddress, link.Connection.RemoteAddress), (link.Connection.RemoteAddress, link.Connection.LocalAddress) }).ToHashSet();
        return [.. transport.Connections().Where(one => ends.Contains(one.Ends)).Select(one => one.Cut())];
    }

    private static async Task<IReadOnlyList<StarlingNode>> StartAsync(int count, int neighbours, CuttableTransport transport)
    {
        var registry = new Roster().Registry();
        return await Task.WhenAll(Enumerable.Range(0, count).Select(_ => Task.Run(() =>
        {
            var options = new StarlingOptions();
            options.Links.Neighbours = neighbours;
            options.Discovery.Providers.Add("roster");
            return StarlingNode.StartAsync(options, new NodeEnvironment { Discoveries = registry, Transports = [transport] });
        }))).WaitAsync(Patience * Slack);
    }

    /// <summary>Waits until everybody has the neighbours that it wants and nobody dials.</summary>
    private static Task SettleAsync(IReadOnlyList<StarlingNode> nodes, TimeSpan timeout) =>
        Task.WhenAll(nodes.Select(node => node.WaitForNeighboursAsync(NeighbourGoal.Settled, timeout)));

    private static int Reachable(IReadOnlyList<StarlingNode> nodes)
    {
        var byId = nodes.ToDictionary(node => node.PeerId);
        var seen = new HashSet<StarlingNode> { nodes[0] };
        var next = new Queue<StarlingNode>([nodes[0]]);
        while (next.TryDequeue(out var node))
        {
            foreach (var other in node.Links.Select(link => byId[link.Peer]).Where(seen.Add)) next.Enqueue(other);
        }

        return seen.Count;
    }

    /// <summary>Stops every node; nothing may be left of any link.</summary>
    private static async Task StopAsync(IReadOnlyList<StarlingNode> nodes, CuttableTransport transport)
    {
        await Task.WhenAll(nodes.Select(node => node.StopAsync())).WaitAsync(Patience * Slack);
        Assert.Equal(0, transport.Open);
        foreach (var node in nodes)
        {
            Assert.Empty(node.Links);
            foreach (var kind in Enum.GetValues<ResourceKind>()) Assert.Equal((kind, 0), (kind, node.Budget.Used(kind)));
        }
    }

    /// <summary>Measures the times for which a node had no link.</summary>
    private sealed class Gaps : ILinkObserver
    {
        private int _links;
        private long _since;

        public Gaps(StarlingNode node) => node.Observe(this);

        public int Count { get; private set; }

        public TimeSpan Longest { get; private set; }

        public void OnConnected(IPeerLink link)
        {
            if (_links++ > 0 || _since == 0) return;
            var gap = Stopwatch.GetElapsedTime(_since);
            if (gap > Longest) Longest = gap;
        }

        public void OnIdentified(IPeerLink link)
        {
        }

        public void OnDisconnected(IPeerLink link, CloseInfo why)
        {
            if (--_links > 0) return;
            (_since, Count) = (Stopwatch.GetTimestamp(), Count + 1);
        }
    }
}
