using System.Net;
using System.Net.Sockets;
using System.Text;
using Starling.Net.Discovery;
using Starling.Net.Joining;

namespace Starling.Tests;

public sealed class JoiningTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly List<StarlingNode> _nodes = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await Task.WhenAll(_nodes.Select(one => one.DisposeAsync().AsTask()));

    [Fact]
    public async Task Of_twenty_peers_each_is_reported_with_what_came_of_it_and_none_holds_up_the_others()
    {
        var never = new TaskCompletionSource<JoinAnswer>();
        var accepting = await StartAsync(10);
        foreach (var host in accepting) host.OnJoin((request, _) => ValueTask.FromResult(JoinAnswer.Accept($"welcome {request.Name}: {Encoding.UTF8.GetString(request.Payload.Span)}")));
        var refusing = await StartAsync(3);
        foreach (var host in refusing) host.OnJoin((_, _) => ValueTask.FromResult(JoinAnswer.Refuse("learning has finished")));
        var hanging = await StartAsync(2);
        foreach (var host in hanging) host.OnJoin(async (_, cancelled) => await never.Task.WaitAsync(cancelled));
        var failing = (await StartAsync(1))[0];
        failing.OnJoin((_, _) => throw new InvalidOperationException("a secret of the host"));
        var deaf = (await StartAsync(1))[0];
        await deaf.Requests.DisposeAsync();
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var closed = FreePorts.Find();
        var wrong = accepting[0].Addresses[0].WithoutPeerId().WithPeerId(refusing[0].PeerId);

        var joiner = (await StartAsync(1, name: "newcomer"))[0];
        var others = accepting.Concat(refusing).Concat(hanging).Append(failing).Append(deaf).ToList();
        List<Multiaddr> addresses =
        [
            .. hanging.Select(one => one.Addresses[0]),
            Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{((IPEndPoint)mute.LocalEndpoint).Port}"),
            Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{closed}"),
            joiner.Addresses[0].WithoutPeerId(),
            .. others.Except(hanging).Select(one => one.Addresses[0]),
        ];
        var options = new JoinOptions { Addresses = addresses, MaxParallel = 8, PeerTimeout = TimeSpan.FromSeconds(3), Timeout = TimeSpan.FromSeconds(25), Payload = "let me in"u8.ToArray() };
        var result = await joiner.JoinAsync(options, TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);

        Assert.Equal(20, result.Asked.Count);
        Assert.True(result.IsJoined);
        Assert.Equal(accepting.Select(one => one.PeerId).Order(), result.Accepted.Select(one => one.Peer!).Order());
        Assert.All(result.Accepted, one => Assert.Equal("welcome newcomer: let me in", Encoding.UTF8.GetString(one.Answer.Span)));
        foreach (var host in refusing) Has(host, JoinOutcome.Refused, "learning has finished");
        foreach (var host in hanging) Has(host, JoinOutcome.TimedOut, "");
        Has(failing, JoinOutcome.Refused, "could not judge");
        Assert.DoesNotContain(result.Asked, one => one.Reason?.Contains("secret", StringComparison.Ordinal) == true);
        Has(deaf, JoinOutcome.NoAnswer, "");
        Assert.Equal(JoinOutcome.TimedOut, At(((IPEndPoint)mute.LocalEndpoint).Port).Outcome);
        Assert.Equal(JoinOutcome.NotLinked, At(closed).Outcome);
        Assert.Equal(JoinOutcome.Duplicate, result.Asked.Single(one => one.Reason?.Contains("very node", StringComparison.Ordinal) == true).Outcome);
        Assert.Equal(17, result.Linked.Count());

        // Who accepted has a direct link at both ends, who did not a transient one.
        foreach (var host in accepting)
        {
            Assert.Equal(LinkKind.Direct, joiner.Host.Find(host.PeerId)!.Kind);
            Assert.Equal(LinkKind.Direct, host.Host.Find(joiner.PeerId)!.Kind);
        }

        foreach (var host in refusing) Assert.Equal(LinkKind.Transient, joiner.Host.Find(host.PeerId)!.Kind);

        var forged = await joiner.JoinAsync(new JoinOptions { Addresses = [wrong] }, TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(forged.Accepted, one => one.Peer!.Equals(accepting[0].PeerId));

        JoinAttempt At(int port) => result.Asked.Single(one => one.Addresses[0].ToString().EndsWith($"/tcp/{port}", StringComparison.Ordinal));

        void Has(StarlingNode host, JoinOutcome outcome, string reason)
        {
            var attempt = result.Asked.Single(one => host.PeerId.Equals(one.Peer));
            Assert.Equal(outcome, attempt.Outcome);
            Assert.Contains(reason, attempt.Reason!, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_node_joins_those_whom_it_finds_and_everybody_accepts_without_a_handler()
    {
        var port = FreeUdpPort();
        var hosts = await StartAsync(3, options => WithSsdp(options, port));
        var joiner = (await StartAsync(1, options =>
        {
            WithSsdp(options, port);
            options.Discovery.Mode = Protocols.Discovery.DiscoveryMode.Off;
        }))[0];
        await Assert.ThrowsAsync<StarlingException>(() => joiner.JoinAsync());
        await joiner.Discovery.StartAsync(TestContext.Current.CancellationToken);
        var options = new JoinOptions { Enough = 3, SearchTimeout = TimeSpan.FromSeconds(20), Timeout = TimeSpan.FromSeconds(20) };
        var result = await joiner.JoinAsync(options, TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(hosts.Select(one => one.PeerId).Order(), result.Accepted.Select(one => one.Peer!).Order());
    }

    [Fact]
    public async Task The_host_is_told_who_asked_and_may_have_one_handler_at_a_time()
    {
        var (host, joiner) = ((await StartAsync(1))[0], (await StartAsync(1, name: "newcomer"))[0]);
        var refusing = host.OnJoin((_, _) => ValueTask.FromResult(JoinAnswer.Refuse("no")));
        Assert.Throws<InvalidOperationException>(() => host.OnJoin((_, _) => ValueTask.FromResult(JoinAnswer.Accept())));
        await using var events = host.EventsAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await events.MoveNextAsync());
        var options = new JoinOptions { Addresses = [host.Addresses[0]] };
        Assert.False((await joiner.JoinAsync(options, TestContext.Current.CancellationToken)).IsJoined);
        while (events.Current is not NodeEvent.JoinAnswered) Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
        var told = (NodeEvent.JoinAnswered)events.Current;
        Assert.Equal((joiner.PeerId, "newcomer", "no"), (told.Peer, told.Name, told.Answer.Reason));
        refusing.Dispose();
        Assert.True((await joiner.JoinAsync(options, TestContext.Current.CancellationToken)).IsJoined);
    }

    [Fact]
    public async Task Joining_can_be_cancelled_and_ends_at_its_time()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var joiner = (await StartAsync(1))[0];
        var options = new JoinOptions { Addresses = [Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{((IPEndPoint)mute.LocalEndpoint).Port}")], Timeout = TimeSpan.FromMilliseconds(300) };
        var result = await joiner.JoinAsync(options, TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(JoinOutcome.TimedOut, Assert.Single(result.Asked).Outcome);
        using var cancel = new CancellationTokenSource();
        var joining = joiner.JoinAsync(options with { Timeout = TimeSpan.FromHours(1), PeerTimeout = TimeSpan.FromHours(1) }, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => joining.WaitAsync(Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Options_out_of_range_are_errors()
    {
        var joiner = (await StartAsync(1))[0];
        var bad = new[]
        {
            new JoinOptions { Timeout = TimeSpan.Zero }, new JoinOptions { PeerTimeout = TimeSpan.FromDays(2) }, new JoinOptions { MaxPeers = 0 },
            new JoinOptions { MaxParallel = 1000 }, new JoinOptions { Enough = 0 }, new JoinOptions { Payload = new byte[65_537] },
        };
        foreach (var options in bad) await Assert.ThrowsAnyAsync<ArgumentException>(() => joiner.JoinAsync(options));
        await Assert.ThrowsAsync<UnknownDiscoveryException>(() => joiner.JoinAsync(new JoinOptions { Discoveries = ["mdns"] }));
    }

    private static void WithSsdp(StarlingOptions options, int port)
    {
        options.Discovery.Providers = ["ssdp"];
        options.Discovery.Ssdp.Port = port;
    }

    private static int FreeUdpPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private async Task<List<StarlingNode>> StartAsync(int count, Action<StarlingOptions>? configure = null, string? name = null)
    {
        var started = new List<StarlingNode>();
        for (var i = 0; i < count; i++)
        {
            var options = new StarlingOptions { DisplayName = name };
            configure?.Invoke(options);
            started.Add(await StarlingNode.StartAsync(options, TestContext.Current.CancellationToken));
            _nodes.Add(started[^1]);
        }

        return started;
    }
}
