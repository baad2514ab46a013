using System.Net;
using System.Net.Sockets;
using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

public sealed class DialerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly UpgradeRig _rig = new();
    private readonly ScriptedTransport _transport;

    public DialerTests() => _transport = new ScriptedTransport(_rig);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task A_silent_address_only_costs_its_head_start()
    {
        var dial = Dial("/memory/1", "/memory/2");
        await _transport[1].Started;
        Advance(249);
        Assert.False(_transport[2].HasStarted);
        Advance(1);
        await _transport[2].Started;
        _transport[2].Connect();

        await using var link = await dial.WaitAsync(Patience, Token);
        Assert.Equal("/memory/2", link.RemoteAddress.ToString());
        Assert.Equal(_rig.Identities[1].PeerId, link.RemotePeer);
        Assert.True(_transport[1].WasCancelled);
    }

    [Fact]
    public async Task A_refused_address_starts_the_next_at_once()
    {
        var dial = Dial("/memory/1", "/memory/2");
        await _transport[1].Started;
        _transport[1].Refuse();
        await _transport[2].Started;
        _transport[2].Connect();
        await using var link = await dial.WaitAsync(Patience, Token);
        Assert.Equal("/memory/2", link.RemoteAddress.ToString());
    }

    [Fact]
    public async Task An_address_that_connects_and_then_says_nothing_holds_up_nobody()
    {
        var dial = Dial("/memory/1", "/memory/2");
        await _transport[1].Started;
        _transport[1].ConnectToNobody();
        await _transport[1].Upgrading;
        Advance(250);
        await _transport[2].Started;
        _transport[2].Connect();
        await using var link = await dial.WaitAsync(Patience, Token);

        Assert.Equal("/memory/2", link.RemoteAddress.ToString());
        Assert.True(_transport[1].Closed);
        Assert.Equal(0, _rig.Budgets[0].Used(ResourceKind.Handshakes));
    }

    [Fact]
    public async Task When_all_fail_the_error_names_each_address_with_its_reason()
    {
        var dial = Dial("/memory/1", "/memory/2", "/ip4/127.0.0.1/tcp/1");
        await _transport[1].Started;
        _transport[1].Refuse();
        await _transport[2].Started;
        _transport[2].ConnectToNobody();
        await _transport[2].Upgrading;
        _transport[2].HangUp();

        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.Disconnected, error.Failure);
        Assert.Contains("/memory/1: scripted refusal", error.Message);
        Assert.Contains("/memory/2: The connection ended", error.Message);
        Assert.Contains("/ip4/127.0.0.1/tcp/1: No transport", error.Message);
    }

    [Fact]
    public async Task Time_running_out_is_told_as_such_and_frees_every_attempt()
    {
        var dial = Dial("/memory/1", "/memory/2");
        await _transport[1].Started;
        Advance(250);
        await _transport[2].Started;
        Advance(15_000);

        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.TimedOut, error.Failure);
        Assert.True(_transport[1].WasCancelled && _transport[2].WasCancelled);
    }

    [Fact]
    public async Task Cancelling_ends_the_dial_and_every_attempt()
    {
        using var cancel = new CancellationTokenSource();
        var dial = Dialer().DialAsync(null, [Multiaddr.Memory(1), Multiaddr.Memory(2)], cancel.Token);
        await _transport[1].Started;
        _transport[1].ConnectToNobody();
        await _transport[1].Upgrading;
        Advance(250);
        await _transport[2].Started;
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial.WaitAsync(Patience, Token));
        Assert.True(_transport[1].Closed);
        Assert.True(_transport[2].WasCancelled);
        Assert.Equal(0, _rig.Budgets[0].Used(ResourceKind.Handshakes));
    }

    [Fact]
    public async Task Cancelling_while_the_losers_end_does_not_lose_the_winner()
    {
        using var cancel = new CancellationTokenSource();
        _transport[1].OnCancel = cancel.Cancel;
        var dial = Dialer().DialAsync(null, [Multiaddr.Memory(1), Multiaddr.Memory(2)], cancel.Token);
        await _transport[1].Started;
        Advance(250);
        await _transport[2].Started;
        _transport[2].Connect();

        await using var link = await dial.WaitAsync(Patience, Token);
        Assert.Equal("/memory/2", link.RemoteAddress.ToString());
    }

    [Fact]
    public async Task Two_addresses_that_answer_make_one_link_and_one_is_closed()
    {
        var dial = Dial("/memory/1", "/memory/2");
        await _transport[1].Started;
        Advance(250);
        await _transport[2].Started;
        _transport[1].Connect();
        _transport[2].Connect();
        await using var link = await dial.WaitAsync(Patience, Token);

        var loser = link.RemoteAddress.ToString() == "/memory/1" ? 2ul : 1ul;
        Assert.True(_transport[loser].WasCancelled || _transport[loser].Closed);
        Assert.Equal(0, _rig.Budgets[0].Used(ResourceKind.Handshakes));
    }

    [Fact]
    public async Task An_address_of_another_peer_is_not_dialled()
    {
        using var other = NodeIdentity.Generate(KeyType.Ecdsa);
        var dial = Dialer().DialAsync(_rig.Identities[1].PeerId, [Multiaddr.Memory(1).WithPeerId(other.PeerId)], Token);
        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));

        Assert.Equal(HandshakeFailure.PeerIdMismatch, error.Failure);
        Assert.False(_transport[1].HasStarted);
    }

    [Fact]
    public async Task The_peer_that_an_address_names_must_answer()
    {
        using var other = NodeIdentity.Generate();
        var dial = Dialer().DialAsync(null, [Multiaddr.Memory(1).WithPeerId(other.PeerId)], Token);
        await _transport[1].Started;
        _transport[1].Connect();
        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.PeerIdMismatch, error.Failure);
    }

    [Fact]
    public async Task An_address_of_this_node_is_not_dialled()
    {
        var dial = Dialer().DialAsync(null, [Multiaddr.Memory(1).WithPeerId(_rig.Identities[0].PeerId)], Token);
        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.SelfDial, error.Failure);
        Assert.False(_transport[1].HasStarted);
    }

    [Fact]
    public async Task No_address_at_all_is_an_error_that_says_so()
    {
        var error = await Assert.ThrowsAsync<HandshakeException>(() => Dialer().DialAsync(null, [], Token));
        Assert.Contains("no address is known", error.Message);
    }

    [Fact]
    public async Task Dnsaddr_is_refused_with_advice()
    {
        var error = await Assert.ThrowsAsync<HandshakeException>(() => Dialer().DialAsync(null, [Multiaddr.Parse("/dnsaddr/bootstrap.example")], Token));
        Assert.Equal(HandshakeFailure.UnsupportedAddress, error.Failure);
        Assert.Contains("TXT records", error.Message);
    }

    [Fact]
    public async Task The_addresses_of_a_name_are_raced_family_by_family()
    {
        var options = new DialerOptions
        {
            Lookup = (name, _, _) => Task.FromResult(new[] { IPAddress.Parse("::1"), IPAddress.Parse("::2"), IPAddress.Parse("127.0.0.1") }),
        };
        _transport.Family = "ip";
        var planner = new DialPlanner([_transport], _rig.Identities[0].PeerId, options, _rig.Clock);
        List<DialError> errors = [];
        var plan = planner.Plan(null, [Multiaddr.Parse("/dns/x.example/tcp/7")], errors, Token);
        var targets = new List<DialTarget>();
        while (plan.HasNext) targets.Add(plan.Take());

        Assert.Equal(["/ip6/::1/tcp/7", "/ip4/127.0.0.1/tcp/7", "/ip6/::2/tcp/7"], targets.Select(target => target.Address.ToString()));
        Assert.Empty(errors);
    }

    [Fact]
    public async Task A_name_that_nobody_knows_is_told_with_the_other_reasons()
    {
        var options = new DialerOptions { Lookup = (_, _, _) => throw new SocketException((int)SocketError.HostNotFound) };
        var dial = Dialer(options).DialAsync(null, [Multiaddr.Parse("/dns4/x.example/tcp/7"), Multiaddr.Memory(1)], Token);
        await _transport[1].Started;
        _transport[1].Refuse();
        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Contains("x.example", error.Message);
        Assert.Contains("/memory/1: scripted refusal", error.Message);
    }

    [Fact]
    public async Task A_name_server_that_does_not_answer_is_given_up_in_time()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = new DialerOptions
        {
            Lookup = async (_, _, cancellationToken) =>
            {
                asked.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, _rig.Clock, cancellationToken);
                return [];
            },
        };
        var dial = Dialer(options).DialAsync(null, [Multiaddr.Parse("/dns4/x.example/tcp/7")], Token);
        await asked.Task.WaitAsync(Patience, Token);
        Advance(15_000);
        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.TimedOut, error.Failure);
        Assert.Contains("x.example", error.Message);
    }

    [Fact]
    public async Task A_name_that_is_slow_to_resolve_holds_up_no_plain_address()
    {
        _transport.Family = "";
        var asked = new TaskCompletionSource();
        var options = new DialerOptions
        {
            Lookup = async (_, _, cancellationToken) =>
            {
                asked.SetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return [];
            },
        };
        var dial = Dialer(options).DialAsync(null, [Multiaddr.Parse("/dns4/slow.example/tcp/1"), Multiaddr.Memory(1)], Token);
        await asked.Task.WaitAsync(Patience, Token);
        await _transport[1].Started;
        _transport[1].Connect();
        await using var link = await dial.WaitAsync(Patience, Token);
        Assert.Equal("/memory/1", link.RemoteAddress.ToString());
    }

    [Fact]
    public async Task A_refused_address_behind_a_name_is_not_dialled()
    {
        _transport.Family = "ip4";
        var options = new DialerOptions { Lookup = (_, _, _) => Task.FromResult(new[] { IPAddress.Parse("127.0.0.9") }) };
        var dialer = Dialer(options);
        dialer.RefuseResolved = (_, address) => $"{address} is on the list";
        var error = await Assert.ThrowsAsync<HandshakeException>(() => dialer.DialAsync(null, [Multiaddr.Parse("/dns4/some.example/tcp/1")], Token).WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.RefusedLocally, error.Failure);
        Assert.Contains("/ip4/127.0.0.9/tcp/1 is on the list", error.Message, StringComparison.Ordinal);
    }

    private void Advance(int milliseconds) => _rig.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private Dialer Dialer(DialerOptions? options = null) => new([_transport], _rig.Dialler, options ?? new DialerOptions(), _rig.Clock);

    private Task<IConnection> Dial(params string[] addresses) => Dialer().DialAsync(null, [.. addresses.Select(Multiaddr.Parse)], Token);
}
