using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Starling.Gateways.Gossip;

namespace Starling.Gateways.Tests;

public sealed class CodecTests
{
    private static readonly GossipMessage[] Samples =
    [
        new GossipAnnounce(0x20, 0x18, new byte[] { 0x20, 0x50 }), new GossipNotify(0x2a), new GossipNotification(0x539, 0x2a, new byte[] { 0x50, 0x20 }), new GossipValidation(0x539, true),
        new GossipAnnounce(0, 0, default), new GossipValidation(0, false), new GossipNotification(0, ushort.MaxValue, new byte[GossipMessageCodec.MaxDataBytes]),
    ];

    [Theory]
    [InlineData(0, "000a01f42000001820 50"), InlineData(1, "000801f50000002a"), InlineData(2, "000a01f60539002a5020"), InlineData(3, "000801f705390001")]
    public void The_vectors_of_the_wire_text_are_written_and_read_byte_for_byte(int sample, string hex)
    {
        var bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

        Assert.Equal(bytes, GossipMessageCodec.Write(Samples[sample]));
        AssertSame(Samples[sample], Assert.Single(ReadAll(new ReadOnlySequence<byte>(bytes), out _)));
    }

    [Fact]
    public void Messages_survive_every_split_and_all_being_read_at_once()
    {
        foreach (var sender in Samples.GroupBy(message => message is GossipNotification))
        {
            var small = sender.Where(message => message is not GossipNotification { Data.Length: > 100 }).ToArray();
            var bytes = small.SelectMany(GossipMessageCodec.Write).ToArray();
            for (var split = 0; split <= bytes.Length; split++)
            {
                var buffer = Segments.Of(bytes[..split], bytes[split..]);
                Assert.Equal(small.Length, ReadAll(buffer, out _).Zip(small).Count(pair => Same(pair.First, pair.Second)));
            }

            var bytewise = Segments.Of([.. bytes.Select(one => new[] { one })]);
            Assert.Equal(small.Length, ReadAll(bytewise, out _).Zip(small).Count(pair => Same(pair.First, pair.Second)));
        }
    }

    [Fact]
    public void A_message_is_not_read_before_its_last_byte_is_there()
    {
        foreach (var bytes in Samples.Select(GossipMessageCodec.Write).Where(bytes => bytes.Length < 100))
        {
            for (var length = 0; length < bytes.Length; length++) Assert.Empty(ReadAll(new ReadOnlySequence<byte>(bytes, 0, length), out _));
        }
    }

    [Theory]
    [InlineData("000001f4", GossipCloseReason.TooShort)]
    [InlineData("000301f4", GossipCloseReason.TooShort)]
    [InlineData("000701f4", GossipCloseReason.TooShort)]
    [InlineData("000401f4", GossipCloseReason.TooShort)]
    [InlineData("000901f5", GossipCloseReason.WrongSize)]
    [InlineData("000701f5", GossipCloseReason.WrongSize)]
    [InlineData("000401f5", GossipCloseReason.WrongSize)]
    [InlineData("ffff01f7", GossipCloseReason.WrongSize)]
    [InlineData("000801f3", GossipCloseReason.UnknownType)]
    [InlineData("000801f8", GossipCloseReason.UnknownType)]
    [InlineData("0008ffff", GossipCloseReason.UnknownType)]
    [InlineData("00080000", GossipCloseReason.UnknownType)]
    [InlineData("000a01f6", GossipCloseReason.WrongDirection)]
    public void A_bad_header_is_refused_as_soon_as_it_is_there(string hex, GossipCloseReason why)
    {
        var buffer = new ReadOnlySequence<byte>(Convert.FromHexString(hex));

        Assert.Equal(why, GossipMessageCodec.ReadFromClient(ref buffer, out var message));
        Assert.Null(message);
    }

    [Fact]
    public void Reserved_bits_do_not_matter()
    {
        var buffer = new ReadOnlySequence<byte>([0, 9, 1, 0xf4, 7, 0xff, 0, 1, 5, 0, 8, 1, 0xf5, 0xff, 0xff, 0, 2, 0, 8, 1, 0xf7, 0, 3, 0xff, 0xfe]);

        var all = ReadAll(buffer, out _);

        Assert.Equal((byte)7, Assert.IsType<GossipAnnounce>(all[0]).Ttl);
        Assert.Equal(new GossipNotify(2), all[1]);
        Assert.Equal(new GossipValidation(3, false), all[2]);
    }

    [Fact]
    public void More_data_than_a_message_carries_is_an_error() =>
        Assert.Throws<ArgumentException>(() => GossipMessageCodec.Write(new GossipAnnounce(0, 1, new byte[GossipMessageCodec.MaxDataBytes + 1])));

    [Fact]
    public void Whatever_is_written_reads_back()
    {
        var messages = ArbMap.Default.GeneratorFor<(byte Kind, byte Ttl, ushort One, ushort Two, byte[] Data)>().Select(one => (GossipMessage)((one.Kind % 4) switch
        {
            0 => new GossipAnnounce(one.Ttl, one.One, one.Data ?? []),
            1 => new GossipNotify(one.One),
            2 => new GossipNotification(one.One, one.Two, one.Data ?? []),
            _ => new GossipValidation(one.One, one.Ttl % 2 == 0),
        }));
        Prop.ForAll(messages.ToArbitrary(), message => Same(message, ReadAll(new ReadOnlySequence<byte>(GossipMessageCodec.Write(message)), out var rest).Single()) && rest == 0).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Bytes_of_any_kind_are_read_or_refused_and_never_more_than_there_are() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            var buffer = new ReadOnlySequence<byte>([0, 8, 1, 0xf5, .. bytes]);
            var before = buffer.Length;
            var wrong = GossipMessageCodec.ReadFromClient(ref buffer, out var message);
            return wrong == GossipCloseReason.None && (message is null ? buffer.Length == before : before - buffer.Length == 8);
        }).QuickCheckThrowOnFailure();

    private static List<GossipMessage> ReadAll(ReadOnlySequence<byte> buffer, out long rest)
    {
        List<GossipMessage> all = [];
        while (true)
        {
            var attempt = buffer;
            var wrong = GossipMessageCodec.ReadFromClient(ref attempt, out var message);
            if (wrong == GossipCloseReason.WrongDirection)
            {
                attempt = buffer;
                wrong = GossipMessageCodec.ReadFromApi(ref attempt, out message);
            }

            Assert.Equal(GossipCloseReason.None, wrong);
            rest = attempt.Length;
            if (message is null) return all;
            all.Add(message);
            buffer = attempt;
        }
    }

    private static void AssertSame(GossipMessage expected, GossipMessage actual) => Assert.True(Same(expected, actual), $"{expected} and {actual} differ.");

    private static bool Same(GossipMessage one, GossipMessage other) => (one, other) switch
    {
        (GossipAnnounce a, GossipAnnounce b) => (a.Ttl, a.DataType) == (b.Ttl, b.DataType) && a.Data.Span.SequenceEqual(b.Data.Span),
        (GossipNotification a, GossipNotification b) => (a.Id, a.DataType) == (b.Id, b.DataType) && a.Data.Span.SequenceEqual(b.Data.Span),
        _ => one == other,
    };

    /// <summary>Memory in several pieces.</summary>
    private sealed class Segments : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Of(params byte[][] parts)
        {
            Segments? first = null, last = null;
            foreach (var part in parts)
            {
                var next = new Segments { Memory = part, RunningIndex = last is null ? 0 : last.RunningIndex + last.Memory.Length };
                if (last is not null) last.Next = next;
                first ??= next;
                last = next;
            }

            return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
        }
    }
}
