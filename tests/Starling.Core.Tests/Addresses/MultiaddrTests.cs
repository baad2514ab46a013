using System.Net;

namespace Starling.Core.Tests.Addresses;

public sealed class MultiaddrTests
{
    private const string Id = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";

    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/4001", "047f000001060fa1")]
    [InlineData("/ip4/1.2.3.4/udp/0/quic-v1", "0401020304910200" + "00cd03")]
    [InlineData("/ip6/2001:db8::1/tcp/443/wss", "2920010db8000000000000000000000001" + "0601bbde03")]
    [InlineData("/ip6zone/eth0/ip6/fe80::1/tcp/80", "2a0465746830" + "29fe800000000000000000000000000001" + "060050")]
    [InlineData("/dns/a.example/tcp/443/tls/ws", "3509612e6578616d706c65" + "0601bb" + "c003" + "dd03")]
    [InlineData("/dns4/a/tcp/1", "360161060001")]
    [InlineData("/dns6/a/tcp/1", "370161060001")]
    [InlineData("/dnsaddr/bootstrap.libp2p.io", "3813626f6f7473747261702e6c69627032702e696f")]
    [InlineData("/unix/tmp/a/b.sock", "90030d2f746d702f612f622e736f636b")]
    [InlineData("/memory/1234", "890600000000000004d2")]
    [InlineData("/p2p-circuit", "a202")]
    public void Text_and_bytes_agree(string text, string hex)
    {
        var address = Multiaddr.Parse(text);
        Assert.Equal(hex, Convert.ToHexStringLower(address.Bytes.Span));
        Assert.True(Multiaddr.TryDecode(Convert.FromHexString(hex), out var decoded, out var error), error);
        Assert.Equal(address, decoded);
        Assert.Equal(text, decoded.ToString());
    }

