using System.Net;
using FsCheck;
using FsCheck.Fluent;

namespace Starling.Core.Tests.Budget;

public sealed class ResourceScopeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly Multiaddr Here = Multiaddr.Parse("/ip4/192.0.2.1/tcp/1");
    private static readonly ResourceKind[] Kinds = Enum.GetValues<ResourceKind>();

    [Fact]
    public void A_scope_takes_for_peer_address_and_node_or_for_none()
    {
        var budget = new ResourceBudget(new ResourceBudgetOptions { MaxLinks = 5, Scopes = { MaxLinksPerPeer = 2, MaxLinksPerAddress = 3 } });
        using var a = budget.Open(Peer(1), Here);
        using var b = budget.Open(Peer(2), Here);
        using var c = budget.Open(Peer(3), Multiaddr.Parse("/ip4/192.0.2.2/tcp/1"));
        Assert.True(a.TryAcquire(ResourceKind.Links, 2));
        Assert.False(a.TryAcquire(ResourceKind.Links, 1, out var refusedBy));
        Assert.Equal((ResourceLevel.Peer, 1), (refusedBy, budget.Refused(ResourceKind.Links, ResourceLevel.Peer)));
        Assert.Contains(nameof(ScopeLimits.MaxLinksPerPeer), a.Explain(ResourceKind.Links, refusedBy), StringComparison.Ordinal);
        Assert.True(b.TryAcquire(ResourceKind.Links));
        Assert.False(b.TryAcquire(ResourceKind.Links, 1, out refusedBy));
        Assert.Equal(ResourceLevel.Address, refusedBy);
        Assert.Contains("192.0.2.1", b.Explain(ResourceKind.Links, refusedBy), StringComparison.Ordinal);
        Assert.True(c.TryAcquire(ResourceKind.Links, 2));
        b.Release(ResourceKind.Links);
        using var d = budget.Open(Peer(4));
        Assert.True(d.TryAcquire(ResourceKind.Links));
        Assert.False(b.TryAcquire(ResourceKind.Links, 1, out refusedBy));
        Assert.Equal((ResourceLevel.Node, 3, 5), (refusedBy, budget.Refused(ResourceKind.Links), budget.Used(ResourceKind.Links)));
        Assert.Equal((2, 0, 2), (budget.Used(ResourceKind.Links, Peer(1)), budget.Used(ResourceKind.Links, Peer(2)), budget.Used(ResourceKind.Links, IPAddress.Parse("192.0.2.1"))));
    }

    [Fact]
    public void Counts_of_a_peer_or_address_are_freed_with_its_last_scope()
    {
        var budget = new ResourceBudget();
        for (var number = 0; number < 10_000; number++)
        {
            using var scope = budget.Open(Peer(number), Multiaddr.Parse($"/ip4/10.0.{number / 256}.{number % 256}/tcp/1"));
            Assert.True(scope.TryAcquire(ResourceKind.Links));
            scope.Release(ResourceKind.Links);
        }

        var first = budget.Open(Peer(1), Here);
        var second = budget.Open(Peer(1), Here);
        Assert.Equal(2, budget.ScopeCount);
        first.Dispose();
        first.Dispose();
        Assert.True(second.TryAcquire(ResourceKind.Streams));
        Assert.Equal((2, 1), (budget.ScopeCount, budget.Used(ResourceKind.Streams, Peer(1))));
        second.Release(ResourceKind.Streams);
        second.Dispose();
        Assert.Equal((0, 0), (budget.ScopeCount, budget.Used(ResourceKind.Streams)));
    }

    [Theory]
    [InlineData("/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/2", true)]
    [InlineData("/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.2/tcp/1", false)]
    [InlineData("/ip4/192.0.2.1/tcp/1", "/ip6/::ffff:192.0.2.1/tcp/1", true)]
    [InlineData("/ip6/2001:db8::1/tcp/1", "/ip6/2001:db8::ffff:1/tcp/1", true)]
    [InlineData("/ip6/2001:db8::1/tcp/1", "/ip6/2001:db8:0:1::1/tcp/1", false)]
    [InlineData("/ip6zone/eth0/ip6/fe80::1/tcp/1", "/ip6zone/eth0/ip6/fe80::2/tcp/1", false)]
    [InlineData("/ip4/127.0.0.1/tcp/1", "/ip4/127.9.9.9/tcp/1", true)]
    [InlineData("/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1", true)]
    public void An_address_is_an_IPv4_address_an_IPv6_network_or_this_machine(string one, string other, bool same)
    {
        var budget = new ResourceBudget();
        using var a = budget.Open(null, Multiaddr.Parse(one));
        using var b = budget.Open(null, Multiaddr.Parse(other));
        Assert.Equal(same, a.Address == b.Address);
        Assert.Equal(same ? 1 : 2, budget.ScopeCount);
    }

    [Fact]
    public void This_machine_has_limits_of_its_own_and_what_has_no_address_has_none()
    {
        var budget = new ResourceBudget(new ResourceBudgetOptions { Scopes = { MaxHandshakesPerAddress = 1, MaxHandshakesFromLoopback = 2 } });
        using var local = budget.Open(null, Multiaddr.Parse("/ip6/::1/tcp/1"));
        Assert.True(local.TryAcquire(ResourceKind.Handshakes, 2));
        Assert.False(local.TryAcquire(ResourceKind.Handshakes, 1, out var refusedBy));
        Assert.Contains(nameof(ScopeLimits.MaxHandshakesFromLoopback), local.Explain(ResourceKind.Handshakes, refusedBy), StringComparison.Ordinal);
        foreach (var address in new[] { Multiaddr.Memory(1), Multiaddr.Parse("/dns/example.org/tcp/1") })
        {
            using var elsewhere = budget.Open(null, address);
            Assert.Null(elsewhere.Address);
            Assert.True(elsewhere.TryAcquire(ResourceKind.Handshakes, 10));
        }

        Assert.Equal((1, 2), (budget.LimitPerAddress(ResourceKind.Handshakes, IPAddress.Parse("192.0.2.1")), budget.LimitPerAddress(ResourceKind.Handshakes, IPAddress.Loopback)));
        Assert.Equal(long.MaxValue, budget.LimitPerPeer(ResourceKind.Handshakes));
    }

    [Fact]
    public void Whatever_is_taken_and_given_back_sums_match_and_no_limit_is_passed() =>
        Prop.ForAll<(byte Who, byte Kind, byte Amount)[]>(steps =>
        {
            var limits = new ScopeLimits { MaxLinksPerPeer = 5, MaxOpenStreamsPerPeer = 7, MaxWindowBytesPerPeer = 9, MaxQueueBytesPerPeer = 9, MaxLinksPerAddress = 8, MaxHandshakesPerAddress = 6 };
            var budget = new ResourceBudget(new ResourceBudgetOptions { MaxHandshakes = 14, MaxLinks = 14, MaxStreams = 14, MaxWindowBytes = 14, MaxQueueBytes = 14, Scopes = limits });
            var scopes = Enumerable.Range(0, 4).Select(who => budget.Open(Peer(who), Multiaddr.Parse($"/ip4/192.0.2.{who % 2}/tcp/1"))).ToList();
            var held = new long[4, Kinds.Length];
            foreach (var (who, kind, amount) in steps)
            {
                var (at, what) = (who % 4, kind % Kinds.Length);
                if (amount % 3 > 0 && scopes[at].TryAcquire(Kinds[what], amount % 5)) held[at, what] += amount % 5;
                else if (amount % 3 == 0)
                {
                    scopes[at].Release(Kinds[what], held[at, what]);
                    held[at, what] = 0;
                }

                foreach (var each in Kinds)
                {
                    var used = Enumerable.Range(0, 4).Select(peer => budget.Used(each, Peer(peer))).ToList();
                    Assert.Equal(Enumerable.Range(0, 4).Select(peer => held[peer, (int)each]), used);
                    Assert.Equal(used.Sum(), budget.Used(each));
                    Assert.Equal(used[0] + used[2], budget.Used(each, IPAddress.Parse("192.0.2.0")));
                    Assert.All(used, one => Assert.InRange(one, 0, budget.LimitPerPeer(each)));
                    Assert.InRange(used[1] + used[3], 0, budget.LimitPerAddress(each, IPAddress.Parse("192.0.2.1")));
                    Assert.InRange(budget.Used(each), 0, 14);
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public async Task Threads_that_race_pass_no_limit_and_leave_nothing_behind()
    {
        var budget = new ResourceBudget(new ResourceBudgetOptions { MaxStreams = 12, Scopes = { MaxOpenStreamsPerPeer = 5 } });
        var (taken, wrong) = (0L, 0L);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (var round = 0; round < 20_000; round++)
            {
                var peer = Peer((round + thread) % 3);
                using var scope = budget.Open(peer, Here);
                if (!scope.TryAcquire(ResourceKind.Streams, 2)) continue;
                Interlocked.Increment(ref taken);
                if (budget.Used(ResourceKind.Streams, peer) is < 2 or > 5 || budget.Used(ResourceKind.Streams) is < 2 or > 12) Interlocked.Increment(ref wrong);
                scope.Release(ResourceKind.Streams, 2);
            }
        }))).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal((0, 0, 0), (wrong, budget.ScopeCount, budget.Used(ResourceKind.Streams)));
        Assert.Equal(80_000, taken + budget.Refused(ResourceKind.Streams));
    }

    [Fact]
    public void A_scope_limit_that_is_out_of_range_is_named() =>
        Assert.Contains(nameof(ScopeLimits.MaxLinksPerPeer), Assert.Throws<ArgumentException>(() => new ResourceBudget(new ResourceBudgetOptions { Scopes = { MaxLinksPerPeer = 1 } })).Message, StringComparison.Ordinal);

    private static PeerId Peer(int number) => PeerId.FromBytes([0x00, 0x04, .. BitConverter.GetBytes(number)]);
}
