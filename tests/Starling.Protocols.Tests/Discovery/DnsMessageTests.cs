using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Discovery;

namespace Starling.Protocols.Tests.Discovery;

public class DnsMessageTests
{
    private static readonly DnsName Service = DnsName.Parse("_p2p._udp.local");
    private static readonly DnsName Instance = Service.WithLabel("somebody");
    private static readonly DnsName Host = DnsName.Parse("somebody.p2p.local");

    private static DnsMessage Whole => DnsMessage.Response(
        [new DnsRecord.Ptr(Service, 120, Instance)],
        [
            new DnsRecord.Txt(Instance, 120, [Bytes("dnsaddr=/ip4/127.0.0.1/tcp/1"), Bytes(new string('x', 255))]),
            new DnsRecord.Srv(Instance, 120, 4001, Host),
            new DnsRecord.Host(Host, 120, IPAddress.Loopback),
            new DnsRecord.Host(Host, 120, IPAddress.IPv6Loopback),
        ]);

    [Fact]
    public void What_is_written_is_read_back()
    {
        Assert.Equal(DnsError.None, DnsMessage.TryRead(Whole.Write(), out var read));
        Assert.True(read!.IsResponse);
        Assert.Equal(Whole.Answers, read.Answers);
        var text = Assert.IsType<DnsRecord.Txt>(read.Additionals[0]);
        Assert.Equal(["dnsaddr=/ip4/127.0.0.1/tcp/1", new string('x', 255)], text.Strings.Select(one => Encoding.UTF8.GetString(one.Span)));
        Assert.Equal(Whole.Additionals.Skip(1), read.Additionals.Skip(1));

        Assert.Equal(DnsError.None, DnsMessage.TryRead(DnsMessage.Query(Service, DnsType.Ptr).Write(), out var query));
        Assert.False(query!.IsResponse);
        Assert.Equal([new DnsQuestion(Service, DnsType.Ptr)], query.Questions);
    }

    [Fact]
    public void A_repeated_name_is_written_once()
    {
        var packet = Whole.Write();
        Assert.Equal(1, Count(packet, "_p2p"u8));
        Assert.True(packet.Length < 450);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        var packet = Whole.Write();
        for (var length = 0; length < packet.Length; length++) Assert.Equal(DnsError.Malformed, DnsMessage.TryRead(packet.AsSpan(0, length), out _));
    }

    [Fact]
    public void Every_single_byte_may_be_any_value_without_harm()
    {
        var packet = Whole.Write();
        for (var at = 0; at < packet.Length; at++)
        {
            var kept = packet[at];
            for (var value = 0; value < 256; value++)
            {
                packet[at] = (byte)value;
                DnsMessage.TryRead(packet, out _);
            }

            packet[at] = kept;
        }
    }

    [Fact]
    public void Random_mutations_are_read_or_refused()
    {
        var start = Whole.Write();
        var mutations = Gen.ArrayOf(Gen.Zip(Gen.Choose(0, start.Length - 1), Gen.Choose(0, 255)));
        Prop.ForAll(mutations.ToArbitrary(), changes =>
        {
            var packet = (byte[])start.Clone();
            foreach (var (at, value) in changes) packet[at] = (byte)value;
            var error = DnsMessage.TryRead(packet, out var message);
            return error == DnsError.None == (message is not null);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
    }

    [Fact]
    public void Random_bytes_are_read_or_refused() =>
        Prop.ForAll<byte[]>(packet => DnsMessage.TryRead(packet, out var message) == DnsError.None == (message is not null))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));

