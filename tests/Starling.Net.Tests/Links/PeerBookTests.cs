using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Discovery;
using Starling.Net.Links;
using Starling.Protocols.Links;

namespace Starling.Net.Tests.Links;

/// <summary>The peer book over real links, and with a store that the test holds.</summary>
public sealed class PeerBookTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly PeersMetrics _metrics = new();
    private readonly ManualClock _clock = new();

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task A_link_teaches_where_the_peer_listens_and_its_signed_record()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await using var near = Book(a.Id);
        await using var far = Book(b.Id);
        await near.StartAsync(a.Swarm, TestContext.Current.CancellationToken);
        await far.StartAsync(b.Swarm, TestContext.Current.CancellationToken);
        var known = Reaches(far, a.Id, entry => entry?.RecordSequence > 0);
        await a.ConnectAsync(b);

        // The dialler knows the address because it worked, the listener because it was told; its end of the link is no place to dial.
        var entry = await known.WaitAsync(Patience);
        var told = Assert.Single(entry!.Addresses);
        Assert.Equal((a.Address, AddressSource.Identify, (DateTimeOffset?)null), (told.Address, told.Source, told.Succeeded));
        Assert.True(PeerRecords.TryOpen(entry.SignedRecord.Span, out var signer, out var sequence, out _));
        Assert.Equal((a.Id, entry.RecordSequence), (signer, sequence));
        Assert.Equal((b.Address, true, true), (near.Find(b.Id)!.Addresses[0].Address, near.Find(b.Id)!.Addresses[0].Succeeded is not null, near.Find(b.Id)!.IsNeighbour));

        var parted = Reaches(far, a.Id, gone => gone is { IsLinked: false });
        await a.Swarm.DisconnectAsync(b.Id).WaitAsync(Patience);
        await parted.WaitAsync(Patience);
        Assert.False(near.Find(b.Id)!.IsNeighbour);

        // Handed on to a third node, the record is worth something there; altered it is not.
        using var c = NodeIdentity.Generate();
        await using var third = Book(c.PeerId);
        Assert.True(third.AddRecord(entry.SignedRecord));
        Assert.False(third.AddRecord(entry.SignedRecord));
        Assert.Equal((a.Address, AddressSource.SignedRecord), (third.Find(a.Id)!.Addresses[0].Address, third.Find(a.Id)!.Addresses[0].Source));
        for (var at = 0; at < entry.SignedRecord.Length; at++)
        {
            var forged = entry.SignedRecord.ToArray();
            forged[at] ^= 1;
            Assert.False(third.AddRecord(forged));
        }

        Assert.Single(third.Peers);
    }

    [Fact]
    public async Task A_neighbour_that_was_killed_stays_a_neighbour()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await using var book = Book(a.Id);
        await book.StartAsync(a.Swarm, TestContext.Current.CancellationToken);
        await a.ConnectAsync(b);
        var lost = Reaches(book, b.Id, entry => entry is { IsLinked: false });
        b.Transport.Kill();
        await lost.WaitAsync(Patience);
        Assert.Equal(b.Id, Assert.Single(book.DirectNeighbours).Peer);
    }

    [Fact]
    public async Task Changes_are_saved_together_after_a_pause_and_once_more_at_the_end()
    {
        using var self = NodeIdentity.Generate();
        var store = new HeldStore();
        await using (var book = Book(self.PeerId, store))
        {
            await book.StartAsync(new NoLinks(Id(1000)), TestContext.Current.CancellationToken);
            for (var number = 1; number <= 100; number++) book.Add(Id(number), [At(number)], AddressSource.User);
            Assert.Equal(0, store.Saves);
            _clock.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal(100, await store.NextAsync());
            book.Remove(Id(1));
            Assert.True(await book.FlushAsync(TestContext.Current.CancellationToken));
            Assert.Equal(99, await store.NextAsync());
            Assert.True(await book.FlushAsync(TestContext.Current.CancellationToken));
            Assert.Equal(2, store.Saves);
            book.Remove(Id(2));
        }

        Assert.Equal(98, await store.NextAsync());
        Assert.Equal(3, store.Saves);
    }

    [Fact]
    public async Task A_save_that_fails_is_tried_again()
    {
        using var self = NodeIdentity.Generate();
        var store = new HeldStore { Failures = 2 };
        await using var book = Book(self.PeerId, store);
        book.Add(Id(1), [At(1)], AddressSource.User);
        Assert.False(await book.FlushAsync(TestContext.Current.CancellationToken));
        Assert.False(await book.FlushAsync(TestContext.Current.CancellationToken));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, await store.NextAsync());
    }

    [Fact]
    public async Task Observers_may_use_the_book_and_throw_without_harm()
    {
        using var self = NodeIdentity.Generate();
        await using var book = Book(self.PeerId);
        var heard = new ConcurrentQueue<string>();
        using var angry = book.Observe((_, _) => throw new InvalidOperationException("angry"));
        using var busy = book.Observe((peer, entry) =>
        {
            heard.Enqueue($"{Number(peer)} {entry?.IsStatic}");
            if (Number(peer) < 3 && entry is { IsStatic: false }) book.SetStatic(peer, true);
        });
        book.Add(Id(1), [At(1)], AddressSource.User);
        book.Add(Id(5), [At(1)], AddressSource.User);
        book.Remove(Id(5));
        Assert.Equal(["1 False", "1 True", "5 False", "5 "], heard);
        busy.Dispose();
        book.Remove(Id(1));
        Assert.Equal(4, heard.Count);
    }

    [Fact]
    public async Task Peers_age_by_the_clock_of_the_node()
    {
        using var self = NodeIdentity.Generate();
        await using var book = Book(self.PeerId);
        await book.StartAsync(new NoLinks(Id(1000)), TestContext.Current.CancellationToken);
        book.Add(Id(1), [At(1)], AddressSource.Discovery);
        book.Add(Id(2), [At(1)], AddressSource.User);
        book.SetStatic(Id(2), true);
        _clock.Advance(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(10));
        Assert.Equal(Id(2), Assert.Single(book.Peers).Peer);
    }

    [Fact]
    public async Task Four_threads_at_once_keep_the_book_within_its_bounds()
    {
        using var self = NodeIdentity.Generate();
        var store = new HeldStore();
        await using var book = Book(self.PeerId, store, new PeerBookOptions { MaxPeers = 50, SaveDelay = TimeSpan.Zero });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (var round = 0; round < 5000; round++)
            {
                var peer = Id(1 + ((round * 7 + thread) % 200));
                if (round % 5 == 4) book.Failed(peer);
                else book.Add(peer, [At(1 + thread)], AddressSource.Discovery);
            }
        }))).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(50, book.Peers.Count(peer => !peer.IsDead));
        Assert.True(await book.FlushAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Who_was_given_up_comes_back_when_found_at_first_hand_and_not_when_others_tell()
    {
        using var self = NodeIdentity.Generate();
        await using var book = Book(self.PeerId, options: new PeerBookOptions { MaxFailures = 1 });
        using var metrics = new LinkPolicyMetrics();
        var wiring = new LinkManagerWiring(_clock, RandomSource.Seeded(1), new ResourceBudget(), book);
        await using var manager = new LinkManager(new NoLinks(self.PeerId) { FailingDials = 1 }, new LinkManagerOptions(), wiring, metrics, NullLogger.Instance);
        manager.Start();
        IDiscoveryObserver found = manager;
        var dead = Reaches(book, Id(1), entry => entry is { IsDead: true });
        found.OnFound(new DiscoveredPeer(Id(1), [At(1)], "test"));
        await dead.WaitAsync(Patience);

        found.OnFound(new DiscoveredPeer(Id(1), [At(2)], "told") { IsHearsay = true });
        Assert.True(book.Find(Id(1))!.IsDead);
        var back = Reaches(book, Id(1), entry => entry is { IsDead: false });
        found.OnFound(new DiscoveredPeer(Id(1), [At(3)], "test"));
        Assert.Equal(AddressSource.Discovery, Assert.Single((await back.WaitAsync(Patience))!.Addresses).Source);
    }

    [Fact]
    public async Task A_peer_is_one_line_for_people()
    {
        using var self = NodeIdentity.Generate();
        await using var book = Book(self.PeerId);
        book.Add(Id(1), [At(4001)], AddressSource.User);
        book.SetStatic(Id(1), true);
        book.Failed(Id(1));
        Assert.Equal($"{Id(1)} never seen, static, 1 failed dials: /ip4/192.0.2.1/tcp/4001", book.Find(Id(1))?.ToString());
        book.Succeeded(Id(1), At(4002));
        Assert.Equal($"{Id(1)} seen 2030-01-01 00:00:00Z, static: /ip4/192.0.2.1/tcp/4002 /ip4/192.0.2.1/tcp/4001", book.Find(Id(1))?.ToString());
    }

    [Fact]
    public void Wrong_options_are_named()
    {
        var wrong = Assert.Throws<ArgumentException>(() => Book(Id(1), null, new PeerBookOptions { MaxPeers = 0, ForgetSeenAfter = TimeSpan.Zero, File = " " })).Message;
        Assert.All(["MaxPeers", "ForgetSeenAfter", "File"], name => Assert.Contains(name, wrong, StringComparison.Ordinal));
    }

    /// <summary>Completes when the book's entry of a peer is as wanted.</summary>
    private static async Task<PeerEntry?> Reaches(PeerBook book, PeerId peer, Func<PeerEntry?, bool> wanted)
    {
        var reached = new TaskCompletionSource<PeerEntry?>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var observing = book.Observe((changed, entry) =>
        {
            if (changed == peer && wanted(entry)) reached.TrySetResult(entry);
        });
        return await reached.Task;
    }

    private PeerBook Book(PeerId self, IPeerStore? store = null, PeerBookOptions? options = null) =>
        new(self, options ?? new PeerBookOptions(), _clock, _metrics, NullLogger.Instance, store);

    private static PeerId Id(int number) => PeerId.FromBytes([0x00, 0x04, .. BitConverter.GetBytes(number)]);

    private static int Number(PeerId peer) => BitConverter.ToInt32(peer.Bytes[2..]);

    private static Multiaddr At(int port) => Multiaddr.Parse($"/ip4/192.0.2.1/tcp/{port}");

    /// <summary>A store in memory that fails when told to.</summary>
    private sealed class HeldStore : IPeerStore
    {
        private readonly Channel<int> _saved = Channel.CreateBounded<int>(1000);

        public int Failures { get; set; }

        public int Saves { get; private set; }

        public async Task<int> NextAsync() => await _saved.Reader.ReadAsync().AsTask().WaitAsync(Patience);

        public ValueTask<IReadOnlyList<PeerEntry>> LoadAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<IReadOnlyList<PeerEntry>>([]);

        public ValueTask SaveAsync(IReadOnlyList<PeerEntry> peers, CancellationToken cancellationToken = default)
        {
            if (Failures-- > 0) throw Failures % 2 == 0 ? new StarlingException("The disk is full.") : new InvalidOperationException("The store is a user's own.");
            Saves++;
            _saved.Writer.TryWrite(peers.Count);
            return ValueTask.CompletedTask;
        }
    }
}
