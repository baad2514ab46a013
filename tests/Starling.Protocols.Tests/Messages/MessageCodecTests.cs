using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using Starling.Protocols.Messages;
using Starling.Protocols.Tests.Links;
using Starling.Protocols.Tests.Messages.Wire;

namespace Starling.Protocols.Tests.Messages;

/// <summary>The hand-written codec against classes that Google.Protobuf generated, and against hostile bytes.</summary>
public sealed class MessageCodecTests
{
    private static readonly PeerId Origin = TestPeers.Get(7);

    [Fact]
    public void What_is_written_the_generated_classes_read_and_reads_back_the_same() =>
        Prop.ForAll<(int Action, int Hops, long SentAt), byte[], bool>((numbers, payload, full) =>
        {
            var envelope = new MessageEnvelope
            {
                Type = full ? "modèle" : "x",
                Action = numbers.Action,
                Id = new MessageUid(new UInt128((ulong)numbers.SentAt, 42)),
                Origin = full ? Origin : null,
                SentAt = numbers.SentAt,
                Compression = full ? MessageCompression.Zlib : MessageCompression.None,
                InflatedLength = full ? 1 << 20 : 0,
                Hops = Math.Abs(numbers.Hops),
                WantsAnswer = full,
                Payload = payload,
            };

            var body = Body(Frame(envelope));

            var wire = WireEnvelope.Parser.ParseFrom(body);
            Assert.Equal((envelope.Type, envelope.Action, envelope.SentAt, (uint)envelope.Hops, full), (wire.Type, wire.Action, wire.SentAt, wire.Hops, wire.WantsAnswer));
            Assert.Equal(envelope.Id, MessageUid.Read(wire.Id.Span));
            Assert.Equal(payload, wire.Payload.ToByteArray());
            Assert.Equal(full ? Origin.Bytes.ToArray() : [], wire.Origin.ToByteArray());
            Assert.Equal(MessageRefusal.None, MessageCodec.Decode(body, out var again));
            Assert.Equal(payload, again.Payload.ToArray());
            return again with { Payload = default } == envelope with { Payload = default };
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_the_generated_classes_write_is_read_with_unknown_fields_skipped()
    {
        var wire = Sample();
        Assert.Equal(MessageRefusal.None, MessageCodec.Decode(wire.ToByteArray(), out var envelope));
        Assert.Equal((wire.Type, -1, Origin, wire.SentAt, MessageCompression.Brotli, 900, 3, true), (envelope.Type, envelope.Action, envelope.Origin, envelope.SentAt, envelope.Compression, envelope.InflatedLength, envelope.Hops, envelope.WantsAnswer));
    }

    [Fact]
    public void An_envelope_cut_anywhere_or_mutated_is_read_or_refused_and_never_throws()
    {
        var whole = Sample().ToByteArray();
        for (var length = 0; length < whole.Length; length++)
        {
            var refusal = MessageCodec.Decode(whole.AsMemory(0, length), out _);
            Assert.True(refusal is MessageRefusal.None or MessageRefusal.Malformed);
            if (!Parses(whole.AsSpan(0, length).ToArray())) Assert.Equal(MessageRefusal.Malformed, refusal);
        }

        var mutations = Gen.Choose(0, whole.Length - 1).Zip(Gen.Choose(0, 255)).ListOf();
        Prop.ForAll(mutations.ToArbitrary(), changes =>
        {
            var bytes = whole.ToArray();
            foreach (var (at, value) in changes) bytes[at] = (byte)value;
            if (MessageCodec.Decode(bytes, out var envelope) != MessageRefusal.None) return;
            Assert.Null(MessageCodec.WrongType(envelope.Type));
            Assert.True(envelope.Hops >= 0 && envelope.InflatedLength >= 0 && Enum.IsDefined(envelope.Compression));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Theory]
    [InlineData("no type")]
    [InlineData("no id")]
    [InlineData("short id")]
    [InlineData("bad origin")]
    [InlineData("control character")]
    [InlineData("long type")]
    [InlineData("length without compression")]
    [InlineData("compression without length")]
    [InlineData("negative length")]
    public void An_envelope_that_cannot_be_is_malformed(string how)
    {
        var wire = Sample();
        switch (how)
        {
            case "no type": wire.Type = ""; break;
            case "no id": wire.Id = ByteString.Empty; break;
            case "short id": wire.Id = ByteString.CopyFrom(new byte[15]); break;
            case "bad origin": wire.Origin = ByteString.CopyFrom(1, 2, 3); break;
            case "control character": wire.Type = "a\nb"; break;
            case "long type": wire.Type = new string('x', MessageCodec.MaxTypeBytes + 1); break;
            case "length without compression": wire.Compression = 0; break;
            case "compression without length": wire.InflatedLength = 0; break;
            case "negative length": wire.InflatedLength = 0x80000000; break;
        }

        Assert.Equal(MessageRefusal.Malformed, MessageCodec.Decode(wire.ToByteArray(), out _));
    }

    [Fact]
    public void An_unknown_compression_is_told_as_one()
    {
        var wire = Sample();
        wire.Compression = 3;
        Assert.Equal(MessageRefusal.UnknownCompression, MessageCodec.Decode(wire.ToByteArray(), out _));
    }

    [Fact]
    public void The_longest_head_fits_its_bound_and_a_bad_name_is_not_written()
    {
        var longest = new MessageEnvelope
        {
            Type = new string('x', MessageCodec.MaxTypeBytes),
            Action = int.MinValue,
            Id = new MessageUid(UInt128.MaxValue),
            Origin = Origin,
            SentAt = -1,
            Compression = MessageCompression.Zlib,
            InflatedLength = int.MaxValue,
            Hops = int.MaxValue,
            WantsAnswer = true,
            Payload = new byte[1 << 20],
        };
        Assert.InRange(MessageCodec.WriteHead(new byte[MessageCodec.MaxHeadBytes], longest), 200, MessageCodec.MaxHeadBytes);
        Assert.Throws<ArgumentException>(() => MessageCodec.WriteHead(new byte[MessageCodec.MaxHeadBytes], longest with { Type = "a\u0001" }));
        Assert.Throws<ArgumentException>(() => MessageCodec.WriteHead(new byte[10], longest));
    }

    [Fact]
    public void Replies_match_the_generated_classes_both_ways_and_at_every_cut()
    {
        var id = new MessageUid(UInt128.MaxValue - 5);
        MessageReply[] replies =
        [
            new MessageReply.Hello([MessageCompression.Brotli, MessageCompression.Zlib], 1L << 40),
            new MessageReply.Hello([], 0),
            new MessageReply.Answer(id, MessageRefusal.None),
            new MessageReply.Answer(id, MessageRefusal.TooLarge, "zu groß"),
        ];
        foreach (var reply in replies)
        {
            var body = Body(reply.Encode());
            Assert.Equal(Describe(reply), Describe(MessageReply.Decode(body)));
            Assert.Equal(body, WireReply.Parser.ParseFrom(body).ToByteArray());
            for (var length = 0; length < body.Length; length++) Assert.Null(MessageReply.Decode(body.AsSpan(0, length)));
        }

        var future = new WireReply { FromTheFuture = "x", Hello = new WireHello { Compressions = { 2, 9, 1, 2 }, MaxMessageBytes = 5 } };
        Assert.Equal("Hello Zlib,Brotli 5", Describe(MessageReply.Decode(future.ToByteArray())));
        Assert.Null(MessageReply.Decode(new WireReply { Answer = new WireAnswer { Refusal = 1 } }.ToByteArray()));
        var shown = Assert.IsType<MessageReply.Answer>(MessageReply.Decode(new WireReply { Answer = new WireAnswer { Id = ByteString.CopyFrom(new byte[16]), Detail = "a\u001b[2J" + new string('x', 500) } }.ToByteArray()));
        Assert.Equal(MessageReply.MaxDetail, shown.Detail.Length);
        Assert.DoesNotContain('\u001b', shown.Detail);
        Assert.InRange(new MessageReply.Answer(id, MessageRefusal.Busy, new string('€', 5000)).Encode().Length, 600, MessageReply.MaxBytes);
    }

    [Fact]
    public void Arbitrary_replies_are_read_or_refused_and_never_throw() =>
        Prop.ForAll<byte[]>(bytes => { MessageReply.Decode(bytes); }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    private static WireEnvelope Sample() => new()
    {
        Type = "model",
        Action = -1,
        Id = ByteString.CopyFrom([.. Enumerable.Range(1, 16).Select(i => (byte)i)]),
        Origin = ByteString.CopyFrom(Origin.Bytes),
        SentAt = 1_900_000_000_000,
        Compression = 1,
        InflatedLength = 900,
        Hops = 3,
        WantsAnswer = true,
        Payload = ByteString.CopyFrom(1, 2, 3),
        FromTheFuture = 5,
    };

    private static byte[] Frame(in MessageEnvelope envelope)
    {
        var head = new byte[MessageCodec.MaxHeadBytes];
        return [.. head.AsSpan(0, MessageCodec.WriteHead(head, envelope)), .. envelope.Payload.Span];
    }

    private static byte[] Body(byte[] frame)
    {
        Assert.Equal(OperationStatus.Done, LengthDelimited.TryRead(frame, int.MaxValue, out var body, out var consumed));
        Assert.Equal(frame.Length, consumed);
        for (var length = 0; length < frame.Length; length++) Assert.Equal(OperationStatus.NeedMoreData, LengthDelimited.TryRead(frame.AsSpan(0, length), int.MaxValue, out _, out _));
        return body.ToArray();
    }

    private static bool Parses(byte[] bytes)
    {
        try
        {
            WireEnvelope.Parser.ParseFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static string Describe(MessageReply? reply) => reply is MessageReply.Hello hello ? $"Hello {string.Join(',', hello.Compressions)} {hello.MaxMessageBytes}" : $"{reply}";
}
