using System.Net;
using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

public sealed class BlocklistCoreTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.0/24", "192.0.2.200", true)]
    [InlineData("192.0.2.0/24", "192.0.3.0", false)]
    [InlineData("192.0.2.0/24", "::ffff:192.0.2.7", true)]
    [InlineData("2001:db8::/32", "2001:db8::7", true)]
    [InlineData("2001:db8::/32", "2001:db9::", false)]
    public void An_address_is_matched_by_every_range_that_contains_it(string subject, string address, bool matched)
    {
        var core = new BlocklistCore(10);
        Assert.True(core.TryAdd(Entry(subject)));
        Assert.Equal(matched, core.Match(null, IPAddress.Parse(address), Start) is not null);
        Assert.Null(core.Match(TestPeers.Get(1), null, Start));
    }

    [Fact]
    public void A_peer_is_matched_wherever_it_is()
    {
        var core = new BlocklistCore(10);
        core.TryAdd(new BlockEntry(BlockSubject.Of(TestPeers.Get(1)), Start, Note: "spam"));
        Assert.Equal("spam", core.Match(TestPeers.Get(1), IPAddress.Loopback, Start)?.Note);
        Assert.Null(core.Match(TestPeers.Get(2), IPAddress.Loopback, Start));
    }

    [Fact]
    public void An_entry_holds_until_its_time_is_over_and_not_a_tick_longer()
    {
        var core = new BlocklistCore(10);
        core.TryAdd(Entry("192.0.2.0/24", Start.AddHours(1)));
        core.TryAdd(Entry("192.0.2.1", Start.AddHours(2)));
        core.TryAdd(Entry("192.0.2.1", Start.AddHours(3)));
        Assert.Equal(Start.AddHours(1), core.NextExpiry);
        Assert.NotNull(core.Match(null, IPAddress.Parse("192.0.2.9"), Start.AddHours(1).AddTicks(-1)));
        Assert.Null(core.Match(null, IPAddress.Parse("192.0.2.9"), Start.AddHours(1)));

        var expired = new List<BlockEntry>();
        core.Expire(Start.AddHours(2), expired);
        Assert.Equal("192.0.2.0/24", Assert.Single(expired).Subject.ToString());
        Assert.NotNull(core.Match(null, IPAddress.Parse("192.0.2.1"), Start.AddHours(2)));
        Assert.Equal(Start.AddHours(3), core.NextExpiry);
        core.Expire(Start.AddHours(3), expired);
        Assert.Equal((2, 0, (DateTimeOffset?)null), (expired.Count, core.Count, core.NextExpiry));
    }

    [Fact]
    public void A_full_list_takes_replacements_only()
    {
        var core = new BlocklistCore(2);
        Assert.True(core.TryAdd(Entry("192.0.2.1")));
        Assert.True(core.TryAdd(Entry("192.0.2.2")));
        Assert.False(core.TryAdd(Entry("192.0.2.3")));
        Assert.True(core.TryAdd(Entry("192.0.2.2", Start.AddHours(1))));
        Assert.Null(core.Remove(BlockSubject.Parse("192.0.2.3")));
        Assert.NotNull(core.Remove(BlockSubject.Parse("192.0.2.1")));
        Assert.True(core.TryAdd(Entry("192.0.2.3")));
    }

    [Fact]
    public void Replacing_one_entry_for_ever_takes_no_room()
    {
        var core = new BlocklistCore(2);
        core.TryAdd(Entry("192.0.2.1", Start.AddHours(1)));
        for (var round = 0; round < 100_000; round++) core.TryAdd(Entry("192.0.2.2", Start.AddSeconds(100_000 - round)));
        Assert.Equal((2, Start.AddSeconds(1)), (core.Count, core.NextExpiry));
        Assert.InRange(core.PendingExpiries, 0, 32);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Matches_are_those_of_a_plain_scan_over_ten_thousand_ranges(int seed)
    {
        var random = RandomSource.Seeded((ulong)seed);
        var core = new BlocklistCore(20_000);
        var plain = new Dictionary<BlockSubject, BlockEntry>();
        for (var round = 0; round < 12_000; round++)
        {
            var entry = new BlockEntry(BlockSubject.Of(Random(random).Shorten(18 + random.Next(110))), Start, random.Next(4) == 0 ? Start.AddSeconds(random.Next(100)) : null);
            if (random.Next(6) == 0 && plain.Count > 0)
            {
                var gone = plain.Keys.First();
                Assert.Equal(plain[gone], core.Remove(gone));
                plain.Remove(gone);
            }

            core.TryAdd(entry);
            plain[entry.Subject] = entry;
        }

        var matches = 0;
        for (var round = 0; round < 300; round++)
        {
            var now = Start.AddSeconds(random.Next(100));
            var address = Random(random);
            var expected = plain.Values.Any(entry => entry.Subject.Addresses!.Value.Contains(address) && !entry.HasExpired(now));
            Assert.True(expected == (core.Match(null, IPAddress.Parse(address.ToString()), now) is not null), $"seed {seed}: {address}");
            if (expected) matches++;
        }

        Assert.InRange(matches, 20, 299);
    }

    [Theory]
    [InlineData("", "peer id")]
    [InlineData("example.org", "no address")]
    [InlineData("10.0.0.1/8", "write 10.0.0.0/8")]
    [InlineData("12D3KooW", "peer id")]
    public void What_cannot_be_blocked_is_refused_with_the_reason(string text, string why) =>
        Assert.Contains(why, Assert.Throws<FormatException>(() => BlockSubject.Parse(text)).Message, StringComparison.Ordinal);

    /// <summary>Addresses that lie close together, so that ranges meet them.</summary>
    private static IpPrefix Random(RandomSource random)
    {
        var bytes = new byte[random.Next(2) == 0 ? 4 : 16];
        random.Fill(bytes);
        (bytes[0], bytes[1]) = (0x20, (byte)(bytes[1] & 0x3f));
        return IpPrefix.Of(new IPAddress(bytes));
    }

    private static BlockEntry Entry(string subject, DateTimeOffset? expires = null) => new(BlockSubject.Parse(subject), Start, expires);
}
