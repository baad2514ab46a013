using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

public class MdnsHostileTests
{
    private static readonly DnsName Service = DnsName.Parse(MdnsOptions.DefaultServiceName);
    private static string Address(int peer, int port = 1) => $"/ip4/127.0.0.1/tcp/{port}/p2p/{Peers.Id(peer)}";

    [Fact]
    public void Unreadable_packets_are_counted_and_the_node_goes_on()
    {
        var (link, node) = Started();
        link.Inject([1, 2, 3]);
        link.Inject(new byte[9001]);
        link.Inject([0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0]);
        link.Inject(MdnsCoreTests.Announcement("good", 120, Address(50)));
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Equal([DiscoveryRefusal.Malformed, DiscoveryRefusal.TooLarge, DiscoveryRefusal.TooManyEntries], node.Refused);
        Assert.Contains(Peers.Id(50), node.Found.Keys);
    }

    [Fact]
    public void Addresses_of_several_peers_in_one_announcement_refuse_it() =>
        Refused(DiscoveryRefusal.MixedPeerIds, MdnsCoreTests.Announcement("x", 120, Address(50), Address(51)));

    [Fact]
    public void An_address_without_a_peer_id_refuses_its_announcement() =>
        Refused(DiscoveryRefusal.NoPeerId, MdnsCoreTests.Announcement("x", 120, Address(50), "/ip4/127.0.0.1/tcp/2"));

    [Fact]
    public void Our_own_peer_id_under_another_name_is_refused() =>
        Refused(DiscoveryRefusal.OwnPeerId, MdnsCoreTests.Announcement("x", 120, Address(0)));

    [Theory]
    [InlineData("/ip4/192.168.1.2/tcp/1")]
    [InlineData("/ip4/0.0.0.0/tcp/1")]
    [InlineData("/dns4/example.com/tcp/1")]
    public void Addresses_that_do_not_fit_the_interface_are_passed_over(string address) =>
        Refused(DiscoveryRefusal.UnfitAddress, MdnsCoreTests.Announcement("x", 120, $"{address}/p2p/{Peers.Id(50)}"));

    [Fact]
    public void Loopback_addresses_are_not_believed_on_a_real_interface()
    {
        var link = new MulticastLink();
        var node = link.Add(face: "192.168.1.2", addresses: "/ip4/192.168.1.2/tcp/1").Start();
        link.Inject(MdnsCoreTests.Announcement("x", 120, Address(50), $"/ip4/192.168.1.3/tcp/1/p2p/{Peers.Id(50)}"));
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Equal([Multiaddr.Parse("/ip4/192.168.1.3/tcp/1")], node.Found[Peers.Id(50)]);
        Assert.Equal([DiscoveryRefusal.UnfitAddress], node.Refused);
    }

    [Fact]
    public void An_unreadable_address_is_passed_over_and_the_others_are_kept()
    {
        var (link, node) = Started();
        link.Inject(MdnsCoreTests.Announcement("x", 120, "/nonsense/1", Address(50)));
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Single(node.Found[Peers.Id(50)]);
        Assert.Equal([DiscoveryRefusal.UnreadableAddress], node.Refused);
    }

    [Fact]
    public void Addresses_beyond_the_limit_are_passed_over()
    {
        var (link, node) = Started(new MdnsOptions { MaxAddressesPerPeer = 4 });
        link.Inject(MdnsCoreTests.Announcement("x", 120, [.. Enumerable.Range(1, 60).Select(port => Address(50, port))]));
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Equal(4, node.Found[Peers.Id(50)].Count);
        Assert.Equal([DiscoveryRefusal.TooManyAddresses], node.Refused);
    }

    [Fact]
    public void Peers_beyond_the_limit_are_refused_until_others_expire()
    {
        var (link, node) = Started(new MdnsOptions { MaxPeers = 10 });
        for (var i = 0; i < 20; i++) link.Inject(MdnsCoreTests.Announcement($"x{i}", 120, Address(50 + i)));
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Equal(10, node.Found.Count);
        Assert.Equal(Enumerable.Repeat(DiscoveryRefusal.TableFull, 10), node.Refused);

        link.Run(TimeSpan.FromSeconds(121));
        Assert.Empty(node.Found);
        link.Inject(MdnsCoreTests.Announcement("y", 120, Address(70)));
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Single(node.Found);
    }

