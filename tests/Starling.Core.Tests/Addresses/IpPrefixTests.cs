using System.Net;

namespace Starling.Core.Tests.Addresses;

public sealed class IpPrefixTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", 32)]
    [InlineData("192.0.2.0/24", "192.0.2.0/24", 24)]
    [InlineData("0.0.0.0/0", "0.0.0.0/0", 0)]
    [InlineData("2001:DB8::1", "2001:db8::1", 128)]
    [InlineData("2001:db8::/32", "2001:db8::/32", 32)]
    [InlineData("::/0", "::/0", 0)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", 32)]
    [InlineData("::ffff:10.0.0.0/104", "10.0.0.0/8", 8)]
    public void Ranges_have_one_canonical_text(string text, string canonical, int length)
    {
        var prefix = IpPrefix.Parse(text);
        Assert.Equal((canonical, length), (prefix.ToString(), prefix.Length));
        Assert.Equal(prefix, IpPrefix.Parse(canonical));
    }

    [Theory]
    [InlineData("", "no address")]
    [InlineData("192.0.2", "no address")]
    [InlineData("192.0.2.01", "no address")]
    [InlineData("0x7f.0.0.1", "no address")]
    [InlineData("fe80::1%eth0", "no address")]
    [InlineData("192.0.2.1/", "no number from 0 to 32")]
    [InlineData("192.0.2.1/33", "no number from 0 to 32")]
    [InlineData("192.0.2.1/-1", "no number from 0 to 32")]
    [InlineData("::/129", "no number from 0 to 128")]
    [InlineData("192.0.2.1/24", "write 192.0.2.0/24")]
    [InlineData("2001:db8::1/32", "write 2001:db8::/32")]
    [InlineData("::ffff:0.0.0.0/80", "mixes IPv4 and IPv6")]
    [InlineData("12345678901234567890123456789012345678901234567890", "no address")]
    public void Bad_ranges_are_refused_with_the_reason(string text, string why)
    {
        Assert.False(IpPrefix.TryParse(text, out _, out var error));
        Assert.Contains(why, error, StringComparison.Ordinal);
        Assert.Contains(why, Assert.Throws<FormatException>(() => IpPrefix.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.255.255", true)]
    [InlineData("10.0.0.0/8", "11.0.0.0", false)]
    [InlineData("10.0.0.0/8", "::ffff:10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "a00::", false)]
    [InlineData("0.0.0.0/0", "255.255.255.255", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("::/0", "::1", true)]
    [InlineData("::/0", "192.0.2.1", false)]
    [InlineData("fe80::/10", "fe80::1%3", true)]
    [InlineData("2001:db8::/33", "2001:db8:7fff::", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::", false)]
    public void A_range_contains_what_begins_with_its_bits(string range, string address, bool contained) =>
        Assert.Equal(contained, IpPrefix.Parse(range).Contains(IPAddress.Parse(address)));

    [Fact]
    public void Every_range_contains_its_own_and_only_its_own_addresses()
    {
        var random = RandomSource.Seeded(7);
        for (var round = 0; round < 2000; round++)
        {
            var bytes = new byte[random.Next(2) == 0 ? 4 : 16];
            random.Fill(bytes);
            var whole = IpPrefix.Of(new IPAddress(bytes));
            var length = random.Next(bytes.Length * 8 + 1);
            var prefix = whole.Shorten(length);
            Assert.True(prefix.Contains(new IPAddress(bytes)) && prefix.Contains(whole));
            Assert.Equal(prefix, IpPrefix.Parse(prefix.ToString()));
            Assert.Equal(length == bytes.Length * 8, prefix == whole);
            if (length == 0) continue;
            bytes[(length - 1) / 8] ^= (byte)(0x80 >> ((length - 1) % 8));
            Assert.False(prefix.Contains(new IPAddress(bytes)), $"{prefix} contains {new IPAddress(bytes)}");
        }
    }
}
