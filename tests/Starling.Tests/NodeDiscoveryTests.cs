using System.Net;
using System.Net.Sockets;
using Starling.Net.Discovery;
using Starling.Protocols.Discovery;

namespace Starling.Tests;

public class NodeDiscoveryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly int _port = FreeUdpPort();

    [Fact]
    public async Task An_unknown_discovery_is_an_error_that_lists_the_known_ones()
    {
        var options = new StarlingOptions { Discovery = { Providers = ["carrier-pigeon"] } };
        var error = await Assert.ThrowsAsync<UnknownDiscoveryException>(() => StarlingNode.StartAsync(options, TestContext.Current.CancellationToken));
        Assert.Contains("'carrier-pigeon'", error.Message, StringComparison.Ordinal);
        Assert.Superset(new HashSet<string> { "bootstrap", "mdns", "ssdp" }, error.Known.ToHashSet());
        foreach (var name in error.Known) Assert.Contains(name, error.Message, StringComparison.Ordinal);
        await using var node = await StarlingNode.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<UnknownDiscoveryException>(() => node.Discovery.AddAsync("carrier-pigeon"));
    }

    [Theory]
    [InlineData("mdns")]
    [InlineData("ssdp")]
    public async Task Discovery_is_added_to_a_running_node_searched_with_and_stopped(string provider)
    {
        await using var first = await StartAsync(o => o.Discovery.Providers = [provider]);
        await using var second = await StartAsync(_ => { });
        Assert.False(second.Discovery.IsBeaconing);
        var added = await second.Discovery.AddAsync(provider, TestContext.Current.CancellationToken);
        Assert.Same(added, await second.Discovery.AddAsync(provider, TestContext.Current.CancellationToken));
        Assert.True(added.IsRunning);
        await foreach (var peer in second.Discovery.FindAsync(new DiscoverySearch { Limit = 1, Timeout = Patience }, TestContext.Current.CancellationToken))
        {
            Assert.Equal(first.PeerId, peer.Peer);
            Assert.Equal(provider, peer.Source);
            Assert.Equal([first.Addresses[0].WithoutPeerId()], peer.Addresses);
        }

        Assert.True(second.Discovery.IsBeaconing);
        second.Discovery.BeaconInterval = TimeSpan.FromSeconds(7);
        Assert.Equal(TimeSpan.FromSeconds(7), second.Discovery[provider].BeaconInterval);
        second.Discovery.StopBeacon();
        Assert.False(second.Discovery.IsBeaconing);
        second.Discovery.StartBeacon();
        Assert.True(added.IsBeaconing);
        await added.StopAsync(TestContext.Current.CancellationToken);
        Assert.False(added.IsRunning);
        Assert.Throws<StarlingException>(() => second.Discovery.FindAsync());
    }

    [Fact]
    public async Task A_discovery_that_fails_to_stop_does_not_keep_the_rest_of_the_node_running()
    {
        await using var target = await StartAsync(_ => { });
        var kinds = new DiscoveryRegistry();
        kinds.Register("phone-book", context => new PhoneBook(context, target.PeerId, target.Addresses[0], breaksAtTheEnd: true));
        var options = new StarlingOptions { Discovery = { Providers = ["phone-book"] } };
        var node = await StarlingNode.StartAsync(options, new NodeEnvironment { Discoveries = kinds }, TestContext.Current.CancellationToken);
        var link = await target.ConnectAsync(node.Addresses[0]).WaitAsync(TimeSpan.FromSeconds(20));

        await node.StopAsync().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(NodeState.Stopped, node.State);
        await link.Connection.Closed.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_discovery_of_the_users_own_is_chosen_by_name_and_its_finds_are_events_and_linked()
    {
        await using var target = await StartAsync(_ => { });
        var kinds = new DiscoveryRegistry();
        kinds.Register("phone-book", context => new PhoneBook(context, target.PeerId, target.Addresses[0]));
        Assert.Throws<ArgumentException>(() => kinds.Register("Phone Book", context => new PhoneBook(context, target.PeerId, target.Addresses[0])));
        var options = new StarlingOptions { Discovery = { Providers = ["phone-book"] } };
        await using var node = await StarlingNode.StartAsync(options, new NodeEnvironment { Discoveries = kinds }, TestContext.Current.CancellationToken);
        Assert.False(node.Discovery["phone-book"].CanBeacon);
        Assert.Throws<NotSupportedException>(node.Discovery.StartBeacon);
        await using var events = node.EventsAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await events.MoveNextAsync());
        var (found, linked) = (false, node.Host.Find(target.PeerId) is not null);
        ((PhoneBook)node.Discovery["phone-book"]).Open();
        while (!found || !linked)
        {
            Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
            found |= events.Current is NodeEvent.Found { Peer.Source: "phone-book" };
            linked |= events.Current is NodeEvent.Connected;
        }
    }

    [Fact]
    public async Task Given_addresses_are_told_in_place_of_those_that_are_listened_on()
    {
        await using var hidden = await StartAsync(o => o.Announce = ["203.0.113.7", "2001:db8::7", "node.example.org:4001", "/ip4/198.51.100.2/tcp/9"]);
        await using var both = await StartAsync(o => (o.Announce, o.AnnounceListened) = (["203.0.113.8"], true));
        var port = hidden.Addresses[0].Components[1].Value;
        await using var peer = await StartAsync(_ => { });
        var told = await peer.ConnectAsync(hidden.Addresses[0], TestContext.Current.CancellationToken);
        Assert.Equal(
            [$"/ip4/203.0.113.7/tcp/{port}", $"/ip6/2001:db8::7/tcp/{port}", "/dns/node.example.org/tcp/4001", "/ip4/198.51.100.2/tcp/9"],
            told.Info.ListenAddresses.Select(one => one.ToString()));
        Assert.Equal(told.Info.ListenAddresses.Select(one => one.WithPeerId(hidden.PeerId)), hidden.AnnouncedAddresses);
        var also = await peer.ConnectAsync(both.Addresses[0], TestContext.Current.CancellationToken);
        Assert.Equal([$"/ip4/203.0.113.8/tcp/{both.Addresses[0].Components[1].Value}", both.Addresses[0].WithoutPeerId().ToString()], also.Info.ListenAddresses.Select(one => one.ToString()));

        // The record that the peer signed says the same as its words.
        Assert.False(told.Info.SignedPeerRecord.IsEmpty);
        Assert.True(Protocols.Links.PeerRecords.TryOpen(told.Info.SignedPeerRecord.Span, out _, out _, out var signed));
        Assert.Equal(told.Info.ListenAddresses, signed);
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("no port:")]
    [InlineData("/ip4/203.0.113.7/tcp/1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")]
    public async Task An_address_that_cannot_be_announced_is_named(string text)
    {
        var error = await Assert.ThrowsAsync<StarlingException>(() => StartAsync(o => o.Announce = [text]));
        Assert.Contains($"Announce: '{text}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listening_on_every_interface_tells_the_addresses_of_the_interfaces()
    {
        // It announces itself to nobody, and nobody connects.
        await using var node = await StartAsync(o => o.Listen = ["/ip4/0.0.0.0/tcp/0"]);
        var told = node.AnnouncedAddresses.Select(one => one.Components[0].Value).ToList();
        Assert.Equal(SystemNetwork.Instance.Faces.Where(one => one.IsUp && one.Address.AddressFamily == AddressFamily.InterNetwork).Select(one => one.Address.ToString()).Distinct().Order(), told.Order());
        Assert.Contains("127.0.0.1", told);
        Assert.Equal(node.Addresses, node.AnnouncedAddresses);
    }

    [Fact]
    public async Task Wrong_discovery_options_are_named_with_their_path()
    {
        var options = new StarlingOptions
        {
            Discovery =
            {
                Interfaces = ["::1", "10.0.0.0/99", "127.0.0.1", "127.0.0.1"],
                BeaconInterval = TimeSpan.FromMilliseconds(1),
                Providers = ["mdns", "mdns", "bootstrap"],
                Mode = (DiscoveryMode)9,
                Mdns = { Port = 0, ServiceName = "a..b" },
                Ssdp = { Port = 70_000, ServiceName = "a b", Latitude = 91 },
            },
        };
        var error = await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(options, TestContext.Current.CancellationToken));
        foreach (var path in new[] { "Interfaces: '::1'", "Interfaces: '10.0.0.0/99'", "Interfaces: '::1, 10", "BeaconInterval", "Providers: 'mdns, mdns", "Providers: 'bootstrap'", "Mode", "Mdns:Port", "Mdns:ServiceName", "Ssdp:Port", "Ssdp:ServiceName", "Ssdp:Latitude" })
            Assert.Contains($"Discovery:{path}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_free_port_is_found_and_a_taken_one_is_told()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var taken = ((IPEndPoint)holder.LocalEndpoint).Port;
        Assert.False(FreePorts.IsAvailable(taken));
        Assert.Throws<StarlingException>(() => FreePorts.Find(taken, taken));
        Assert.True(FreePorts.IsAvailable(FreePorts.Find()));
        Assert.NotEqual(taken, FreePorts.Find(Math.Min(taken, 65_000), 65_535));
        Assert.Throws<ArgumentOutOfRangeException>(() => FreePorts.IsAvailable(0));
    }

    private async Task<StarlingNode> StartAsync(Action<StarlingOptions> configure)
    {
        var options = new StarlingOptions { Discovery = { Mdns = { Port = _port }, Ssdp = { Port = _port } } };
        configure(options);
        return await StarlingNode.StartAsync(options, TestContext.Current.CancellationToken);
    }

    private static int FreeUdpPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>A user's own discovery, of which the feed is all there is.</summary>
    private sealed class PhoneBook(DiscoveryContext context, PeerId peer, Multiaddr address, bool breaksAtTheEnd = false) : IDiscovery
    {
        private readonly DiscoveryFeed _feed = new(context.Clock, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);

        public string Name => "phone-book";

        public bool IsRunning { get; private set; }

        public IReadOnlyList<DiscoveredPeer> Known => _feed.Known;

        public void Open() => _feed.Found(new DiscoveredPeer(peer, [address.WithoutPeerId()], Name));

        public Task StartAsync(CancellationToken cancellationToken = default)
        {
            IsRunning = true;
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken = default)
        {
            IsRunning = false;
            _feed.Clear();
            return Task.CompletedTask;
        }

        public IDisposable Observe(IDiscoveryObserver observer) => _feed.Add(observer);

        public IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default) => _feed.FindAsync(search, () => { }, cancellationToken);

        public ValueTask DisposeAsync() => breaksAtTheEnd ? throw new InvalidOperationException("broken") : ValueTask.CompletedTask;
    }
}
