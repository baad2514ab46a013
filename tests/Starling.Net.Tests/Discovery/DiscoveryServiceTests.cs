using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Discovery;
using Starling.Net.Links;
using Starling.Protocols.Discovery;

namespace Starling.Net.Tests.Discovery;

public sealed class DiscoveryServiceTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly TestHost _host = new();
    private readonly DiscoveryMetrics _metrics = new();

    public ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Bootstrap_addresses_of_one_peer_are_dialled_together()
    {
        var peer = Id(1);
        await using var service = Service(Bootstrap($"/ip4/127.0.0.1/tcp/1/p2p/{peer}", $"/ip4/127.0.0.1/tcp/2/p2p/{peer}", "/ip4/127.0.0.1/tcp/3"));
        await service.StartAsync();
        var dials = new[] { await _host.DialAsync(), await _host.DialAsync() };
        Assert.Equal(["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"], dials.Single(one => peer.Equals(one.Peer)).Addresses.Select(one => one.ToString()));
        Assert.Equal(["/ip4/127.0.0.1/tcp/3"], dials.Single(one => one.Peer is null).Addresses.Select(one => one.ToString()));
    }

    [Fact]
    public async Task A_bootstrap_peer_that_cannot_be_reached_is_dialled_again_and_again()
    {
        await using var service = Service(Bootstrap("/ip4/127.0.0.1/tcp/1"));
        await service.StartAsync();
        for (var i = 0; i < 10; i++)
        {
            var dial = await _host.DialAsync();
            dial.End.SetException(new HandshakeException(HandshakeFailure.TransportFailed, "refused"));
            await _host.EndedAsync(dial, _clock);
        }
    }

    [Fact]
    public async Task Stopping_cancels_dials_under_way_and_waits_for_them()
    {
        var discovery = Bootstrap("/ip4/127.0.0.1/tcp/1");
        var service = Service(discovery);
        await service.StartAsync();
        var dial = await _host.DialAsync();
        await service.StopAsync().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(dial.End.Task.IsCanceled);
        Assert.False(discovery.IsRunning);
        Assert.Equal(0, _host.Observers);
        await service.StopAsync();
    }

    [Fact]
    public async Task A_discovery_that_cannot_start_stops_the_others_and_says_why()
    {
        var good = Bootstrap();
        await using var service = Service(good, new BrokenDiscovery());
        var error = await Assert.ThrowsAsync<StarlingException>(() => service.StartAsync());
        Assert.Equal("no port", error.Message);
        Assert.False(good.IsRunning);
        Assert.Equal(0, _host.Observers);
    }

    private static PeerId Id(byte number)
    {
        var multihash = new byte[34];
        (multihash[0], multihash[1], multihash[2]) = (0x12, 32, number);
        return PeerId.FromBytes(multihash);
    }

    private BootstrapDiscovery Bootstrap(params string[] addresses) =>
        new(new DiscoveryContext(_host.LocalPeer, new DiscoveryOptions()) { Bootstrap = [.. addresses.Select(Multiaddr.Parse)], Clock = _clock, Metrics = _metrics });

    private DiscoveryService Service(params IDiscovery[] discoveries) =>
        new(_host, discoveries, new DialPlanOptions(), _clock, RandomSource.Seeded(1), _metrics, NullLogger.Instance);

    private sealed record TestDial(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses, TaskCompletionSource<IPeerLink> End);

    private sealed class TestHost : ILinkHost
    {
        private readonly Channel<TestDial> _dials = Channel.CreateBounded<TestDial>(100);
        private int _observers;

        public int Observers => Volatile.Read(ref _observers);

        public PeerId LocalPeer { get; } = Id(200);

        public IReadOnlyList<Multiaddr> ListenAddresses => [];

        public IReadOnlyList<IPeerLink> Links => [];

        public IPeerLink? Find(PeerId peer) => null;

        public async Task<TestDial> DialAsync() => await _dials.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        /// <summary>Moves the clock until the plan, having heard of the failure, dials again.</summary>
        public async Task EndedAsync(TestDial dial, ManualClock clock)
        {
            await Assert.ThrowsAsync<HandshakeException>(() => dial.End.Task);
            while (!_dials.Reader.TryPeek(out _))
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

    private sealed class BrokenDiscovery : IDiscovery
    {
        public string Name => "broken";

        public bool IsRunning => false;

        public IReadOnlyList<DiscoveredPeer> Known => [];

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.FromException(new StarlingException("no port"));

        public Task StopAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public IDisposable Observe(IDiscoveryObserver observer) => new Removal(() => { });

        public IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default) =>
            throw DiscoveryFeed.NotRunning(Name);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
