using System.Diagnostics.Metrics;
using System.Text;
using Starling.Net.Discovery;
using Starling.Protocols.Discovery;

namespace Starling.Net.Tests.Discovery;

/// <summary>What every discovery by multicast does, over real sockets on the loopback interface with TTL 0, on a port of each test's own.</summary>
public abstract class MulticastContractTests : IAsyncLifetime
{
    private protected readonly int Port = GroupEar.FreePort();
    private protected readonly ManualClock Clock = new();
    private readonly List<IDiscovery> _started = [];
    private readonly DiscoveryMetrics _metrics = new();
    private int _nodes;

    private protected abstract string Group { get; }

    /// <summary>Seconds of a step of the clock while waiting for questions that come seldom.</summary>
    private protected abstract double SearchStep { get; }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var one in _started) await one.DisposeAsync();
        _metrics.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_search_finds_who_answers_and_ends_when_enough_are_found()
    {
        var nodes = await StartAsync(4);
        var found = await FindAsync(nodes[0].Discovery, new DiscoverySearch { Limit = 3, Timeout = TimeSpan.FromMinutes(10) });
        Assert.Equal(nodes.Skip(1).Select(one => one.Id).Order(), found.Select(one => one.Peer!).Order());
    }

    [Fact]
    public async Task A_search_ends_at_its_time_with_those_it_found()
    {
        var nodes = await StartAsync(2, clock: Clock);
        await using var search = nodes[0].Discovery.FindAsync(new DiscoverySearch { Timeout = TimeSpan.FromMinutes(1), MaxAge = TimeSpan.FromHours(1) }).GetAsyncEnumerator();
        var first = search.MoveNextAsync().AsTask();
        await AdvanceUntilAsync(first);
        Assert.True(await first);
        Assert.Equal(nodes[1].Id, search.Current.Peer);
        var second = search.MoveNextAsync().AsTask();
        await AdvanceUntilAsync(second);
        Assert.False(await second);
    }

    [Fact]
    public async Task A_search_does_not_yield_who_was_heard_of_long_ago()
    {
        var nodes = await StartAsync(2, clock: Clock);
        var known = nodes[0].Found.FoundAsync(nodes[1].Id);
        await AdvanceUntilAsync(known);
        await nodes[1].Discovery.DisposeAsync();
        Clock.Advance(TimeSpan.FromSeconds(10));
        var search = FindAsync(nodes[0].Discovery, new DiscoverySearch { Timeout = TimeSpan.Zero });
        Assert.Empty(await search);
    }

    [Fact]
    public async Task A_search_can_be_cancelled_and_one_where_nothing_runs_is_an_error()
    {
        var nodes = await StartAsync(1);
        using var cancel = new CancellationTokenSource();
        await using var search = nodes[0].Discovery.FindAsync(null, cancel.Token).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var next = search.MoveNextAsync().AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(TimeSpan.FromSeconds(20)));
        await nodes[0].Discovery.StopAsync();
        Assert.Throws<StarlingException>(() => nodes[0].Discovery.FindAsync());
    }

    [Fact]
    public async Task A_stopped_beacon_sends_nothing_until_somebody_asks()
    {
        var nodes = await StartAsync(1, options => options.Beacon = false, Clock);
        Assert.False(nodes[0].Discovery.IsBeaconing);
        using var ear = new GroupEar(Group, Port);
        for (var queries = 0; queries < 5;)
        {
            var heard = ear.HearAsync();
            await AdvanceUntilAsync(heard, SearchStep);
            Assert.False(IsBeaconOf(await heard, nodes[0].Id));
            if (IsQuery(await heard)) queries++;
        }

        var others = await StartAsync(1);
        var answered = FindAsync(others[0].Discovery, new DiscoverySearch { Limit = 1, Timeout = TimeSpan.FromMinutes(10) });
        await AdvanceUntilAsync(answered);
        Assert.Equal(nodes[0].Id, Assert.Single(await answered).Peer);
        nodes[0].Discovery.StartBeacon();
        Assert.True(nodes[0].Discovery.IsBeaconing);
        nodes[0].Discovery.StopBeacon();
        Assert.False(nodes[0].Discovery.IsBeaconing);
    }

    [Fact]
    public async Task A_beacon_is_heard_at_a_new_interval_at_once()
    {
        using var ear = new GroupEar(Group, Port);
        var node = (await StartAsync(1, options => options.BeaconInterval = TimeSpan.FromHours(20), Clock))[0];
        await HearBeaconAsync(ear, node, TimeSpan.FromMilliseconds(200));
        Clock.Advance(TimeSpan.FromSeconds(30));
        node.Discovery.BeaconInterval = TimeSpan.FromSeconds(2);
        Assert.Equal(TimeSpan.FromSeconds(2), node.Discovery.BeaconInterval);

        // The clock stands still: the interval since the last one is over already.
        await HearBeaconAsync(ear, node, TimeSpan.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => node.Discovery.BeaconInterval = TimeSpan.FromMilliseconds(999));
    }

    [Fact]
    public async Task A_node_that_only_listens_sends_nothing_and_finds()
    {
        using var ear = new GroupEar(Group, Port);
        var silent = (await StartAsync(1, options => options.Mode = DiscoveryMode.ListenOnly, Clock))[0];
        Assert.False(silent.Discovery.CanBeacon);
        Assert.Throws<NotSupportedException>(silent.Discovery.StartBeacon);
        Assert.Throws<NotSupportedException>(() => silent.Discovery.BeaconInterval = TimeSpan.FromSeconds(2));
        for (var i = 0; i < 100; i++) Clock.Advance(TimeSpan.FromSeconds(20));
        silent.Discovery.AddressesChanged();
        await FindAsync(silent.Discovery, new DiscoverySearch { Timeout = TimeSpan.Zero });
        await silent.Discovery.StopAsync();
        await silent.Discovery.StartAsync();
        Assert.Empty(ear.Pending());

        var other = (await StartAsync(1))[0];
        await silent.Found.FoundAsync(other.Id);
        await silent.Discovery.StopAsync();
        Assert.Empty(other.Found.Pending());
    }

    [Fact]
    public async Task Fifty_nodes_of_one_host_find_each_other()
    {
        const int count = 50;
        using var ear = new GroupEar(Group, Port);
        var nodes = await StartAsync(count);
        foreach (var node in nodes)
        {
            await node.Found.FoundAsync([.. nodes.Where(other => other != node).Select(other => other.Id)]);
        }

        // Those started first may have asked several times by now, in growing intervals; more is a storm.
        Assert.InRange(ear.Pending().Count(IsQuery), 1, 8 * count);
    }

    [Fact]
    public async Task Garbage_and_giants_are_refused_and_counted_and_do_not_end_the_loops()
    {
        var refused = new HashSet<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "starling.discovery.refused") self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            lock (refused) refused.Add((string)tags[0].Value!);
        });
        listener.Start();
        var first = (await StartAsync(1))[0];
        using var ear = new GroupEar(Group, Port);
        var random = RandomSource.Seeded(1);
        for (var i = 0; i < 200; i++)
        {
            var packet = new byte[random.Next(i % 10 == 0 ? 12_000 : 200)];
            random.Fill(packet);
            await ear.SayAsync(packet);
        }

        var second = (await StartAsync(1))[0];
        await first.Found.FoundAsync(second.Id);
        await second.Found.FoundAsync(first.Id);
        lock (refused) Assert.Superset(new HashSet<string> { "TooLarge", "Malformed" }, refused);
    }

    [Fact]
    public async Task A_change_of_the_network_opens_the_sockets_anew_and_announces_again()
    {
        var network = new TestNetwork();
        using var ear = new GroupEar(Group, Port);
        var node = (await StartAsync(1, clock: Clock, network: network))[0];
        await HearBeaconAsync(ear, node, TimeSpan.FromMilliseconds(200));
        var other = (await StartAsync(1))[0];
        await AdvanceUntilAsync(node.Found.FoundAsync(other.Id));
        Clock.Advance(TimeSpan.FromSeconds(5));
        ear.Pending();
        network.Change(TestNetwork.Loopback("127.0.0.1"));
        network.Change(TestNetwork.Loopback("127.0.0.1"));
        await HearBeaconAsync(ear, node, TimeSpan.FromMilliseconds(400));

        // The interface is the same, so who was found there is not lost.
        Assert.Equal([other.Id], node.Discovery.Known.Select(one => one.Peer!));
        Assert.Equal(1, network.Watchers);
        await node.Discovery.StopAsync();
        Assert.Equal(0, network.Watchers);
    }

    [Fact]
    public async Task An_interface_that_vanishes_is_waited_for()
    {
        var network = new TestNetwork();
        var node = (await StartAsync(1, clock: Clock, network: network))[0];
        var other = (await StartAsync(1))[0];
        await AdvanceUntilAsync(node.Found.FoundAsync(other.Id));
        network.Change();
        await AdvanceUntilAsync(node.Found.LostAsync(other.Id));
        Assert.True(node.Discovery.IsRunning);
        Assert.Empty(((MulticastDiscovery)node.Discovery).Interfaces);
        network.Change(TestNetwork.Loopback("127.0.0.1"));
        await AdvanceUntilAsync(node.Found.FoundAsync(other.Id));
    }

    private protected abstract IDiscovery Create(DiscoveryContext context);

    private protected abstract void Configure(DiscoveryOptions options);

    private protected abstract bool IsQuery(byte[] packet);

    private protected abstract bool IsBeaconOf(byte[] packet, PeerId peer);

    /// <summary>Moves the clock in small steps until something has happened.</summary>
    private protected async Task AdvanceUntilAsync(Task happened, double seconds = 0.02)
    {
        while (!happened.IsCompleted)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            Clock.Advance(TimeSpan.FromSeconds(seconds));
            await Task.WhenAny(happened, Task.Delay(1, TestContext.Current.CancellationToken));
        }

        await happened;
    }

    private protected async Task<List<Node>> StartAsync(int count, Action<DiscoveryOptions>? configure = null, TimeProvider? clock = null, INetwork? network = null)
    {
        var nodes = new List<Node>();
        for (var i = 0; i < count; i++)
        {
            var multihash = new byte[34];
            (multihash[0], multihash[1], multihash[2]) = (0x12, 32, (byte)++_nodes);
            var options = new DiscoveryOptions();
            Configure(options);
            configure?.Invoke(options);
            OptionProblems.ThrowIfAny(options);
            var id = PeerId.FromBytes(multihash);
            var address = Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{20_000 + _nodes}");
            var discovery = Create(new DiscoveryContext(id, options)
            {
                Addresses = () => [address],
                Clock = clock ?? TimeProvider.System,
                Network = network ?? SystemNetwork.Instance,
                Metrics = _metrics,
            });
            _started.Add(discovery);
            var node = new Node(discovery, id, new FoundPeers());
            discovery.Observe(node.Found);
            nodes.Add(node);
        }

        await Task.WhenAll(nodes.Select(one => one.Discovery.StartAsync()));
        return nodes;
    }

    private protected static async Task<List<DiscoveredPeer>> FindAsync(IDiscovery discovery, DiscoverySearch search)
    {
        var found = new List<DiscoveredPeer>();
        await foreach (var peer in discovery.FindAsync(search, TestContext.Current.CancellationToken)) found.Add(peer);
        return found;
    }

    private async Task HearBeaconAsync(GroupEar ear, Node node, TimeSpan within)
    {
        var heard = HearAsync();
        for (var passed = TimeSpan.Zero; !heard.IsCompleted && passed < TimeSpan.FromSeconds(20); passed += TimeSpan.FromMilliseconds(5))
        {
            if (within > TimeSpan.Zero) Clock.Advance(within);
            await Task.WhenAny(heard, Task.Delay(5, TestContext.Current.CancellationToken));
        }

        await heard.WaitAsync(TimeSpan.FromSeconds(1));

        async Task HearAsync()
        {
            while (!IsBeaconOf(await ear.HearAsync(), node.Id))
            {
            }
        }
    }

    private protected sealed record Node(IDiscovery Discovery, PeerId Id, FoundPeers Found);
}

