using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Discovery;
using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

public sealed class LinkManagerTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly DialledHost _host = new();
    private readonly LinkPolicyMetrics _metrics = new();
    private readonly DiscoveryMetrics _discoveryMetrics = new();

    public ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        _discoveryMetrics.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Bootstrap_addresses_of_one_peer_are_dialled_together()
    {
        var peer = DialledHost.Id(1);
        await using var manager = Manager();
        await using var discovery = Bootstrap($"/ip4/127.0.0.1/tcp/1/p2p/{peer}", $"/ip4/127.0.0.1/tcp/2/p2p/{peer}", "/ip4/127.0.0.1/tcp/3");
        using var observing = discovery.Observe(manager);
        await discovery.StartAsync();
        var dials = new[] { await _host.DialAsync(), await _host.DialAsync() };
        Assert.Equal(["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"], dials.Single(one => peer.Equals(one.Peer)).Addresses.Select(one => one.ToString()));
        Assert.Equal(["/ip4/127.0.0.1/tcp/3"], dials.Single(one => one.Peer is null).Addresses.Select(one => one.ToString()));
    }

    [Fact]
    public async Task A_bootstrap_peer_that_cannot_be_reached_is_dialled_again_and_again()
    {
        await using var manager = Manager();
        await using var discovery = Bootstrap("/ip4/127.0.0.1/tcp/1");
        using var observing = discovery.Observe(manager);
        await discovery.StartAsync();
        for (var i = 0; i < 10; i++)
        {
            var dial = await _host.DialAsync();
            dial.End.SetException(new HandshakeException(HandshakeFailure.TransportFailed, "refused"));
            await _host.NextAsync(_clock);
        }
    }

    [Fact]
    public async Task Stopping_cancels_dials_under_way_and_waits_for_them()
    {
        var manager = Manager();
        manager.Keep(Multiaddr.Parse("/ip4/127.0.0.1/tcp/1"));
        var dial = await _host.DialAsync();
        var waiting = manager.WaitForNeighboursAsync(NeighbourGoal.Kept, Timeout.InfiniteTimeSpan);
        await manager.StopAsync().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(dial.End.Task.IsCanceled);
        Assert.Equal(0, _host.Observers);
        await Assert.ThrowsAsync<StarlingException>(() => waiting);
        await Assert.ThrowsAsync<StarlingException>(() => manager.WaitForNeighboursAsync(NeighbourGoal.Kept, Timeout.InfiniteTimeSpan));
        await manager.StopAsync();
    }

    [Fact]
    public async Task A_wait_that_takes_too_long_ends_with_what_is_missing()
    {
        await using var manager = Manager();
        var waits = new[]
        {
            manager.WaitForNeighboursAsync(NeighbourGoal.AtLeast(3), TimeSpan.FromSeconds(5)),
            manager.WaitForNeighboursAsync(NeighbourGoal.Any(DialledHost.Id(1), DialledHost.Id(2)), TimeSpan.FromSeconds(5)),
        };
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("After 5 s there are 0 of 3 direct neighbours.", (await Assert.ThrowsAsync<TimeoutException>(() => waits[0].WaitAsync(TimeSpan.FromSeconds(20)))).Message);
        Assert.Contains("2 of 2 peers are not linked", (await Assert.ThrowsAsync<TimeoutException>(() => waits[1].WaitAsync(TimeSpan.FromSeconds(20)))).Message);
    }

    [Fact]
    public async Task Initial_neighbours_are_dialled_after_their_grace_time()
    {
        await using var manager = Manager(options => (options.Initial, options.InitialDelay) = (["127.0.0.1:7"], TimeSpan.FromSeconds(30)));
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(_host.IsDialled);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("/ip4/127.0.0.1/tcp/7", (await _host.DialAsync()).Addresses.Single().ToString());
    }

    [Fact]
    public void Wrong_options_are_named()
    {
        var error = Assert.Throws<ArgumentException>(() => Manager(options => (options.LowWater, options.Initial, options.LongestPause) = (500, ["nonsense:x:y"], TimeSpan.FromMilliseconds(1))));
        Assert.Contains("LowWater: '500' is above HighWater; use at most 192, or raise HighWater.", error.Message);
        Assert.Contains("Initial: 'nonsense:x:y' is no address", error.Message);
        Assert.Contains("LongestPause", error.Message);
    }

    private BootstrapDiscovery Bootstrap(params string[] addresses) =>
        new(new DiscoveryContext(_host.LocalPeer, new DiscoveryOptions()) { Metrics = _discoveryMetrics, Bootstrap = [.. addresses.Select(Multiaddr.Parse)] });

    private LinkManager Manager(Action<LinkManagerOptions>? configure = null)
    {
        var options = new LinkManagerOptions();
        configure?.Invoke(options);
        var manager = new LinkManager(_host, options, new LinkManagerWiring(_clock, RandomSource.Seeded(1), new ResourceBudget()), _metrics, NullLogger.Instance);
        manager.Start();
        return manager;
    }

    private sealed record TestDial(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses, TaskCompletionSource<IPeerLink> End);

    /// <summary>A host that hands every dial to the test.</summary>
    private sealed class DialledHost : ILinkHost
    {
        private readonly Channel<TestDial> _dials = Channel.CreateBounded<TestDial>(100);
        private int _observers;

        public int Observers => Volatile.Read(ref _observers);

        public bool IsDialled => _dials.Reader.TryPeek(out _);

        public PeerId LocalPeer { get; } = Id(200);

        public IReadOnlyList<Multiaddr> ListenAddresses => [];

        public IReadOnlyList<IPeerLink> Links => [];

        public static PeerId Id(byte number)
        {
            var multihash = new byte[34];
            (multihash[0], multihash[1], multihash[2]) = (0x12, 32, number);
            return PeerId.FromBytes(multihash);
        }

        public IPeerLink? Find(PeerId peer) => null;

        public async Task<TestDial> DialAsync() => await _dials.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        /// <summary>Moves the clock until the manager, having heard of a failure, dials again.</summary>
        public async Task NextAsync(ManualClock clock)
        {
            while (!IsDialled)
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                clock.Advance(TimeSpan.FromMinutes(3));
                await Task.Yield();
            }
        }

        public Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default)
        {
            var dial = new TestDial(peer, addresses, new TaskCompletionSource<IPeerLink>(TaskCreationOptions.RunContinuationsAsynchronously));
            cancellationToken.Register(() => dial.End.TrySetCanceled(cancellationToken));
            Assert.True(_dials.Writer.TryWrite(dial));
            return dial.End.Task;
        }

        public IDisposable Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32) => throw new NotSupportedException();

        public IDisposable Observe(ILinkObserver observer)
        {
            Interlocked.Increment(ref _observers);
            return new Removal(() => Interlocked.Decrement(ref _observers));
        }
    }

    private sealed class Removal(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
