using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

public class SsdpCoreTests
{
    [Fact]
    public void Two_nodes_find_each_other_within_half_a_second()
    {
        var link = new SsdpLink();
        var (a, b) = (link.Add().Start(), link.Add().Start());
        link.Run(0.5);
        Assert.Equal([Multiaddr.Parse("/ip4/127.0.0.1/tcp/4002")], a.Found[b.Id]);
        Assert.Equal([Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001")], b.Found[a.Id]);
        Assert.Empty(a.Refused);
    }

    [Fact]
    public void Fifty_nodes_find_each_other_once_and_beacons_come_at_their_interval()
    {
        const int count = 50;
        var link = new SsdpLink();
        for (var i = 0; i < count; i++) link.Add().Start();
        link.Run(5);
        Assert.All(link.Nodes, node => Assert.Equal(count - 1, node.Found.Count));
        Assert.All(link.Nodes, node => Assert.Equal(count - 1, node.FoundEvents));

        // Three searches of each at the start, and then none for minutes, however many answer.
        Assert.Equal(3 * count, link.Count(SsdpKind.Search));
        Assert.All(link.Nodes, node => Assert.Empty(node.Refused));
        var before = link.Count(SsdpKind.Beacon);
        link.Run(200);
        Assert.InRange(link.Count(SsdpKind.Beacon) - before, count * 8, count * 13);
        Assert.Equal(3 * count, link.Count(SsdpKind.Search));
        Assert.All(link.Nodes, node => Assert.Empty(node.LostEvents));
    }

    [Fact]
    public void A_search_is_one_packet_however_often_it_is_asked_for_and_everyone_answers_once()
    {
        var link = new SsdpLink();
        for (var i = 0; i < 10; i++) link.Add().Start();
        link.Run(30);
        var (searches, answers) = (link.Count(SsdpKind.Search), link.Count(SsdpKind.Answer));
        for (var i = 0; i < 100; i++) link.Nodes[0].Search();
        link.Run(0.5);
        Assert.Equal(1, link.Count(SsdpKind.Search) - searches);
        Assert.Equal(9, link.Count(SsdpKind.Answer) - answers);
        Assert.All(link.Packets.Where(one => one.Message.Kind == SsdpKind.Answer).Skip(answers), one => Assert.Equal(link.Nodes[0].Endpoint, one.To));
        Assert.True(link.Nodes[0].Heard >= 9);
    }

    [Fact]
    public void Stopping_the_beacon_ends_announcements_and_searches_are_still_answered()
    {
        var link = new SsdpLink();
        var (a, b) = (link.Add().Start(), link.Add().Start());
        link.Run(1);
        a.Beacon(false);
        var before = link.Packets.Count(one => one.By == a && one.Message.Kind == SsdpKind.Beacon);
        link.Run(120);
        Assert.Equal(before, link.Packets.Count(one => one.By == a && one.Message.Kind == SsdpKind.Beacon));
        var heard = b.Heard;
        b.Search();
        link.Run(0.5);
        Assert.Equal(heard + 1, b.Heard);

        a.Beacon(true);
        link.Run(0.3);
        Assert.Equal(before + 1, link.Packets.Count(one => one.By == a && one.Message.Kind == SsdpKind.Beacon));
    }

    [Fact]
    public void A_new_beacon_interval_takes_effect_at_once()
    {
        var link = new SsdpLink();
        var node = link.Add(new SsdpOptions { BeaconInterval = TimeSpan.FromHours(1) }).Start();
        link.Run(1000);
        Assert.Equal(1, link.Count(SsdpKind.Beacon));
        node.Beacon(true, seconds: 10);
        link.Run(0.001);
        Assert.Equal(2, link.Count(SsdpKind.Beacon));
        link.Run(100);
        Assert.InRange(link.Count(SsdpKind.Beacon), 10, 16);
        var beacons = link.Packets.Where(one => one.Message.Kind == SsdpKind.Beacon).Select(one => one.At).ToList();
        Assert.True(beacons.Skip(1).Zip(beacons.Skip(2), (left, right) => right - left).Distinct().Count() > 3, "the interval is not jittered");
        node.Beacon(true, seconds: 3600);
        link.Run(100);
        Assert.InRange(link.Count(SsdpKind.Beacon), 10, 16);
    }

    [Fact]
    public void A_node_that_only_listens_never_sends_and_yet_finds()
    {
        var link = new SsdpLink();
        var silent = link.Add(listenOnly: true).Start();
        var other = link.Add().Start();
        silent.Search();
        silent.Beacon(true, 1);
        link.Run(600);
        silent.Listen("/ip4/127.0.0.1/tcp/1");
        silent.Stop();
        Assert.DoesNotContain(link.Packets, one => one.By == silent);
        Assert.Equal(1, silent.FoundEvents);
        Assert.Empty(other.Found);
    }

    [Fact]
    public void A_Nebula_node_is_found_without_an_id_and_lost_when_it_falls_silent()
    {
        var link = new SsdpLink();
        var node = link.Add().Start();
        link.Inject("NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: urn:nebula-service\r\nTYPE: beacon\r\nLOCATION: 127.0.0.2:45000\r\nLATITUDE: None\r\nLONGITUDE: None\r\n\r\n", "127.0.0.2:40000");
        link.Run(59);
        var place = Multiaddr.Parse("/ip4/127.0.0.2/tcp/45000");
        Assert.Equal([place], node.Found[place]);
        link.Run(2);
        Assert.Equal([place], node.LostEvents);
    }

    [Fact]
    public void A_node_that_comes_to_say_who_it_is_replaces_its_place_without_a_name()
    {
        var link = new SsdpLink();
        var node = link.Add().Start();
        link.Inject(Answer("127.0.0.1:45000", null));
        link.Run(0.1);
        link.Inject(Answer("127.0.0.1:45000", Peers.Id(77)));
        link.Run(0.1);
        link.Inject(Answer("127.0.0.1:45000", null));
        link.Run(0.1);
        Assert.Equal([(object)Peers.Id(77)], node.Found.Keys);
    }

    [Fact]
    public void A_node_that_restarts_on_new_ports_keeps_its_newest_places()
    {
        var link = new SsdpLink();
        var node = link.Add().Start();
        for (var port = 1; port <= 10; port++)
        {
            link.Inject(Answer($"127.0.0.1:{port}", Peers.Id(77)));
            link.Run(0.1);
        }

        Assert.Equal([10, 9, 8, 7], node.Found[Peers.Id(77)].Select(one => int.Parse(one.Components[1].Value, System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void What_is_forged_is_refused_with_its_reason()
    {
        var link = new SsdpLink();
        var node = link.Add().Start();
        var cases = new (string Packet, string From, DiscoveryRefusal? Reason)[]
        {
            (Answer("127.0.0.3:80", null), "127.0.0.2:9", DiscoveryRefusal.ForeignLocation),
            (Answer("192.0.2.1:80", null), "192.0.2.1:9", DiscoveryRefusal.ForeignSource),
            (Answer("192.0.2.1:80", null), "127.0.0.1:9", DiscoveryRefusal.ForeignLocation),
            (Answer("127.0.0.1:80", node.Id), "127.0.0.1:9", DiscoveryRefusal.OwnPeerId),
            (Answer("127.0.0.1:4001", Peers.Id(9)), "127.0.0.1:9", DiscoveryRefusal.OwnPeerId),
            (Answer("127.0.0.1:4001", node.Id), "127.0.0.1:9", null),
            (Answer("127.0.0.1:80", null, "urn:other"), "127.0.0.1:9", DiscoveryRefusal.WrongService),
            (new string('x', 4000), "127.0.0.1:9", DiscoveryRefusal.TooLarge),
            ("GET / HTTP/1.1\r\n\r\n", "127.0.0.1:9", DiscoveryRefusal.Malformed),
        };
        foreach (var (packet, from, reason) in cases)
        {
            node.Refused.Clear();
            link.Inject(packet, from);
            link.Run(0.01);
            Assert.Equal(reason is { } one ? [one] : [], node.Refused);
        }

        Assert.Empty(node.Found);
    }

    [Fact]
    public void Foreign_locations_are_believed_where_they_are_allowed()
    {
        var link = new SsdpLink();
        var node = link.Add(new SsdpOptions { AllowForeignLocations = true }, face: "192.168.1.2", addresses: "/ip4/0.0.0.0/tcp/1").Start();
        link.Inject(Answer("203.0.113.9:80", Peers.Id(5)), "192.168.1.3:9");
        link.Inject(Answer("127.0.0.1:80", Peers.Id(6)), "192.168.1.3:9");
        link.Run(0.1);
        Assert.Equal([(object)Peers.Id(5)], node.Found.Keys);
        Assert.Equal([DiscoveryRefusal.UnfitAddress], node.Refused);
    }

    [Fact]
    public void A_wildcard_stands_for_the_interface_and_an_address_of_its_own_goes_before_others()
    {
        var link = new SsdpLink();
        link.Add(face: "192.168.1.2", addresses: "/ip4/0.0.0.0/tcp/7").Start();
        link.Add(face: "192.168.1.3", addresses: ["/ip4/203.0.113.9/tcp/8", "/ip4/192.168.1.3/tcp/9"]).Start();
        link.Add(face: "192.168.1.4", addresses: "/ip4/127.0.0.1/tcp/9").Start();
        link.Run(1);
        Assert.Equal("192.168.1.2:7", link.Packets.First(one => one.By == link.Nodes[0] && one.Message.Kind == SsdpKind.Beacon).Message.Location!.ToString());
        Assert.Equal("192.168.1.3:9", link.Packets.First(one => one.By == link.Nodes[1] && one.Message.Kind == SsdpKind.Beacon).Message.Location!.ToString());
        Assert.DoesNotContain(link.Packets, one => one.By == link.Nodes[2] && one.Message.Kind != SsdpKind.Search);
    }

    [Fact]
    public void A_flood_of_searches_with_forged_senders_gets_a_bounded_number_of_answers()
    {
        var link = new SsdpLink();
        var node = link.Add().Start();
        link.Run(10);
        var before = link.Count(SsdpKind.Answer);
        for (var i = 0; i < 10_000; i++) link.Inject("M-SEARCH * HTTP/1.1\r\nST: urn:nebula-service\r\n\r\n", $"127.0.{i / 250}.{(i % 250) + 1}:1900");
        link.Run(1);
        Assert.InRange(link.Count(SsdpKind.Answer) - before, 90, 210);
        Assert.Contains(DiscoveryRefusal.TooManyQuestions, node.Refused);
    }

    [Fact]
    public void A_flood_of_places_does_not_outgrow_the_table()
    {
        var link = new SsdpLink();
        var node = link.Add(new SsdpOptions { MaxPeers = 100 }).Start();
        for (var port = 1; port <= 10_000; port++) link.Inject(Answer($"127.0.0.1:{port}", port % 2 == 0 ? Peers.Id(1000 + port) : null));
        link.Run(1);
        Assert.Equal(100, node.Core.PeerCount);
        Assert.Contains(DiscoveryRefusal.TableFull, node.Refused);
        link.Run(700);
        Assert.Equal(0, node.Core.PeerCount);
        Assert.Empty(node.Found);
    }

    [Fact]
    public void Changed_addresses_are_announced_at_once()
    {
        var link = new SsdpLink();
        var (a, b) = (link.Add().Start(), link.Add().Start());
        link.Run(10);
        b.Listen("/ip4/127.0.0.1/tcp/5555");
        link.Run(0.3);
        Assert.Equal(Multiaddr.Parse("/ip4/127.0.0.1/tcp/5555"), a.Found[b.Id][0]);
    }

    private static string Answer(string location, PeerId? peer, string service = "urn:nebula-service") =>
        $"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: {service}\r\nTYPE: response\r\nLOCATION: {location}\r\n{(peer is null ? "" : $"PEER-ID: {peer}\r\n")}\r\n";
}