    [Fact]
    public void What_was_read_can_be_written_and_read_again()
    {
        var start = Whole.Write();
        var mutations = Gen.ArrayOf(Gen.Zip(Gen.Choose(12, start.Length - 1), Gen.Choose(0, 255)));
        Prop.ForAll(mutations.ToArbitrary(), changes =>
        {
            var packet = (byte[])start.Clone();
            foreach (var (at, value) in changes.Take(3)) packet[at] = (byte)value;
            if (DnsMessage.TryRead(packet, out var message) != DnsError.None) return true;
            return DnsMessage.TryRead(message!.Write(), out var again) == DnsError.None
                && again!.Answers.Count == message.Answers.Count && again.Additionals.Count == message.Additionals.Count;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
    }

    [Theory]
    [InlineData(0xC0, 12)] // to itself
    [InlineData(0xC0, 14)] // forwards
    [InlineData(0xC0, 255)] // out of the packet
    [InlineData(0x40, 1)] // a label kind that does not exist
    [InlineData(0x80, 1)]
    public void A_bad_name_is_refused(byte first, byte second)
    {
        byte[] packet = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, first, second, 0, 12, 0, 1];
        Assert.Equal(DnsError.Malformed, DnsMessage.TryRead(packet, out _));
    }

    [Fact]
    public void Two_pointers_at_each_other_are_refused()
    {
        byte[] packet = [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, (byte)'a', 0xC0, 16, 1, (byte)'b', 0xC0, 12, 0, 12, 0, 1];
        Assert.Equal(DnsError.Malformed, DnsMessage.TryRead(packet, out _));
    }

    [Fact]
    public void A_long_chain_of_pointers_is_refused()
    {
        // A record of an unknown type whose data is a chain of pointers, and one that is named by it.
        var packet = new List<byte> { 0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 47, 0, 1, 0, 0, 0, 1, 1, 0 };
        var data = packet.Count;
        packet.AddRange([0xC0, 12]);
        for (var i = 1; i < 128; i++)
        {
            var before = data + (2 * (i - 1));
            packet.AddRange([(byte)(0xC0 | (before >> 8)), (byte)before]);
        }

        var last = data + 254;
        DnsError Named(int target) =>
            DnsMessage.TryRead([.. packet, (byte)(0xC0 | (target >> 8)), (byte)target, 0, 47, 0, 1, 0, 0, 0, 1, 0, 0], out _);

        Assert.Equal(DnsError.None, Named(data + 200));
        Assert.Equal(DnsError.Malformed, Named(last));
    }

    [Fact]
    public void A_name_that_unfolds_beyond_its_limit_is_refused()
    {
        // Four labels of 63 bytes and the final zero are 257 bytes.
        var packet = new List<byte> { 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        for (var i = 0; i < 4; i++)
        {
            packet.Add(63);
            packet.AddRange(Enumerable.Repeat((byte)'x', 63));
        }

        packet.AddRange([0, 0, 12, 0, 1]);
        Assert.Equal(DnsError.Malformed, DnsMessage.TryRead(packet.ToArray(), out _));
        Assert.Throws<FormatException>(() => DnsName.Parse(string.Join('.', Enumerable.Repeat(new string('x', 63), 4))));
    }

    [Fact]
    public void Counts_beyond_the_limit_are_refused_before_anything_is_read()
    {
        byte[] packet = [0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
        Assert.Equal(DnsError.TooManyEntries, DnsMessage.TryRead(packet, out _));
    }

    [Fact]
    public void A_packet_beyond_the_limit_is_refused() =>
        Assert.Equal(DnsError.TooLarge, DnsMessage.TryRead(new byte[DnsMessage.MaxPacket + 1], out _));

    [Fact]
    public void What_does_not_fit_is_not_written()
    {
        Assert.Throws<InvalidOperationException>(() => Text(new byte[256]).Write());
        Assert.Throws<InvalidOperationException>(() => DnsMessage.Response([], [.. Enumerable.Range(0, 40).SelectMany(_ => Text(new byte[255]).Answers)]).Write());

        static DnsMessage Text(byte[] value) => DnsMessage.Response([new DnsRecord.Txt(Service, 1, [value])], []);
    }

    [Fact]
    public void Records_of_other_types_and_classes_are_passed_over()
    {
        byte[] other = [0, 0, 0x84, 0, 0, 0, 0, 3, 0, 0, 0, 0,
            1, (byte)'a', 0, 0, 47, 0, 1, 0, 0, 0, 1, 0, 2, 9, 9, // NSEC
            1, (byte)'a', 0, 0, 12, 0, 3, 0, 0, 0, 1, 0, 1, 0, // class CHAOS
            1, (byte)'a', 0, 0, 1, 0x80, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4];
        Assert.Equal(DnsError.None, DnsMessage.TryRead(other, out var message));
        Assert.Equal([new DnsRecord.Host(DnsName.Parse("a"), 1, IPAddress.Parse("1.2.3.4"))], message!.Answers);
    }

    [Fact]
    public void Names_are_the_same_in_any_case()
    {
        Assert.Equal(DnsName.Parse("_P2P._Udp.LOCAL."), Service);
        Assert.Equal(DnsName.Parse("_P2P._Udp.LOCAL").GetHashCode(), Service.GetHashCode());
        Assert.True(Instance.IsChildOf(DnsName.Parse("_p2P._udp.locaL")));
        Assert.False(Service.IsChildOf(Instance));
        Assert.False(DnsName.Parse("a.b._p2p._udp.local").IsChildOf(Service));
        Assert.NotEqual(DnsName.Parse("a.b"), DnsName.Parse("a-b"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData(".a")]
    public void Empty_labels_are_an_error(string text) => Assert.Throws<FormatException>(() => DnsName.Parse(text));

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static int Count(ReadOnlySpan<byte> within, ReadOnlySpan<byte> what)
    {
        var count = 0;
        for (var at = within.IndexOf(what); at >= 0; at = within.IndexOf(what))
        {
            count++;
            within = within[(at + 1)..];
        }

        return count;
    }
}