    [Fact]
    public void One_packet_brings_few_peers()
    {
        var (link, node) = Started();
        var names = Enumerable.Range(0, 30).Select(i => Service.WithLabel($"x{i}")).ToList();
        link.Inject(DnsMessage.Response(
            [.. names.Select(name => new DnsRecord.Ptr(Service, 120, name))],
            [.. names.Select((name, i) => new DnsRecord.Txt(name, 120, [Encoding.UTF8.GetBytes("dnsaddr=" + Address(50 + i))]))]).Write());
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Equal(8, node.Found.Count);
        Assert.Equal([DiscoveryRefusal.TooManyPeersInPacket], node.Refused);
    }

    [Fact]
    public void A_node_that_restarts_without_a_good_bye_is_found_anew_each_time()
    {
        var (link, node) = Started();
        for (var i = 1; i <= 20; i++)
        {
            link.Inject(MdnsCoreTests.Announcement($"life{i}", 120, Address(50, i)));
            link.Run(TimeSpan.FromMilliseconds(100));
            Assert.Contains(Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{i}"), node.Found[Peers.Id(50)]);
        }

        Assert.True(node.Found[Peers.Id(50)].Count <= 4);
        Assert.Empty(node.LostEvents);
    }

    [Fact]
    public void Texts_among_the_answers_and_in_any_case_are_read()
    {
        // The shape that js-libp2p sends.
        var (link, node) = Started();
        var name = DnsName.Parse("NAME._P2P._udp.local");
        link.Inject(DnsMessage.Response(
            [
                new DnsRecord.Ptr(DnsName.Parse("_P2P._UDP.local"), 120, name),
                new DnsRecord.Txt(DnsName.Parse("name._p2p._udp.LOCAL"), 120, [Encoding.UTF8.GetBytes("dnsaddr=" + Address(50, 1))]),
                new DnsRecord.Txt(name, 120, [Encoding.UTF8.GetBytes("dnsaddr=" + Address(50, 2))]),
            ], []).Write());
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Equal(2, node.Found[Peers.Id(50)].Count);
    }

    [Fact]
    public void Records_of_other_names_and_services_are_nothing_to_us()
    {
        var (link, node) = Started();
        var other = DnsName.Parse("_http._tcp.local");
        link.Inject(DnsMessage.Response(
            [new DnsRecord.Ptr(other, 120, other.WithLabel("x")), new DnsRecord.Ptr(Service, 120, Service.WithLabel("y"))],
            [new DnsRecord.Txt(other.WithLabel("x"), 120, [Encoding.UTF8.GetBytes("dnsaddr=" + Address(50))])]).Write());
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Empty(node.Found);
        Assert.Empty(node.Refused);
    }

    [Fact]
    public void Any_sequence_of_mutated_packets_leaves_the_node_working()
    {
        byte[][] seeds =
        [
            DnsMessage.Query(Service, DnsType.Ptr).Write(),
            MdnsCoreTests.Announcement("x", 120, Address(50), Address(50, 2)),
            MdnsCoreTests.Announcement("y", 0),
        ];
        var packets = Gen.ArrayOf(from seed in Gen.Elements(seeds)
                                  from changes in Gen.ArrayOf(Gen.Zip(Gen.Choose(0, seed.Length - 1), Gen.Choose(0, 255)))
                                  select Mutated(seed, changes));
        Prop.ForAll(packets.ToArbitrary(), hostile =>
        {
            var (link, node) = Started(new MdnsOptions { MaxPeers = 8 });
            foreach (var packet in hostile) link.Inject(packet);
            link.Run(TimeSpan.FromSeconds(1));
            link.Add().Start();
            link.Run(TimeSpan.FromSeconds(300));
            return node.Core.PeerCount <= 8 && node.Found.ContainsKey(Peers.Id(1));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    private static byte[] Mutated(byte[] seed, (int At, int Value)[] changes)
    {
        var packet = (byte[])seed.Clone();
        foreach (var (at, value) in changes.Take(5)) packet[at] = (byte)value;
        return packet;
    }

    private static (MulticastLink Link, MulticastLink.Node Node) Started(MdnsOptions? options = null)
    {
        var link = new MulticastLink();
        var node = link.Add(options).Start();
        link.Run(TimeSpan.FromSeconds(3));
        return (link, node);
    }

    private static void Refused(DiscoveryRefusal reason, byte[] packet)
    {
        var (link, node) = Started();
        link.Inject(packet);
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Equal([reason], node.Refused);
        Assert.Empty(node.Found);
    }
}
