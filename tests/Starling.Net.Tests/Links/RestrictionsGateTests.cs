using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Protocols.Links;

namespace Starling.Net.Tests.Links;

/// <summary>The blocklist as a gate, as a filter, and on open links.</summary>
public sealed class RestrictionsGateTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly PeersMetrics _metrics = new();
    private readonly ManualClock _clock = new();

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task The_gate_refuses_dials_accepts_and_links_of_blocked_ends_only()
    {
        await using var restrictions = Make();
        var gate = (ILinkGate)restrictions;
        var (good, bad, address) = (Id(1), Id(2), Multiaddr.Parse("/ip4/192.0.2.1/tcp/1"));
        await restrictions.BlockAsync(BlockSubject.Of(bad));
        await restrictions.BlockAsync(BlockSubject.Parse("198.51.100.0/24"));
        var blocked = Multiaddr.Parse("/ip6/::ffff:198.51.100.7/tcp/1");

        Assert.Null(gate.RefuseDial(good, address));
        Assert.Null(gate.RefuseDial(null, address));
        Assert.Null(gate.RefuseDial(good, Multiaddr.Parse("/dns/example.org/tcp/1")));
        Assert.Null(gate.RefuseAccept(address));
        Assert.Null(gate.RefuseLink(good, address, Direction.Inbound));
        foreach (var refusal in new[] { gate.RefuseDial(bad, address), gate.RefuseDial(null, address.WithPeerId(bad)), gate.RefuseDial(good, blocked), gate.RefuseAccept(blocked), gate.RefuseLink(bad, address, Direction.Outbound), gate.RefuseLink(good, blocked, Direction.Inbound) })
        {
            Assert.Equal(CloseReason.Blocked, refusal?.Reason);
        }

        Assert.Equal(2, await restrictions.ClearAsync());
        Assert.Null(gate.RefuseAccept(blocked));
    }

    [Fact]
    public async Task Candidates_keep_their_order_without_the_blocked_ones()
    {
        await using var restrictions = Make();
        await restrictions.BlockAsync([BlockSubject.Of(Id(2)), BlockSubject.Parse("198.51.100.0/24")]);
        PeerEntry[] candidates = [Entry(1, "192.0.2.1"), Entry(2, "192.0.2.1"), Entry(3, "198.51.100.1"), Entry(4, "198.51.100.1", "192.0.2.1"), Entry(5)];
        Assert.Equal([Id(1), Id(4), Id(5)], restrictions.FilterCandidates(candidates).Select(entry => entry.Peer));
    }

    [Fact]
    public async Task A_full_list_refuses_all_of_a_batch_and_says_so()
    {
        await using var restrictions = Make(new RestrictionsOptions { MaxEntries = 3, Block = ["192.0.2.1"] });
        await restrictions.BlockAsync(BlockSubject.Parse("192.0.2.2"));
        var full = await Assert.ThrowsAsync<StarlingException>(() => restrictions.BlockAsync([BlockSubject.Parse("192.0.2.3"), BlockSubject.Parse("192.0.2.4")]));
        Assert.Contains("MaxEntries", full.Message, StringComparison.Ordinal);
        Assert.Equal(2, restrictions.Blocked.Count);
        await restrictions.BlockAsync([BlockSubject.Parse("192.0.2.3"), BlockSubject.Parse("192.0.2.1")]);
        await Assert.ThrowsAsync<ArgumentException>(() => restrictions.BlockAsync(BlockSubject.Parse("192.0.2.1"), note: new string('x', 257)));
        await Assert.ThrowsAsync<ArgumentException>(() => restrictions.BlockAsync(BlockSubject.Parse("192.0.2.1"), note: "a\nb"));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => restrictions.BlockAsync(BlockSubject.Parse("192.0.2.1"), TimeSpan.Zero));
    }

    [Fact]
    public async Task Entries_expire_in_their_order_and_are_told()
    {
        await using var restrictions = Make();
        var told = new List<string>();
        using var observing = restrictions.Observe((entry, change) => told.Add($"{change} {entry.Subject}"));
        await restrictions.StartAsync(new NoLinks(Id(1000)), (_, _) => Task.CompletedTask, TestContext.Current.CancellationToken);
        await restrictions.BlockAsync(BlockSubject.Parse("192.0.2.1"), TimeSpan.FromDays(40));
        await restrictions.BlockAsync(BlockSubject.Parse("192.0.2.2"), TimeSpan.FromMinutes(1));
        await restrictions.BlockAsync(BlockSubject.Parse("192.0.2.3"), TimeSpan.MaxValue);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(2, restrictions.Blocked.Count);
        _clock.Advance(TimeSpan.FromDays(40));
        Assert.Equal(["Added 192.0.2.1", "Added 192.0.2.2", "Added 192.0.2.3", "Expired 192.0.2.2", "Expired 192.0.2.1"], told);
        Assert.Null(Assert.Single(restrictions.Blocked).Expires);
    }

    [Fact]
    public async Task Blocking_a_range_closes_every_open_link_in_it_and_later_ones_as_they_come()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await using var c = await TestNode.StartAsync();
        await using var restrictions = Make();
        await restrictions.StartAsync(a.Swarm, (peer, why) => a.Swarm.DisconnectAsync(peer, why), TestContext.Current.CancellationToken);
        await a.ConnectAsync(b);
        await c.ConnectAsync(a);
        Assert.Equal(["connected", "connected"], [await a.NextEventAsync(), await a.NextEventAsync()]);
        await restrictions.BlockAsync(BlockSubject.Parse("127.0.0.0/8")).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Empty(a.Swarm.Links);
        Assert.Equal(["disconnected Blocked", "disconnected Blocked"], [await a.NextEventAsync(), await a.NextEventAsync()]);

        // Not added as a gate, it still closes what becomes ready.
        await a.ConnectAsync(b);
        Assert.Equal(["connected", "disconnected Blocked"], [await a.NextEventAsync(), await a.NextEventAsync()]);
    }

    private Restrictions Make(RestrictionsOptions? options = null) => new(options ?? new RestrictionsOptions(), _clock, _metrics, NullLogger.Instance);

    private static PeerId Id(int number) => PeerId.FromBytes([0x00, 0x04, .. BitConverter.GetBytes(number)]);

    private static PeerEntry Entry(int number, params string[] hosts) =>
        new(Id(number), [.. hosts.Select(host => new PeerAddress(Multiaddr.Parse($"/ip4/{host}/tcp/1"), AddressSource.User, default, null))], false, null, 0, false);
}
