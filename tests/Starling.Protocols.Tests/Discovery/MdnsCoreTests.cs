using System.Text;
using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

public class MdnsCoreTests
{
    private static readonly DnsName Service = DnsName.Parse(MdnsOptions.DefaultServiceName);

    [Fact]
    public void Two_nodes_find_each_other_within_half_a_second()
    {
        var link = new MulticastLink();
        var (a, b) = (link.Add().Start(), link.Add().Start());
        link.Run(TimeSpan.FromSeconds(0.5));
        Assert.Equal([Multiaddr.Parse("/ip4/127.0.0.1/tcp/4002")], a.Found[b.Id]);
        Assert.Equal([Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001")], b.Found[a.Id]);
    }

    [Fact]
    public void Fifty_nodes_find_each_other_with_a_bounded_number_of_packets()
    {
        const int count = 50;
        var link = new MulticastLink();
        for (var i = 0; i < count; i++) link.Add().Start();
        link.Run(TimeSpan.FromSeconds(1));
        Assert.All(link.Nodes, node => Assert.Equal(count - 1, node.Found.Count));
        Assert.All(link.Nodes, node => Assert.Equal(count - 1, node.FoundEvents.Count));

        // Each answers at most once a second, whoever asked, and hardly anyone asks what others have asked.
        Assert.True(link.Answers.Count() <= 2 * count, $"{link.Answers.Count()} answers");
        Assert.True(link.Queries.Count() <= count, $"{link.Queries.Count()} queries");
    }

    [Fact]
    public void In_the_long_run_there_is_one_query_an_interval_and_one_answer_of_each_node_to_it()
    {
        const int count = 20;
        var link = new MulticastLink();
        for (var i = 0; i < count; i++) link.Add().Start();
        link.Run(TimeSpan.FromMinutes(30));
        var before = link.Packets.Count;
        var start = link.Now;
        link.Run(TimeSpan.FromMinutes(30));
        var queries = link.Queries.Count(one => one.At > start);

        // The shortest of twenty jittered intervals of 30 s is at least 22.5 s.
        Assert.InRange(queries, 30, 30 * 60 / 22.5);
        Assert.True(link.Packets.Count - before <= queries * (count + 1), $"{link.Packets.Count - before} packets for {queries} queries");
        Assert.All(link.Nodes, node => Assert.Empty(node.LostEvents));
    }

    [Fact]
    public void A_flood_of_queries_gets_one_answer_per_interval()
    {
        var link = new MulticastLink();
        var node = link.Add().Start();
        link.Run(TimeSpan.FromSeconds(5));
        var before = link.Answers.Count();
        var query = DnsMessage.Query(Service, DnsType.Ptr).Write();
        for (var i = 0; i < 1000; i++)
        {
            link.Inject(query);
            link.Run(TimeSpan.FromMilliseconds(10));
        }

        var answers = link.Answers.Skip(before).ToList();
        Assert.InRange(answers.Count, 8, 11);
        for (var i = 1; i < answers.Count; i++) Assert.True(answers[i].At - answers[i - 1].At >= TimeSpan.FromSeconds(1));
        Assert.NotNull(node);
    }

    [Fact]
    public void A_node_announces_itself_unasked_and_answers_its_own_query()
    {
        var link = new MulticastLink();
        link.Add().Start();
        link.Run(TimeSpan.FromSeconds(1.5));
        Assert.Single(link.Queries, one => one.At < new Instant(0) + TimeSpan.FromSeconds(0.5));
        var answers = link.Answers.ToList();
        Assert.True(answers[0].At < new Instant(0) + TimeSpan.FromMilliseconds(121));
        Assert.True(answers.Count >= 2, "its own query was not answered");
    }

    [Fact]
    public void A_node_does_not_find_itself()
    {
        var link = new MulticastLink();
        var node = link.Add().Start();
        link.Run(TimeSpan.FromMinutes(2));
        Assert.Empty(node.FoundEvents);
        Assert.Empty(node.Refused);
    }

    [Fact]
    public void Nodes_with_the_same_seed_have_different_names()
    {
        var faces = new[] { new MulticastInterface(System.Net.IPAddress.Loopback) };
        var names = Enumerable.Range(0, 10).Select(i => new MdnsCore(Peers.Id(i), new MdnsOptions(), faces, RandomSource.Seeded(1)).PeerName);
        Assert.Equal(10, names.Distinct().Count());
    }

    [Fact]
    public void A_late_joiner_finds_and_is_found_with_its_first_packets()
    {
        var link = new MulticastLink();
        for (var i = 0; i < 5; i++) link.Add().Start();
        link.Run(TimeSpan.FromMinutes(10));
        var late = link.Add().Start();
        link.Run(TimeSpan.FromSeconds(0.3));
        Assert.Equal(5, late.Found.Count);
        Assert.All(link.Nodes.Take(5), node => Assert.Contains(late.Id, node.Found.Keys));
        Assert.Equal(1, link.Queries.Count(one => one.By == late));
    }

    [Fact]
    public void A_stopped_node_says_good_bye_and_is_lost_at_once()
    {
        var link = new MulticastLink();
        var (a, b) = (link.Add().Start(), link.Add().Start());
        link.Run(TimeSpan.FromSeconds(2));
        b.Stop();
        link.Run(TimeSpan.FromMilliseconds(5));
        Assert.Equal([b.Id], a.LostEvents);

        var packets = link.Packets.Count(one => one.By == b);
        link.Inject(DnsMessage.Query(Service, DnsType.Ptr).Write());
        link.Run(TimeSpan.FromMinutes(5));
        Assert.Equal(packets, link.Packets.Count(one => one.By == b));
        Assert.Empty(b.LostEvents);
    }

    [Fact]
    public void A_good_bye_carries_no_addresses()
    {
        // Peers that do not heed its lifetime of zero would otherwise dial a node that has just stopped.
        var link = new MulticastLink();
        var node = link.Add().Start();
        link.Run(TimeSpan.FromSeconds(2));
        node.Stop();
        var goodbye = link.Answers.Last().Message;
        Assert.Equal(0u, Assert.Single(goodbye.Answers).Ttl);
        Assert.Empty(goodbye.Additionals);
    }

    [Fact]
    public void A_node_that_vanishes_is_lost_when_its_records_expire()
    {
        var link = new MulticastLink();
        var node = link.Add().Start();
        link.Inject(Announcement("stranger", 120, $"/ip4/127.0.0.1/tcp/9/p2p/{Peers.Id(99)}"));
        link.Run(TimeSpan.FromSeconds(100));
        Assert.Contains(Peers.Id(99), node.Found.Keys);
        link.Run(TimeSpan.FromSeconds(21));
        Assert.Equal([Peers.Id(99)], node.LostEvents);
    }

    [Fact]
    public void A_node_may_be_started_again()
    {
        var link = new MulticastLink();
        var (a, b) = (link.Add().Start(), link.Add().Start());
        link.Run(TimeSpan.FromSeconds(2));
        b.Stop();
        link.Run(TimeSpan.FromSeconds(2));
        b.Start();
        link.Run(TimeSpan.FromSeconds(2));
        Assert.Contains(b.Id, a.Found.Keys);
    }

    [Fact]
    public void New_addresses_are_announced_at_once_and_reported()
    {
        var link = new MulticastLink();
        var (a, b) = (link.Add().Start(), link.Add().Start());
        link.Run(TimeSpan.FromMinutes(2));
        b.Listen("/ip4/127.0.0.1/tcp/5555");
        link.Run(TimeSpan.FromMilliseconds(130));
        Assert.Equal([Multiaddr.Parse("/ip4/127.0.0.1/tcp/5555")], a.Found[b.Id]);
    }

    [Fact]
    public void Another_service_name_is_another_network()
    {
        var link = new MulticastLink();
        var a = link.Add().Start();
        var b = link.Add(new MdnsOptions { ServiceName = "_p2p-other._udp.local" }).Start();
        link.Run(TimeSpan.FromMinutes(2));
        Assert.Empty(a.Found);
        Assert.Empty(b.Found);
    }

    [Fact]
    public void Announced_records_are_those_of_the_specification()
    {
        var link = new MulticastLink();
        var node = link.Add(addresses: ["/ip4/127.0.0.1/tcp/4001", "/ip4/127.0.0.1/tcp/4002"]).Start();
        link.Run(TimeSpan.FromSeconds(0.2));
        var answer = link.Answers.First().Message;
        var pointer = Assert.IsType<DnsRecord.Ptr>(Assert.Single(answer.Answers));
        Assert.Equal(Service, pointer.Name);
        Assert.Equal(Service.WithLabel(node.Core.PeerName), pointer.Target);
        Assert.Matches("^[a-z0-9]{32,63}$", node.Core.PeerName);
        Assert.DoesNotContain(node.Id.ToString(), node.Core.PeerName, StringComparison.OrdinalIgnoreCase);
        var text = Assert.Single(answer.Additionals.OfType<DnsRecord.Txt>());
        Assert.Equal(
            [$"dnsaddr=/ip4/127.0.0.1/tcp/4001/p2p/{node.Id}", $"dnsaddr=/ip4/127.0.0.1/tcp/4002/p2p/{node.Id}"],
            text.Strings.Select(one => Encoding.UTF8.GetString(one.Span)));
        Assert.Equal(4001, Assert.Single(answer.Additionals.OfType<DnsRecord.Srv>()).Port);
        Assert.Single(answer.Additionals.OfType<DnsRecord.Host>());
    }

    [Fact]
    public void Browsers_of_services_are_answered_in_a_packet_of_its_own()
    {
        var link = new MulticastLink();
        link.Add().Start();
        link.Run(TimeSpan.FromSeconds(5));
        var before = link.Packets.Count;
        var meta = DnsName.Parse("_services._dns-sd._udp.local");
        for (var i = 0; i < 5; i++) link.Inject(DnsMessage.Query(meta, DnsType.Ptr).Write());
        link.Run(TimeSpan.FromSeconds(0.5));
        var (_, _, message) = Assert.Single(link.Packets.Skip(before), one => one.Message.Answers.Any(record => record.Name.Equals(meta)));
        Assert.Equal(Service, Assert.IsType<DnsRecord.Ptr>(Assert.Single(message.Answers)).Target);
    }

    [Theory]
    [InlineData("127.0.0.1", "/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1")]
    [InlineData("127.0.0.1", "/ip4/192.168.1.2/tcp/1", null)]
    [InlineData("127.0.0.1", "/ip4/0.0.0.0/tcp/1", "/ip4/127.0.0.1/tcp/1")]
    [InlineData("127.0.0.1", "/ip6/::/tcp/1", null)]
    [InlineData("127.0.0.1", "/dns4/example.com/tcp/1", null)]
    [InlineData("192.168.1.2", "/ip4/127.0.0.1/tcp/1", null)]
    [InlineData("192.168.1.2", "/ip4/0.0.0.0/tcp/1/ws", "/ip4/192.168.1.2/tcp/1/ws")]
    [InlineData("192.168.1.2", "/ip6/fd00::1/tcp/1", "/ip6/fd00::1/tcp/1")]
    [InlineData("192.168.1.2", "/ip6/::1/tcp/1", null)]
    public void Only_addresses_that_fit_the_interface_are_announced(string face, string listening, string? announced)
    {
        var link = new MulticastLink();
        var node = link.Add(face: face, addresses: listening).Start();
        link.Run(TimeSpan.FromSeconds(2));
        var texts = link.Answers.SelectMany(one => one.Message.Additionals).OfType<DnsRecord.Txt>()
            .SelectMany(one => one.Strings).Select(one => Encoding.UTF8.GetString(one.Span)).Distinct();
        Assert.Equal(announced is null ? [] : [$"dnsaddr={announced}/p2p/{node.Id}"], texts);
    }

    [Fact]
    public void Where_there_are_too_many_addresses_those_of_the_interface_go_first()
    {
        var link = new MulticastLink();
        link.Add(face: "192.168.1.2", addresses: [.. Enumerable.Range(1, 20).Select(i => $"/ip4/10.0.0.{i}/tcp/1"), "/ip4/192.168.1.2/tcp/1"]).Start();
        link.Run(TimeSpan.FromSeconds(0.2));
        var texts = link.Answers.First().Message.Additionals.OfType<DnsRecord.Txt>().Single().Strings;
        Assert.Equal(8, texts.Count);
        Assert.StartsWith("dnsaddr=/ip4/192.168.1.2/tcp/1/", Encoding.UTF8.GetString(texts[0].Span), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(MdnsOptions.ServiceName))]
    [InlineData(nameof(MdnsOptions.QueryInterval))]
    [InlineData(nameof(MdnsOptions.Ttl))]
    [InlineData(nameof(MdnsOptions.MaxOwnAddresses))]
    public void An_option_out_of_range_is_named(string option)
    {
        var options = new MdnsOptions();
        if (option == nameof(MdnsOptions.ServiceName)) options.ServiceName = "a..b";
        if (option == nameof(MdnsOptions.QueryInterval)) options.QueryInterval = TimeSpan.FromMilliseconds(1);
        if (option == nameof(MdnsOptions.Ttl)) options.Ttl = TimeSpan.FromSeconds(31);
        if (option == nameof(MdnsOptions.MaxOwnAddresses)) options.MaxOwnAddresses = 33;
        Assert.Contains(option, Assert.Throws<ArgumentException>(() => OptionProblems.ThrowIfAny(options)).Message, StringComparison.Ordinal);
    }

    internal static byte[] Announcement(string name, uint ttl, params string[] addresses)
    {
        var instance = Service.WithLabel(name);
        return DnsMessage.Response(
            [new DnsRecord.Ptr(Service, ttl, instance)],
            [new DnsRecord.Txt(instance, ttl, [.. addresses.Select(one => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes("dnsaddr=" + one))])]).Write();
    }
}