/// <summary>The contract, for multicast DNS.</summary>
public sealed class MdnsContractTests : MulticastContractTests
{
    private protected override string Group => "224.0.0.251";

    // The node must see its own question come back before long.
    private protected override double SearchStep => 0.02;

    private protected override IDiscovery Create(DiscoveryContext context) => new MdnsDiscovery(context);

    private protected override void Configure(DiscoveryOptions options) => options.Mdns.Port = Port;

    private protected override bool IsQuery(byte[] packet) => DnsMessage.TryRead(packet, out var message) == DnsError.None && !message!.IsResponse;

    private protected override bool IsBeaconOf(byte[] packet, PeerId peer) =>
        DnsMessage.TryRead(packet, out var message) == DnsError.None && message!.IsResponse && Encoding.UTF8.GetString(packet).Contains(peer.ToString(), StringComparison.Ordinal);
}

/// <summary>The contract, for the Nebula discovery.</summary>
public sealed class SsdpContractTests : MulticastContractTests
{
    private protected override string Group => "239.255.255.250";

    private protected override double SearchStep => 2;

    private protected override IDiscovery Create(DiscoveryContext context) => new SsdpDiscovery(context);

    private protected override void Configure(DiscoveryOptions options) => options.Ssdp.Port = Port;

    private protected override bool IsQuery(byte[] packet) => SsdpMessage.Read(packet, out var message) is null && message!.Kind == SsdpKind.Search;

