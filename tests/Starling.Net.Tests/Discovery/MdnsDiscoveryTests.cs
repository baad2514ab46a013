using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Starling.Net.Discovery;
using Starling.Protocols.Discovery;

namespace Starling.Net.Tests.Discovery;

/// <summary>Real sockets: multicast on the loopback interface with TTL 0, under a service name of each test's own.</summary>
public sealed class MdnsDiscoveryTests : IAsyncLifetime
{
    private static readonly IPAddress Group = IPAddress.Parse("224.0.0.251");
    private static int _next = 1;

    private readonly string _service = $"_p2p-{RandomSource.System.NextUInt64():x}._udp.local";
    private readonly List<MdnsDiscovery> _started = [];
    private readonly DiscoveryMetrics _metrics = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var one in _started) await one.DisposeAsync();
        _metrics.Dispose();
    }

    [Fact]
    public async Task Five_nodes_of_one_process_find_each_other_and_a_sixth_with_another_service_name_finds_nobody()
    {
        var nodes = Enumerable.Range(0, 5).Select(_ => Node()).ToList();
        var stranger = Node(service: "_p2p-" + RandomSource.System.NextUInt64().ToString("x") + "._udp.local");
        await stranger.Discovery.StartAsync();
        foreach (var (discovery, _, _, _, _) in nodes) await discovery.StartAsync();
        foreach (var node in nodes)
        {
            var others = nodes.Where(other => other.Id != node.Id).ToList();
            var found = await node.Found.FoundAsync([.. others.Select(one => one.Id)]);
            Assert.Equal(4, found.Count);
            Assert.All(others, other => Assert.Equal([other.Address], found[other.Id].Addresses));
            Assert.All(found.Values, one => Assert.Equal("mdns", one.Source));
        }

        Assert.Empty(stranger.Found.Pending());
    }

    [Fact]
    public async Task A_late_joiner_finds_and_is_found()
    {
        var (first, second) = (Node(), Node());
        await first.Discovery.StartAsync();
        await second.Discovery.StartAsync();
        await first.Found.FoundAsync(second.Id);
        var late = Node();
        await late.Discovery.StartAsync();
        await late.Found.FoundAsync(first.Id, second.Id);
        await first.Found.FoundAsync(late.Id);
        await second.Found.FoundAsync(late.Id);
    }

    [Fact]
    public async Task A_stopped_node_is_lost_answers_nobody_and_may_be_started_again()
    {
        var (first, second) = (Node(), Node());
        await first.Discovery.StartAsync();
        await second.Discovery.StartAsync();
        await first.Found.FoundAsync(second.Id);
        Assert.True(second.Discovery.IsRunning);
        await second.Discovery.StopAsync();
        Assert.False(second.Discovery.IsRunning);
        await first.Found.LostAsync(second.Id);

        var third = Node();
        await third.Discovery.StartAsync();
        await third.Found.FoundAsync(first.Id);
        Assert.DoesNotContain(second.Id, third.Discovery.Known.Select(one => one.Peer));

        await second.Discovery.StartAsync();
        await third.Found.FoundAsync(second.Id);
    }

    [Fact]
    public async Task Wrong_packets_do_not_end_the_loops()
    {
        var first = Node();
        await first.Discovery.StartAsync();
        using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        stranger.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.Loopback.GetAddressBytes());
        stranger.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, 0);
        var random = RandomSource.Seeded(1);
        for (var i = 0; i < 200; i++)
        {
            var packet = new byte[random.Next(i % 10 == 0 ? 12_000 : 200)];
            random.Fill(packet);
            await stranger.SendToAsync(packet, new IPEndPoint(Group, Port));
        }

        var second = Node();
        await second.Discovery.StartAsync();
        await first.Found.FoundAsync(second.Id);
        await second.Found.FoundAsync(first.Id);
    }

    [Fact]
    public async Task What_is_sent_to_the_port_but_not_to_the_group_is_refused_and_counted()
    {
        using var refused = new SemaphoreSlim(0);
        using var listener = new MeterListener();
        using var meters = new TestMeters();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (ReferenceEquals(instrument.Meter, meters.Created)) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) =>
        {
            if (instrument.Name == "starling.discovery.refused" && tags.ToArray().Any(tag => tag.Value is "NotMulticast")) refused.Release();
        });
        listener.Start();
        using (var instruments = new DiscoveryMetrics(meters))
        {
            // A port of its own: unicast reaches only one of the sockets that share a port.
            var port = FreePort();
            var node = Node(port: port, metrics: instruments);
            await node.Discovery.StartAsync();
            using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            await stranger.SendToAsync(DnsMessage.Query(DnsName.Parse(_service), DnsType.Ptr).Write(), new IPEndPoint(IPAddress.Loopback, port));
            Assert.True(await refused.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
            await node.Discovery.StopAsync();
        }
    }

    [Fact]
    public async Task An_address_that_no_interface_has_is_named_in_the_error()
    {
        var node = Node(face: "192.0.2.77");
        var error = await Assert.ThrowsAsync<StarlingException>(() => node.Discovery.StartAsync());
        Assert.Contains("192.0.2.77", error.Message, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1", error.Message, StringComparison.Ordinal);
        Assert.False(node.Discovery.IsRunning);
    }

    [Fact]
    public async Task A_port_that_somebody_holds_for_himself_is_named_in_the_error()
    {
        using var holder = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        holder.Bind(new IPEndPoint(IPAddress.Any, 0));
        var port = ((IPEndPoint)holder.LocalEndPoint!).Port;
        var node = Node(port: port);
        var error = await Assert.ThrowsAsync<StarlingException>(() => node.Discovery.StartAsync());
        Assert.Contains($"UDP port {port}", error.Message, StringComparison.Ordinal);
        Assert.False(node.Discovery.IsRunning);
    }

    [Fact]
    public void Packets_on_the_loopback_interface_do_not_leave_the_machine()
    {
        using var socket = MulticastSocket.Open(IPAddress.Loopback, Group, Port);
        Assert.Equal(0, socket.TimeToLive);
    }

    [Fact]
    public async Task An_observer_that_throws_disturbs_nobody()
    {
        var (first, second) = (Node(), Node());
        using var bad = first.Discovery.Observe(new ThrowingObserver());
        var good = new FoundPeers();
        first.Discovery.Observe(good);
        await first.Discovery.StartAsync();
        await second.Discovery.StartAsync();
        await good.FoundAsync(second.Id);
        await second.Discovery.StopAsync();
        await good.LostAsync(second.Id);
    }

    [Fact]
    public async Task Addresses_that_change_are_announced_when_told()
    {
        var (first, second) = (Node(), Node());
        await first.Discovery.StartAsync();
        await second.Discovery.StartAsync();
        await first.Found.FoundAsync(second.Id);
        var address = Multiaddr.Parse("/ip4/127.0.0.1/tcp/9999");
        second.Listening[0] = address;
        second.Discovery.AddressesChanged();
        Assert.Equal([address], (await first.Found.FoundAsync(second.Id))[second.Id].Addresses);
    }

    [Fact]
    public async Task Starting_and_stopping_twice_does_no_harm()
    {
        var node = Node();
        await node.Discovery.StopAsync();
        await node.Discovery.StartAsync();
        await node.Discovery.StartAsync();
        await node.Discovery.StopAsync();
        await node.Discovery.StopAsync();
        await node.Discovery.DisposeAsync();
    }

    [Fact]
    public async Task An_observer_that_comes_late_is_told_of_those_already_known()
    {
        var (first, second) = (Node(), Node());
        await first.Discovery.StartAsync();
        await second.Discovery.StartAsync();
        await first.Found.FoundAsync(second.Id);
        var late = new FoundPeers();
        using (first.Discovery.Observe(late)) Assert.Equal([second.Id], late.Pending());
    }

    private static int Port => 5353;

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private TestNode Node(string? service = null, int? port = null, string face = "127.0.0.1", DiscoveryMetrics? metrics = null, Action<DiscoveryOptions>? configure = null)
    {
        var number = Interlocked.Increment(ref _next);
        var multihash = new byte[34];
        (multihash[0], multihash[1], multihash[2]) = (0x12, 32, (byte)number);
        var id = PeerId.FromBytes(multihash);
        var address = Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{20_000 + number}");
        var options = new DiscoveryOptions { Interfaces = [face], Mdns = { Port = port ?? Port, ServiceName = service ?? _service } };
        configure?.Invoke(options);
        Multiaddr[] listening = [address];
        var discovery = new MdnsDiscovery(new DiscoveryContext(id, options) { Addresses = () => listening, Metrics = metrics ?? _metrics });
        _started.Add(discovery);
        var found = new FoundPeers();
        discovery.Observe(found);
        return new TestNode(discovery, id, address, found, listening);
    }

    private sealed record TestNode(MdnsDiscovery Discovery, PeerId Id, Multiaddr Address, FoundPeers Found, Multiaddr[] Listening);

    private sealed class ThrowingObserver : IDiscoveryObserver
    {
        public void OnFound(DiscoveredPeer peer) => throw new InvalidOperationException("found");

        public void OnLost(DiscoveredPeer peer) => throw new InvalidOperationException("lost");
    }

    private sealed class TestMeters : IMeterFactory
    {
        public Meter? Created { get; private set; }

        public Meter Create(MeterOptions options) => Created ??= new Meter(options);

        public void Dispose() => Created?.Dispose();
    }
}
