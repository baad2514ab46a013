using System.Net;
using System.Text;
using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

public class SsdpMessageTests
{
    private const string Service = "urn:nebula-service";
    private static readonly IPEndPoint Place = IPEndPoint.Parse("192.0.2.7:45000");

    [Fact]
    public void A_search_is_the_text_of_Nebula() => Assert.Equal(
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: urn:nebula-service\r\nTYPE: discover\r\n\r\n",
        Text(new SsdpMessage(SsdpKind.Search, Service)));

    [Fact]
    public void An_answer_is_the_text_of_Nebula_and_a_header_with_the_peer_id() => Assert.Equal(
        $"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: urn:nebula-service\r\nTYPE: response\r\nLOCATION: 192.0.2.7:45000\r\nPEER-ID: {Peers.Id(1)}\r\n\r\n",
        Text(new SsdpMessage(SsdpKind.Answer, Service) { Location = Place, MaxAge = TimeSpan.FromMinutes(30), Peer = Peers.Id(1) }));

    [Fact]
    public void A_beacon_without_a_position_says_None() => Assert.Equal(
        "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: urn:nebula-service\r\nTYPE: beacon\r\nLOCATION: 192.0.2.7:45000\r\nLATITUDE: None\r\nLONGITUDE: None\r\n\r\n",
        Text(new SsdpMessage(SsdpKind.Beacon, Service) { Location = Place }));

    [Fact]
    public void What_is_written_is_read_again()
    {
        var messages = new[]
        {
            new SsdpMessage(SsdpKind.Search, Service) { Peer = Peers.Id(3) },
            new SsdpMessage(SsdpKind.Answer, Service) { Location = Place, MaxAge = TimeSpan.FromMinutes(30), Peer = Peers.Id(1) },
            new SsdpMessage(SsdpKind.Beacon, "urn:lab") { Location = Place, MaxAge = TimeSpan.FromMinutes(1), Latitude = -12.5, Longitude = 179.25 },
            new SsdpMessage(SsdpKind.Beacon, "urn:lab") { Location = Place },
        };
        foreach (var message in messages)
        {
            Assert.Null(SsdpMessage.Read(message.Write(SsdpLink.Group), out var read));
            Assert.Equal(message, read);
        }
    }

    [Fact]
    public void Names_of_headers_may_have_any_case_and_lines_may_end_in_a_line_feed_alone()
    {
        Assert.Null(Read("NOTIFY * HTTP/1.1\nst:urn:x\nLocation:192.0.2.7:45000\nX-Other: : :\n\n", out var message));
        Assert.Equal(Place, message!.Location);
        Assert.Null(message.Peer);
    }

    [Theory]
    [InlineData("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 3\r\n\r\n", DiscoveryRefusal.WrongService)]
    [InlineData("NOTIFY * HTTP/1.1\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\nLOCATION: http://192.0.2.1:80/\r\n\r\n", DiscoveryRefusal.WrongService)]
    [InlineData("GET / HTTP/1.1\r\nST: a\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("", DiscoveryRefusal.Malformed)]
    [InlineData("\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 192.0.2.7:45000\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 192.0.2.7:45000\r\nLOCATION: 192.0.2.7:45001\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nnocolon\r\nLOCATION: 192.0.2.7:45000\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nTYPE: response\r\nLOCATION: 192.0.2.7:45000\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nPEER-ID: me\r\nLOCATION: 192.0.2.7:45000\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLATITUDE: 91\r\nLOCATION: 192.0.2.7:45000\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLONGITUDE: NaN\r\nLOCATION: 192.0.2.7:45000\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: \u0001\r\nLOCATION: 192.0.2.7:45000\r\n\r\n", DiscoveryRefusal.Malformed)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\n\r\n", DiscoveryRefusal.BadLocation)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: example.com:80\r\n\r\n", DiscoveryRefusal.BadLocation)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 192.0.2.7\r\n\r\n", DiscoveryRefusal.BadLocation)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 192.0.2.7:0\r\n\r\n", DiscoveryRefusal.BadLocation)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 192.0.2.7:65536\r\n\r\n", DiscoveryRefusal.BadLocation)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 0xC0000207:80\r\n\r\n", DiscoveryRefusal.BadLocation)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 0.0.0.0:80\r\n\r\n", DiscoveryRefusal.BadLocation)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 239.255.255.250:80\r\n\r\n", DiscoveryRefusal.BadLocation)]
    [InlineData("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: 255.255.255.255:80\r\n\r\n", DiscoveryRefusal.BadLocation)]
    public void What_cannot_be_used_is_refused_with_its_reason(string text, DiscoveryRefusal reason)
    {
        Assert.Equal(reason, Read(text, out var message));
        Assert.Null(message);
    }

    [Fact]
    public void A_giant_is_refused() =>
        Assert.Equal(DiscoveryRefusal.TooLarge, Read($"NOTIFY * HTTP/1.1\r\nST: a\r\nX: {new string('x', SsdpMessage.MaxPacket)}\r\n\r\n", out _));

    [Fact]
    public void Too_many_lines_are_refused() =>
        Assert.Equal(DiscoveryRefusal.Malformed, Read("NOTIFY * HTTP/1.1\r\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"X{i}: y\r\n")) + "\r\n", out _));

    [Fact]
    public void A_message_cut_off_anywhere_is_refused()
    {
        var whole = new SsdpMessage(SsdpKind.Beacon, Service) { Location = Place, Peer = Peers.Id(1) }.Write(SsdpLink.Group);

        // Without the last byte or two the empty line is already, or still, there in one of its forms.
        for (var length = 0; length < whole.Length - 1; length++) Assert.NotNull(SsdpMessage.Read(whole.AsSpan(0, length), out _));
    }

    private static string Text(SsdpMessage message) => Encoding.ASCII.GetString(message.Write(SsdpLink.Group));

    private static DiscoveryRefusal? Read(string text, out SsdpMessage? message) => SsdpMessage.Read(Encoding.ASCII.GetBytes(text), out message);
}
