using Starling.Net.Discovery;

namespace Starling.Net.Tests.Discovery;

public sealed class DiscoveryStartTests
{
    [Fact]
    public async Task A_discovery_that_cannot_start_stops_the_others_and_says_why()
    {
        using var metrics = new DiscoveryMetrics();
        var self = PeerId.FromBytes([0x12, 32, .. new byte[32]]);
        var context = new DiscoveryContext(self, new DiscoveryOptions()) { Metrics = metrics, Bootstrap = [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1")] };
        var registry = new DiscoveryRegistry();
        registry.Register("broken", _ => new BrokenDiscovery());
        await using var set = new DiscoverySet(registry, context, ["bootstrap", "broken"]);
        var error = await Assert.ThrowsAsync<StarlingException>(() => set.StartAsync());
        Assert.Equal("no port", error.Message);
        Assert.False(set["bootstrap"].IsRunning);
        Assert.Empty(set.Known);
    }

    [Fact]
    public async Task Nothing_starts_any_more_after_the_end()
    {
        using var metrics = new DiscoveryMetrics();
        var self = PeerId.FromBytes([0x12, 32, .. new byte[32]]);
        var context = new DiscoveryContext(self, new DiscoveryOptions()) { Metrics = metrics, Bootstrap = [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1")] };
        var set = new DiscoverySet(new DiscoveryRegistry(), context, []);
        await set.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => set.AddAsync("bootstrap"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => set.StartAsync());
        Assert.Empty(set.Providers);
    }

    private sealed class BrokenDiscovery : IDiscovery
    {
        public string Name => "broken";

        public bool IsRunning => false;

        public IReadOnlyList<DiscoveredPeer> Known => [];

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.FromException(new StarlingException("no port"));

        public Task StopAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public IDisposable Observe(IDiscoveryObserver observer) => throw new NotSupportedException();

        public IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default) => throw DiscoveryFeed.NotRunning(Name);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
