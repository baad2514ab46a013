using System.Text;
using Microsoft.Extensions.Logging;
using Starling.Net.Links;
using Starling.Protocols.Links;

namespace Starling.Net.Tests.Links;

public sealed class JsonPeerStoreTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("starling-store-");
    private readonly Lines _lines = new();

    private string Book => Path.Combine(_folder.FullName, "peers.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_is_saved_is_loaded_whole_and_only_its_owner_may_read_it()
    {
        var store = new JsonPeerStore(Path.Combine(_folder.FullName, "a", "b", "peers.json"));
        Assert.Empty(await store.LoadAsync(TestContext.Current.CancellationToken));
        var peers = Peers(50);
        await store.SaveAsync(peers, TestContext.Current.CancellationToken);
        var loaded = await store.LoadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(JsonPeerStore.Format(peers), JsonPeerStore.Format(loaded));
        Assert.Equal(peers[3].SignedRecord.ToArray(), loaded[3].SignedRecord.ToArray());
        Assert.Equal(peers[3].Addresses, loaded[3].Addresses);
        Assert.Equal(["peers.json"], Directory.GetFiles(Path.Combine(_folder.FullName, "a", "b")).Select(Path.GetFileName));
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder.FullName, "a", "b", "peers.json")));
    }

    [Fact]
    public async Task A_file_cut_off_anywhere_is_set_aside_and_named_in_the_log()
    {
        var whole = JsonPeerStore.Format(Peers(2));
        for (var length = 0; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(Book, whole[..length], TestContext.Current.CancellationToken);
            Assert.Empty(await new JsonPeerStore(Book, _lines).LoadAsync(TestContext.Current.CancellationToken));
            Assert.False(File.Exists(Book));
            Assert.Equal(whole[..length], await File.ReadAllBytesAsync(Book + ".damaged", TestContext.Current.CancellationToken));
        }

        Assert.Equal(whole.Length, _lines.All.Count);
        Assert.All(_lines.All, line => Assert.Contains(Book, line, StringComparison.Ordinal));
    }

    [Fact]
    public void Changed_bytes_are_read_or_refused_as_damaged_and_nothing_else_happens()
    {
        var whole = JsonPeerStore.Format(Peers(2));
        var random = RandomSource.Seeded(11);
        var read = 0;
        for (var round = 0; round < 5000; round++)
        {
            var bytes = whole.ToArray();
            for (var change = 0; change <= random.Next(3); change++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                read += JsonPeerStore.Parse(bytes).Count;
            }
            catch (FormatException)
            {
                read++;
            }
        }

        Assert.True(read >= 5000);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"version":2,"peers":[]}""")]
    [InlineData("""{"version":1,"peers":null}""")]
    [InlineData("""{"version":1,"peers":[null]}""")]
    [InlineData("""{"version":1,"peers":[{"id":null}]}""")]
    [InlineData("""{"version":1,"peers":[{"id":"nobody"}]}""")]
    [InlineData("""{"version":1,"peers":[{"id":"12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu","addresses":[null]}]}""")]
    [InlineData("""{"version":1,"peers":[{"id":"12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu","addresses":[{"address":"/ip4/1"}]}]}""")]
    [InlineData("""{"version":1,"peers":[{"id":"12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu","addresses":[{"address":"/ip4/1.2.3.4/tcp/1","source":"Nobody"}]}]}""")]
    [InlineData("""{"version":1,"peers":[{"id":"12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu","addresses":[{"address":"/ip4/1.2.3.4/tcp/1","source":99}]}]}""")]
    [InlineData("""{"version":1,"peers":[{"id":"12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu","seen":"2030-13-01T00:00:00Z"}]}""")]
    public void What_is_no_peer_book_is_refused(string text) =>
        Assert.Throws<FormatException>(() => JsonPeerStore.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public async Task A_path_that_cannot_be_used_is_an_error_at_once()
    {
        Assert.Contains("is a directory", (await Assert.ThrowsAsync<StarlingException>(async () => await new JsonPeerStore(_folder.FullName).LoadAsync())).Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Book, "{}", TestContext.Current.CancellationToken);
        var below = Path.Combine(Book, "peers.json");
        Assert.Contains(below, (await Assert.ThrowsAsync<StarlingException>(async () => await new JsonPeerStore(below).LoadAsync())).Message, StringComparison.Ordinal);
        Assert.Contains(below, (await Assert.ThrowsAsync<StarlingException>(async () => await new JsonPeerStore(below).SaveAsync([]))).Message, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux()) await Assert.ThrowsAsync<StarlingException>(async () => await new JsonPeerStore("/proc/peers.json").LoadAsync());
    }

    [Fact]
    public async Task What_a_killed_process_left_behind_is_swept_away()
    {
        await File.WriteAllTextAsync(Book + ".tmp", "half of a peer bo", TestContext.Current.CancellationToken);
        var store = new JsonPeerStore(Book, _lines);
        Assert.Empty(await store.LoadAsync(TestContext.Current.CancellationToken));
        await store.SaveAsync(Peers(1), TestContext.Current.CancellationToken);
        Assert.Single(await store.LoadAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["peers.json"], _folder.GetFiles().Select(file => file.Name));
        Assert.Empty(_lines.All);
    }

    [Fact]
    public async Task A_process_that_is_killed_while_it_saves_never_leaves_a_broken_file()
    {
        var random = RandomSource.System;
        for (var round = 0; round < 8; round++)
        {
            using (var saver = SavingProcess.Start(Book))
            {
                await saver.WaitForSavesAsync(1 + random.Next(4)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
                saver.Kill();
            }

            var peers = await new JsonPeerStore(Book, _lines).LoadAsync(TestContext.Current.CancellationToken);
            Assert.Equal(SavingProcess.PeerCount, peers.Count);
            Assert.Empty(_lines.All);
        }
    }

    internal static IReadOnlyList<PeerEntry> Peers(int count) => [.. Enumerable.Range(1, count).Select(number =>
    {
        var at = new DateTimeOffset(2030, 1, 1, 0, 0, number % 60, TimeSpan.Zero);
        var isDead = number % 5 == 0;
        PeerAddress[] addresses = isDead ? [] : [new(Multiaddr.Parse($"/ip4/192.0.2.1/tcp/{1 + (number % 60_000)}"), AddressSource.User, at, at), new(Multiaddr.Parse("/dns6/example.org/tcp/9"), AddressSource.Hearsay, at, null)];
        return new PeerEntry(PeerId.FromBytes([0x00, 0x04, .. BitConverter.GetBytes(number)]), addresses, number % 2 == 0 && !isDead, at, number, isDead)
        {
            IsNeighbour = number % 3 == 0 && !isDead,
            Died = isDead ? at : null,
            RecordSequence = ulong.MaxValue - (ulong)number,
            SignedRecord = new byte[number % 64],
        };
    })];

    private sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => All.Add(formatter(state, exception));
    }
}
