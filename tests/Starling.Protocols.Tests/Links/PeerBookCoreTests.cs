using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

public sealed class PeerBookCoreTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly PeerId Self = Id(0);

    private readonly List<PeerId> _changed = [];

    [Fact]
    public void Addresses_come_best_first_and_the_worst_give_way()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits { MaxAddressesPerPeer = 4 });
        core.Note(Id(1), [At(1)], AddressSource.User, Start, _changed);
        core.Note(Id(1), [At(2)], AddressSource.Hearsay, Start, _changed);
        core.Note(Id(1), [At(3)], AddressSource.Discovery, Start.AddMinutes(1), _changed);
        core.Succeeded(Id(1), At(4), Start.AddMinutes(2), _changed);
        Assert.Equal([At(4), At(1), At(3), At(2)], Places(core, 1));

        core.Note(Id(1), [At(5)], AddressSource.Discovery, Start.AddMinutes(3), _changed);
        Assert.Equal([At(4), At(1), At(5), At(3)], Places(core, 1));
        core.Note(Id(1), [At(6)], AddressSource.Hearsay, Start.AddMinutes(4), _changed);
        Assert.Equal([At(4), At(1), At(5), At(3)], Places(core, 1));
        foreach (var port in Enumerable.Range(10, 8)) core.Succeeded(Id(1), At(port), Start.AddHours(port), _changed);
        Assert.Equal([At(17), At(16), At(15), At(1)], Places(core, 1));
    }

    [Fact]
    public void What_cannot_lead_to_the_peer_is_left_out()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits());
        Assert.Equal(PeerBookOutcome.Unusable, core.Note(Id(1), [], AddressSource.User, Start, _changed));
        Multiaddr[] useless = [At(1).WithPeerId(Id(2)), Multiaddr.Parse("/ip4/0.0.0.0/tcp/1"), Multiaddr.Parse("/ip6/::/tcp/1"), Multiaddr.Parse("/ip4/192.0.2.1/tcp/0"), Multiaddr.Parse($"/p2p/{Id(1)}")];
        Assert.Equal(PeerBookOutcome.Unusable, core.Note(Id(1), useless, AddressSource.User, Start, _changed));
        Assert.Equal(PeerBookOutcome.Self, core.Note(Self, [At(1)], AddressSource.User, Start, _changed));
        Assert.Empty(_changed);
        Assert.Equal(PeerBookOutcome.Noted, core.Note(Id(1), [At(1).WithPeerId(Id(1)), At(1), .. useless], AddressSource.User, Start, _changed));
        Assert.Equal([At(1)], Places(core, 1));
    }

    [Fact]
    public void Dead_peers_are_brought_back_at_first_hand_and_never_by_hearsay()
    {
        foreach (var source in Enum.GetValues<AddressSource>())
        {
            var core = new PeerBookCore(Self, new PeerBookLimits { MaxFailures = 3 });
            core.Note(Id(1), [At(1)], AddressSource.Discovery, Start, _changed);
            for (var failure = 0; failure < 3; failure++)
            {
                Assert.False(core.Find(Id(1))!.IsDead);
                core.Failed(Id(1), Start, _changed);
            }

            var dead = core.Find(Id(1))!;
            Assert.Equal((true, 0, Start), (dead.IsDead, dead.Addresses.Count, dead.Died));
            var comesBack = source >= AddressSource.Discovery;
            Assert.Equal(comesBack ? PeerBookOutcome.Noted : PeerBookOutcome.Dead, core.Note(Id(1), [At(2)], source, Start.AddHours(1), _changed));
            Assert.Equal(!comesBack, core.Find(Id(1))!.IsDead);
            Assert.Equal((comesBack ? 1 : 0, comesBack ? 0 : 1), (core.Count, core.DeadCount));
        }
    }

    [Fact]
    public void A_link_brings_a_dead_peer_back_and_clears_its_failures()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits { MaxFailures = 1 });
        core.Note(Id(1), [At(1)], AddressSource.Discovery, Start, _changed);
        core.Failed(Id(1), Start, _changed);
        core.Linked(Id(1), isNeighbour: true, Start.AddMinutes(1), _changed);
        var back = core.Find(Id(1))!;
        Assert.Equal((false, 0, true, true, Start.AddMinutes(1)), (back.IsDead, back.Failures, back.IsLinked, back.IsNeighbour, back.LastSeen));
        core.Failed(Id(1), Start, _changed);
        Assert.False(core.Find(Id(1))!.IsDead);
    }

    [Fact]
    public void A_record_brings_a_dead_peer_back_only_when_it_is_newer_than_the_last_one_known()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits { MaxFailures = 1 });
        Assert.Equal(PeerBookOutcome.Noted, core.NoteRecord(Id(1), 7, [At(1)], new byte[10], isFirstHand: true, Start, _changed));
        Assert.Equal(PeerBookOutcome.OldRecord, core.NoteRecord(Id(1), 7, [At(2)], new byte[10], isFirstHand: false, Start, _changed));
        core.Failed(Id(1), Start, _changed);
        Assert.Equal(PeerBookOutcome.Dead, core.NoteRecord(Id(1), 6, [At(1)], default, isFirstHand: false, Start, _changed));
        Assert.Equal(PeerBookOutcome.Dead, core.NoteRecord(Id(1), 7, [At(1)], default, isFirstHand: false, Start, _changed));
        Assert.Equal(PeerBookOutcome.Noted, core.NoteRecord(Id(1), 8, [At(2)], new byte[10], isFirstHand: false, Start, _changed));
        Assert.Equal([At(2)], Places(core, 1));

        // Of a peer without any record nobody can tell whether one is old.
        core.Note(Id(2), [At(1)], AddressSource.Discovery, Start, _changed);
        core.Failed(Id(2), Start, _changed);
        Assert.Equal(PeerBookOutcome.Dead, core.NoteRecord(Id(2), ulong.MaxValue, [At(1)], default, isFirstHand: false, Start, _changed));
        Assert.Equal(PeerBookOutcome.Noted, core.NoteRecord(Id(2), 1, [At(1)], default, isFirstHand: true, Start, _changed));
    }

    [Fact]
    public void A_newer_record_replaces_what_only_the_older_one_told()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits { MaxRecordBytes = 100 });
        core.NoteRecord(Id(1), 1, [At(1), At(2)], new byte[100], isFirstHand: false, Start, _changed);
        core.Note(Id(1), [At(3)], AddressSource.User, Start, _changed);
        core.Succeeded(Id(1), At(2), Start, _changed);
        core.NoteRecord(Id(1), 2, [At(4)], new byte[101], isFirstHand: false, Start.AddMinutes(1), _changed);
        Assert.Equal([At(2), At(3), At(4)], Places(core, 1));
        Assert.Equal((2UL, 0), (core.Find(Id(1))!.RecordSequence, core.Find(Id(1))!.SignedRecord.Length));
    }

    [Fact]
    public void Learned_peers_age_out_and_static_linked_and_once_seen_ones_stay_longer()
    {
        var limits = new PeerBookLimits { ForgetUnseenAfter = TimeSpan.FromDays(1), ForgetSeenAfter = TimeSpan.FromDays(30), ForgetDeadAfter = TimeSpan.FromDays(7), MaxFailures = 1 };
        var core = new PeerBookCore(Self, limits);
        foreach (var number in Enumerable.Range(1, 5)) core.Note(Id(number), [At(number)], AddressSource.Discovery, Start, _changed);
        core.SetStatic(Id(1), true, _changed);
        core.Linked(Id(2), isNeighbour: true, Start, _changed);
        core.Succeeded(Id(3), At(3), Start, _changed);
        core.Failed(Id(5), Start, _changed);

        _changed.Clear();
        core.Tick(Start.AddDays(1).AddTicks(-1), _changed);
        Assert.Equal((4, 1), (core.Count, core.DeadCount));
        core.Tick(Start.AddDays(1), _changed);
        Assert.Null(core.Find(Id(4)));
        Assert.Equal([Id(4)], _changed);
        core.Tick(Start.AddDays(7), _changed);
        Assert.Equal((3, 0), (core.Count, core.DeadCount));
        core.Tick(Start.AddDays(30), _changed);
        Assert.Null(core.Find(Id(3)));
        core.Unlinked(Id(2), wasLost: true, Start.AddDays(30), _changed);
        core.Note(Id(2), [At(2)], AddressSource.Identify, Start.AddDays(30), _changed);
        core.Tick(Start.AddDays(59), _changed);
        Assert.True(core.Find(Id(2))!.IsNeighbour);
        core.Tick(Start.AddDays(60), _changed);
        Assert.Equal(Id(1), Assert.Single(core.Snapshot()).Peer);
        core.SetStatic(Id(1), false, _changed);
        core.Tick(Start.AddDays(60), _changed);
        Assert.Equal(0, core.Count);
    }

    [Fact]
    public void An_address_that_is_told_again_and_again_lives_and_changes_nothing()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits());
        core.Note(Id(1), [At(1)], AddressSource.Discovery, Start, _changed);
        _changed.Clear();
        for (var minute = 1; minute < 3 * 24 * 60; minute++)
        {
            Assert.InRange(core.Note(Id(1), [At(1)], AddressSource.Discovery, Start.AddMinutes(minute), _changed), PeerBookOutcome.Noted, PeerBookOutcome.Known);
            core.Tick(Start.AddMinutes(minute), _changed);
        }

        Assert.Equal([At(1)], Places(core, 1));
        Assert.InRange(_changed.Count, 3, 3 * 64);
    }

    [Fact]
    public void A_full_book_gives_up_the_least_valuable_and_never_who_must_stay()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits { MaxPeers = 4 });
        core.Note(Id(1), [At(1)], AddressSource.User, Start, _changed);
        core.SetStatic(Id(1), true, _changed);
        core.Linked(Id(2), isNeighbour: false, Start, _changed);
        core.Note(Id(3), [At(3)], AddressSource.Hearsay, Start, _changed);
        core.Note(Id(4), [At(4)], AddressSource.Discovery, Start, _changed);

        Assert.Equal(PeerBookOutcome.Noted, core.Note(Id(5), [At(5)], AddressSource.Hearsay, Start.AddSeconds(1), _changed));
        Assert.Null(core.Find(Id(3)));
        Assert.Equal(PeerBookOutcome.Noted, core.Note(Id(6), [At(6)], AddressSource.Identify, Start.AddSeconds(2), _changed));
        Assert.Null(core.Find(Id(5)));
        Assert.Equal(PeerBookOutcome.Full, core.Note(Id(7), [At(7)], AddressSource.Hearsay, Start.AddSeconds(3), _changed));

        // Who is linked has a place as long as anybody can give way.
        core.Linked(Id(8), isNeighbour: true, Start, _changed);
        core.Linked(Id(9), isNeighbour: true, Start, _changed);
        core.Linked(Id(10), isNeighbour: true, Start, _changed);
        Assert.Equal([Id(1), Id(2), Id(8), Id(9)], core.Snapshot().Select(peer => peer.Peer).OrderBy(peer => peer.ToString().Length).ThenBy(Number));
    }

    [Fact]
    public void Ten_thousand_peers_of_hearsay_displace_nobody_who_was_met_and_no_tombstone()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits { MaxPeers = 100, MaxDead = 10, MaxFailures = 1 });
        foreach (var number in Enumerable.Range(1, 50)) core.Succeeded(Id(number), At(number), Start, _changed);
        foreach (var number in Enumerable.Range(1, 10)) core.Failed(Id(number), Start, _changed);
        foreach (var number in Enumerable.Range(100, 10_000)) core.Note(Id(number), [At(1)], AddressSource.Hearsay, Start.AddSeconds(number), _changed);
        Assert.Equal((100, 10), (core.Count, core.DeadCount));
        Assert.All(Enumerable.Range(11, 40), number => Assert.NotNull(core.Find(Id(number))));
        Assert.All(Enumerable.Range(1, 10), number => Assert.True(core.Find(Id(number))!.IsDead));
    }

    [Fact]
    public void What_was_saved_comes_back_within_the_present_bounds_and_never_from_the_future()
    {
        var core = new PeerBookCore(Self, new PeerBookLimits { MaxFailures = 1 });
        foreach (var number in Enumerable.Range(1, 20)) core.NoteRecord(Id(number), 5, [At(number)], new byte[20], isFirstHand: true, Start.AddSeconds(number), _changed);
        core.SetStatic(Id(1), true, _changed);
        core.Linked(Id(2), isNeighbour: true, Start, _changed);
        core.Failed(Id(3), Start, _changed);

        var same = new PeerBookCore(Self, new PeerBookLimits());
        Assert.Equal(0, same.Restore(core.Snapshot(), Start.AddMinutes(1)));
        Assert.Equal(core.Snapshot().Select(peer => (peer with { IsLinked = false }).ToString()).Order(), same.Snapshot().Select(peer => peer.ToString()).Order());
        Assert.Equal((5UL, 20), (same.Find(Id(9))!.RecordSequence, same.Find(Id(9))!.SignedRecord.Length));

        var small = new PeerBookCore(Id(20), new PeerBookLimits { MaxPeers = 3, MaxDead = 0 });
        Assert.Equal(17, small.Restore(core.Snapshot(), Start.AddMinutes(1)));
        Assert.Equal([Id(1), Id(2), Id(19)], small.Snapshot().Select(peer => peer.Peer).OrderBy(Number));

        var earlier = new PeerBookCore(Self, new PeerBookLimits());
        earlier.Restore(core.Snapshot(), Start.AddYears(-1));
        earlier.Tick(Start.AddYears(-1).AddDays(1), _changed);
        Assert.Equal([Id(1), Id(2)], earlier.Snapshot().Where(peer => !peer.IsDead).Select(peer => peer.Peer).OrderBy(Number));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Whatever_happens_bounds_hold_and_changes_are_told(int seed)
    {
        var random = RandomSource.Seeded((ulong)seed);
        var limits = new PeerBookLimits { MaxPeers = 20, MaxDead = 5, MaxAddressesPerPeer = 3, MaxFailures = 2 };
        var core = new PeerBookCore(Self, limits);
        var now = Start;
        var told = new Dictionary<PeerId, string?>();
        var statics = new HashSet<PeerId>();
        for (var step = 0; step < 3000; step++)
        {
            now += TimeSpan.FromSeconds(random.Next(3600));
            var peer = Id(random.Next(60));
            var address = At(1 + random.Next(6));
            _changed.Clear();
            switch (random.Next(9))
            {
                case 0 or 1: core.Note(peer, [address], (AddressSource)random.Next(5), now, _changed); break;
                case 2: core.Succeeded(peer, address, now, _changed); break;
                case 3: core.Linked(peer, random.Next(2) == 0, now, _changed); break;
                case 4: core.Unlinked(peer, random.Next(2) == 0, now, _changed); break;
                case 5: core.Failed(peer, now, _changed); break;
                case 6: core.NoteRecord(peer, (ulong)random.Next(50), [address], new byte[8], random.Next(2) == 0, now, _changed); break;
                case 7 when random.Next(10) == 0:
                    var isStatic = random.Next(2) == 0 && statics.Count < 5;
                    if (core.SetStatic(peer, isStatic, _changed) && isStatic) statics.Add(peer);
                    else statics.Remove(peer);
                    break;
                case 8: core.Tick(now, _changed); break;
            }

            foreach (var changed in _changed) told[changed] = core.Find(changed)?.ToString();
            Assert.True(core.Count <= limits.MaxPeers && core.DeadCount <= limits.MaxDead, $"seed {seed}, step {step}");
            var present = core.Snapshot();
            Assert.True(present.All(entry => entry.Addresses.Count <= limits.MaxAddressesPerPeer && entry.Peer != Self), $"seed {seed}, step {step}");
            Assert.True(statics.All(one => core.Find(one) is { IsStatic: true, IsDead: false }), $"seed {seed}, step {step}: a static peer is gone");
            Assert.Equal(present.Select(entry => entry.Peer).Order(), told.Where(one => one.Value is not null).Select(one => one.Key).Order());
        }
    }

    private static PeerId Id(int number) => PeerId.FromBytes([0x00, 0x04, .. BitConverter.GetBytes(number)]);

    private static int Number(PeerId peer) => BitConverter.ToInt32(peer.Bytes[2..]);

    private static Multiaddr At(int port) => Multiaddr.Parse($"/ip4/192.0.2.1/tcp/{port}");

    private static IEnumerable<Multiaddr> Places(PeerBookCore core, int number) => core.Find(Id(number))!.Addresses.Select(address => address.Address);
}