    private protected override bool IsBeaconOf(byte[] packet, PeerId peer) =>
        SsdpMessage.Read(packet, out var message) is null && message!.Kind == SsdpKind.Beacon && peer.Equals(message.Peer);

    [Fact]
    public async Task A_Nebula_node_that_searches_is_answered_and_its_beacon_is_found()
    {
        var node = (await StartAsync(1))[0];
        using var nebula = new GroupEar(Group, Port);
        await nebula.SayAsync(Encoding.ASCII.GetBytes("NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: urn:nebula-service\r\nTYPE: beacon\r\nLOCATION: 127.0.0.1:45000\r\nLATITUDE: None\r\nLONGITUDE: None\r\n\r\n"));
        var found = await FindAsync(node.Discovery, new DiscoverySearch { Limit = 1, Timeout = TimeSpan.FromMinutes(1) });
        Assert.Null(Assert.Single(found).Peer);
        Assert.Equal("/ip4/127.0.0.1/tcp/45000", found[0].Addresses[0].ToString());

        using var asker = new System.Net.Sockets.UdpClient(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        asker.Client.SetSocketOption(System.Net.Sockets.SocketOptionLevel.IP, System.Net.Sockets.SocketOptionName.MulticastInterface, System.Net.IPAddress.Loopback.GetAddressBytes());
        asker.Ttl = 1;
        asker.Client.SetSocketOption(System.Net.Sockets.SocketOptionLevel.IP, System.Net.Sockets.SocketOptionName.MulticastTimeToLive, 0);
        var search = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: urn:nebula-service\r\nTYPE: discover\r\n\r\n";
        await asker.SendAsync(Encoding.ASCII.GetBytes(search), new System.Net.IPEndPoint(System.Net.IPAddress.Parse(Group), Port));
        var answer = Encoding.ASCII.GetString((await asker.ReceiveAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20))).Buffer);
        Assert.StartsWith("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: urn:nebula-service\r\nTYPE: response\r\nLOCATION: 127.0.0.1:20001\r\n", answer, StringComparison.Ordinal);
    }
}