    [Theory]
    [InlineData("/ip6/2001:DB8:0:0:1:0:0:1/tcp/1/", "/ip6/2001:db8::1:0:0:1/tcp/1")]
    [InlineData("/ip6/2001:db8:0:1:1:1:1:1/tcp/1", "/ip6/2001:db8:0:1:1:1:1:1/tcp/1")]
    [InlineData("/ip6/0:0:0:0:0:ffff:192.0.2.1/tcp/00080", "/ip6/::ffff:192.0.2.1/tcp/80")]
    [InlineData("/ip4/1.2.3.4/tcp/1/ipfs/" + Id, "/ip4/1.2.3.4/tcp/1/p2p/" + Id)]
    [InlineData("/p2p/bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe/p2p-circuit/p2p/" + Id, "/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N/p2p-circuit/p2p/" + Id)]
    public void Text_becomes_canonical(string text, string canonical)
    {
        var address = Multiaddr.Parse(text);
        Assert.Equal(canonical, address.ToString());
        Assert.Equal(Multiaddr.Parse(canonical), address);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("/", "empty")]
    [InlineData("ip4/1.2.3.4", "must begin with '/'")]
    [InlineData("/ip4", "ip4 has no value at character 6")]
    [InlineData("/ip4/", "ip4 has no value")]
    [InlineData("/ip4/1.2.3.256/tcp/1", "ip4 value '1.2.3.256' at character 6")]
    [InlineData("/ip4/127.1/tcp/1", "ip4 value '127.1'")]
    [InlineData("/ip4/01.2.3.4/tcp/1", "ip4 value '01.2.3.4'")]
    [InlineData("/ip4/1.2.3.4/tcp/65536", "tcp value '65536' at character 18")]
    [InlineData("/ip4/1.2.3.4/tcp/-1", "tcp value '-1'")]
    [InlineData("/ip4/1.2.3.4//tcp/1", "protocol name at character 14 is empty")]
    [InlineData("/ip4/1.2.3.4/sctp/1", "protocol 'sctp' at character 14 is unknown")]
    [InlineData("/ip6/fe80::1%eth0/tcp/1", "write it before the address")]
    [InlineData("/ip6/[::1]/tcp/1", "ip6 value '[::1]'")]
    [InlineData("/ip6/1.2.3.4/tcp/1", "ip6 value '1.2.3.4'")]
    [InlineData("/ip6zone/eth0", "not followed by ip6")]
    [InlineData("/ip6zone/eth0/ip4/1.2.3.4", "followed by ip4 instead of ip6")]
    [InlineData("/dns/a..b/tcp/1", "dns value 'a..b' at character 6 is no domain name")]
    [InlineData("/dns/a b/tcp/1", "it contains ' '")]
    [InlineData("/p2p/Qm", "p2p value 'Qm' at character 6 is no peer id")]
    [InlineData("/unix", "unix value")]
    [InlineData("/unix/", "unix value")]
    [InlineData("/memory/18446744073709551616", "memory value")]
    public void Malformed_text_is_refused_by_naming_the_part(string text, string expected)
    {
        Assert.False(Multiaddr.TryParse(text, out _, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Contains(expected, Assert.Throws<FormatException>(() => Multiaddr.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:80", "/ip4/127.0.0.1/tcp/80")]
    [InlineData(" [::1]:80 ", "/ip6/::1/tcp/80")]
    [InlineData("[fe80::1%eth0]:80", "/ip6zone/eth0/ip6/fe80::1/tcp/80")]
    [InlineData("node.example:80", "/dns/node.example/tcp/80")]
    [InlineData("localhost:0", "/dns/localhost/tcp/0")]
    [InlineData("127.0.0.1:80/p2p/" + Id, "/ip4/127.0.0.1/tcp/80/p2p/" + Id)]
    [InlineData("/dns4/x/tcp/1", "/dns4/x/tcp/1")]
    public void People_may_type_endpoints(string text, string expected) => Assert.Equal(expected, Multiaddr.ParseUserInput(text).ToString());

    [Theory]
    [InlineData("", "empty")]
    [InlineData("localhost", "no port; write localhost:4001")]
    [InlineData("[::1]", "no port")]
    [InlineData(":80", "no host")]
    [InlineData("::1:80", "brackets")]
    [InlineData("[::1:80", "not closed")]
    [InlineData("[::1]x:80", "not closed")]
    [InlineData("[]:80", "not closed")]
    [InlineData("[::g]:80", "ip6 value '::g'")]
    [InlineData("host:99999", "99999")]
    [InlineData("host:", "port ''")]
    [InlineData("1.2.3.4.5:1", "ip4 value '1.2.3.4.5'")]
    [InlineData("1.2.3:1", "ip4 value '1.2.3'")]
    [InlineData("a b:1", "no domain name")]
    public void Mistyped_endpoints_say_what_to_write(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => Multiaddr.ParseUserInput(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", "empty")]
    [InlineData("04", "ip4 value at byte 1 needs 4 bytes and 0 are left")]
    [InlineData("047f0000", "needs 4 bytes")]
    [InlineData("8400", "no minimal varint")]
    [InlineData("ff", "cut off")]
    [InlineData("0d0050", "protocol code 13 at byte 0 is unknown")]
    [InlineData("35ffffffffffffffff7f", "needs 9223372036854775807 bytes")]
    [InlineData("350161350200ff", "dns value")]
    [InlineData("3501ff", "no UTF-8")]
    [InlineData("3501" + "2f", "contains '/'")]
    [InlineData("a503021200", "no peer id")]
    [InlineData("9003" + "0161", "absolute path")]
    [InlineData("9003" + "022f61" + "060001", "unix is followed by tcp")]
    public void Malformed_bytes_are_refused_by_naming_the_part(string hex, string expected)
    {
        Assert.False(Multiaddr.TryDecode(Convert.FromHexString(hex), out _, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_unix_path_can_name_no_peer_and_says_so()
    {
        using var identity = NodeIdentity.Generate();
        var error = Assert.Throws<FormatException>(() => Multiaddr.Parse("/unix/run/node.sock").WithPeerId(identity.PeerId));
        Assert.Contains("/unix/run/node.sock", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_peer_id_is_the_one_at_the_end()
    {
        var id = PeerId.Parse(Id);
        var bare = Multiaddr.Parse("/ip4/127.0.0.1/tcp/1");
        var full = bare.WithPeerId(id);
        Assert.Equal($"/ip4/127.0.0.1/tcp/1/p2p/{Id}", full.ToString());
        Assert.Equal(id, full.PeerId);
        Assert.Equal(bare, full.WithoutPeerId());
        Assert.Equal(bare.Bytes.ToArray(), full.WithoutPeerId().Bytes.ToArray());
        Assert.Same(bare, bare.WithoutPeerId());
        var other = PeerId.Parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
        Assert.Equal(bare.WithPeerId(other), full.WithPeerId(other));
        Assert.Null(Multiaddr.Parse($"/p2p/{Id}/p2p-circuit").PeerId);
        var empty = Multiaddr.Parse($"/p2p/{Id}").WithoutPeerId();
        Assert.Equal("/", empty.ToString());
        Assert.Equal($"/p2p/{Id}", empty.WithPeerId(id).ToString());
    }

    [Theory]
    [InlineData("/ip4/127.9.9.9/tcp/1", true, false)]
    [InlineData("/ip6/::1/udp/1", true, false)]
    [InlineData("/ip6/::ffff:127.0.0.1/tcp/1", true, false)]
    [InlineData("/dns/localhost/tcp/1", true, false)]
    [InlineData("/ip4/0.0.0.0/tcp/1", false, true)]
    [InlineData("/ip6/::/tcp/1", false, true)]
    [InlineData("/ip4/192.0.2.1/tcp/1", false, false)]
    [InlineData("/memory/1", false, false)]
    public void Loopback_and_unspecified_hosts_are_known(string text, bool loopback, bool unspecified)
    {
        var address = Multiaddr.Parse(text);
        Assert.Equal(loopback, address.IsLoopback);
        Assert.Equal(unspecified, address.IsUnspecified);
    }

    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/80", "127.0.0.1", 80)]
    [InlineData("/ip6/::1/tcp/80/p2p/" + Id, "::1", 80)]
    [InlineData("/ip6zone/1/ip6/fe80::1/tcp/80", "fe80::1%1", 80)]
    public void Plain_tcp_addresses_are_endpoints_and_back(string text, string host, int port)
    {
        var address = Multiaddr.Parse(text);
        Assert.True(address.TryGetTcpEndPoint(out var endPoint));
        Assert.Equal(new IPEndPoint(IPAddress.Parse(host), port), endPoint);
        Assert.Equal(address.WithoutPeerId(), Multiaddr.FromEndPoint(endPoint));
        Assert.True(address.TryGetTcpHost(out var named, out var namedPort));
        Assert.Equal((host, port), (named, namedPort));
    }

    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/80/ws")]
    [InlineData("/ip4/127.0.0.1/udp/80")]
    [InlineData("/ip4/127.0.0.1")]
    [InlineData("/dns/localhost/tcp/80")]
    [InlineData("/memory/1")]
    [InlineData("/ip4/127.0.0.1/tcp/80/p2p/" + Id + "/p2p-circuit")]
    public void Other_addresses_are_no_tcp_endpoints(string text) => Assert.False(Multiaddr.Parse(text).TryGetTcpEndPoint(out _));

    [Fact]
    public void Addresses_are_bounded_in_components_and_length()
    {
        Assert.True(Multiaddr.TryParse(string.Concat(Enumerable.Repeat("/ws", 32)), out _, out _));
        Assert.False(Multiaddr.TryParse(string.Concat(Enumerable.Repeat("/ws", 33)), out _, out var error));
        Assert.Contains("32 components", error, StringComparison.Ordinal);
        Assert.False(Multiaddr.TryParse("/unix/" + new string('a', 1022), out _, out error));
        Assert.Contains("1024 bytes", error, StringComparison.Ordinal);
        Assert.False(Multiaddr.TryParse("/unix/" + new string('a', 100_000), out _, out error));
        Assert.False(Multiaddr.TryDecode(new byte[1025], out _, out error));
    }

    [Fact]
    public void Mapped_endpoints_of_dual_stack_sockets_are_ip4() =>
        Assert.Equal("/ip4/192.0.2.1/tcp/7", Multiaddr.FromEndPoint(new IPEndPoint(IPAddress.Parse("192.0.2.1").MapToIPv6(), 7)).ToString());
}
