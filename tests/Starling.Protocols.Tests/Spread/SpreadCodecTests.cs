using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Spread;

namespace Starling.Protocols.Tests.Spread;

public sealed class SpreadCodecTests
{
    private readonly SpreadOptions _options = new() { MaxPayloadBytes = 100, MaxFrameBytes = 2000, MaxEntriesPerFrame = 16 };

    [Fact]
    public void What_is_written_reads_back() =>
        Prop.ForAll<byte[], uint, byte[]>((payload, kind, signature) =>
        {
            var item = new SpreadItem(SpreadId.New(RandomSource.Seeded(kind)), SpreadGraph.IdOf((int)kind), Math.Max(1, kind), 1 + (payload.Length % 255), payload, signature, signature) { Age = TimeSpan.FromMilliseconds(kind) };
            var frame = new SpreadFrame { Items = { item, item }, Replies = { new SpreadReply(item.Key, item.Kind, payload) }, Have = { item.Key }, Want = { item.Key with { IsSigned = true } } };
            var bytes = Encode(frame);
            var read = new SpreadFrame();
            Assert.Equal(SpreadRefusal.None, SpreadCodec.Decode(bytes, new SpreadOptions(), read));
            Assert.Equal(Encode(read), bytes);
            var first = read.Items[0];
            Assert.Equal((item.Key, item.Kind, item.Ttl, item.Age), (first.Key, first.Kind, first.Ttl, first.Age));
            return first.Payload.Span.SequenceEqual(payload) && first.Signature.Span.SequenceEqual(signature) && read.Want[0].IsSigned;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_frame_cut_anywhere_is_refused_or_ends_between_two_entries()
    {
        var whole = Encode(Sample());
        for (var length = 0; length < whole.Length; length++)
        {
            var frame = new SpreadFrame();
            var refusal = SpreadCodec.Decode(whole.AsMemory(0, length), _options, frame);
            Assert.True(refusal is SpreadRefusal.Malformed || Encode(frame).Length == length, $"{length} bytes: {refusal}");
        }
    }

    [Fact]
    public void Every_change_of_one_byte_is_read_or_refused_and_never_throws()
    {
        var whole = Encode(Sample());
        for (var at = 0; at < whole.Length; at++)
        {
            for (var value = 0; value < 256; value += 3)
            {
                var changed = whole.ToArray();
                changed[at] = (byte)value;
                var frame = new SpreadFrame();
                if (SpreadCodec.Decode(changed, _options, frame) != SpreadRefusal.None) continue;
                Assert.All(frame.Items, item => Assert.True(item.Ttl is >= 1 and <= 255 && item.Kind >= 1 && item.Payload.Length <= 100));
            }
        }
    }

    [Fact]
    public void Bounds_are_kept()
    {
        Assert.Equal(SpreadRefusal.FrameTooLarge, Decode(new byte[2001]));
        Assert.Equal(SpreadRefusal.None, Decode(Encode(new SpreadFrame { Items = { Item(new byte[100]) } })));
        Assert.Equal(SpreadRefusal.PayloadTooLarge, Decode(Encode(new SpreadFrame { Items = { Item(new byte[101]) } })));
        Assert.Equal(SpreadRefusal.PayloadTooLarge, Decode(Encode(new SpreadFrame { Replies = { new SpreadReply(Item([]).Key, 1, new byte[101]) } })));
        var many = new SpreadFrame();
        for (var i = 0; i < 17; i++) many.Have.Add(Item([]).Key);
        Assert.Equal(SpreadRefusal.TooManyEntries, Decode(Encode(many)));
        many.Have.RemoveAt(0);
        Assert.Equal(SpreadRefusal.None, Decode(Encode(many)));
        Assert.Equal(SpreadRefusal.Malformed, Decode(Encode(new SpreadFrame { Items = { Item([]) with { Ttl = 0 } } })));
        Assert.Equal(SpreadRefusal.Malformed, Decode(Encode(new SpreadFrame { Items = { Item([]) with { Ttl = 256 } } })));
        Assert.Equal(SpreadRefusal.Malformed, Decode(Encode(new SpreadFrame { Items = { Item([]) with { Kind = 0 } } })));
        Assert.Equal(SpreadRefusal.Malformed, Decode([0x0a, 0x00]));
        Assert.Equal(SpreadRefusal.Malformed, Decode([0x08, 0x01]));
        Assert.Equal(SpreadRefusal.None, Decode([0x28, 0x01]));
    }

    [Fact]
    public void Ids_show_as_hexadecimal_and_the_longest_key_fits_its_bound()
    {
        using var identity = NodeIdentity.Generate();
        var key = new SpreadKey(new SpreadId(UInt128.MaxValue), identity.PeerId, true);
        Assert.True(Encode(new SpreadFrame { Have = { key } }).Length <= SpreadCodec.MaxKeyBytes);
        Assert.Equal("000000000000000000000000000000ff", new SpreadId(255).ToString());
    }

    private static SpreadItem Item(byte[] payload) => new(new SpreadId(7), SpreadGraph.IdOf(1), 1, 1, payload);

    private static SpreadFrame Sample()
    {
        var item = new SpreadItem(new SpreadId(UInt128.MaxValue / 3), SpreadGraph.IdOf(3), 2000, 9, new byte[] { 1, 2, 3 }, new byte[] { 4, 5 }, new byte[] { 6 }) { Age = TimeSpan.FromSeconds(9) };
        return new SpreadFrame { Items = { item, item with { Signature = default } }, Replies = { new SpreadReply(item.Key, 3, new byte[] { 7 }) }, Have = { item.Key }, Want = { item.Key } };
    }

    private SpreadRefusal Decode(byte[] bytes) => SpreadCodec.Decode(bytes, _options, new SpreadFrame());

    private static byte[] Encode(SpreadFrame frame)
    {
        var bytes = new byte[SpreadCodec.SizeOf(frame)];
        Assert.Equal(bytes.Length, SpreadCodec.Write(bytes, frame));
        return bytes;
    }
}
