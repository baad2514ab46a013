using System.Buffers;
using Google.Protobuf;
using Starling.Protocols.Links;
using Starling.Protocols.Links.Wire;

namespace Starling.Protocols.Tests.Links;

public class LinkFrameCodecTests
{
    public static TheoryData<LinkFrame> Frames =>
    [
        new LinkFrame.Goodbye(CloseReason.LocalClose, "bye"),
        new LinkFrame.Goodbye(CloseReason.NodeStopping, ""),
        new LinkFrame.Goodbye(CloseReason.Refused, "a limit"),
        new LinkFrame.Goodbye(CloseReason.Blocked, "x"),
        new LinkFrame.Goodbye(CloseReason.Pruned, new string('é', 256)),
        new LinkFrame.Goodbye(CloseReason.Unused, "x"),
        new LinkFrame.Goodbye(CloseReason.BudgetExceeded, "x"),
        new LinkFrame.Proposal(LinkKind.Direct),
        new LinkFrame.Proposal(LinkKind.Transient),
        new LinkFrame.Answer(true, ""),
        new LinkFrame.Answer(false, "enough"),
        new LinkFrame.Readiness(true),
        new LinkFrame.Readiness(false),
    ];

    [Theory]
    [MemberData(nameof(Frames))]
    public void What_was_written_is_read_at_every_split_point(LinkFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        var body = LinkFrameCodec.Encode(frame);
        Assert.InRange(body.Length, 1, LinkFrameCodec.MaxFrameLength);
        Assert.True(LinkFrameCodec.TryDecode(body, out var read));
        Assert.Equal(frame, read);

        var output = new ArrayBufferWriter<byte>();
        LengthDelimited.Write(output, body);
        for (var split = 0; split < output.WrittenCount; split++)
        {
            Assert.Equal(OperationStatus.NeedMoreData, LengthDelimited.TryRead(output.WrittenSpan[..split], LinkFrameCodec.MaxFrameLength, out _, out _));
            LinkFrameCodec.TryDecode(body.AsSpan(0, Math.Min(split, body.Length)), out _);
        }

        Assert.Equal(OperationStatus.Done, LengthDelimited.TryRead(output.WrittenSpan, LinkFrameCodec.MaxFrameLength, out var whole, out _));
        Assert.True(LinkFrameCodec.TryDecode(whole, out read));
        Assert.Equal(frame, read);
    }

    [Fact]
    public void Unknown_codes_kinds_and_messages_are_tolerated()
    {
        Assert.Equal(new LinkFrame.Goodbye(null, "later"), Decode(new LinkControl { Goodbye = new LinkControl.Types.Goodbye { Reason = 4_000_000_000, Text = "later" } }));
        Assert.Equal(new LinkFrame.Goodbye(null, ""), Decode(new LinkControl { Goodbye = new LinkControl.Types.Goodbye() }));
        Assert.IsType<LinkFrame.Unknown>(Decode(new LinkControl { Proposal = new LinkControl.Types.Proposal { Kind = 7 } }));
        Assert.True(LinkFrameCodec.TryDecode([0xA2, 0x06, 0x02, 0x08, 0x01], out var later));
        Assert.IsType<LinkFrame.Unknown>(later);
        Assert.True(LinkFrameCodec.TryDecode([], out var nothing));
        Assert.IsType<LinkFrame.Unknown>(nothing);
        Assert.Throws<ArgumentException>(() => LinkFrameCodec.Encode(new LinkFrame.Unknown()));
    }

    [Fact]
    public void A_message_within_a_message_that_is_longer_than_anything_is_refused()
    {
        Assert.False(LinkFrameCodec.TryDecode(Convert.FromHexString("12FFFFFFFFE7FF010A6E6F756769"), out _));
        Assert.False(LinkFrameCodec.TryDecode(Convert.FromHexString("12FFFFFFFF170811"), out var frame));
        Assert.Null(frame);
    }

    [Fact]
    public void A_reason_that_is_none_of_the_peers_business_is_not_named()
    {
        Assert.False(LinkFrameCodec.IsTold(CloseReason.DuplicateLink));
        Assert.True(LinkFrameCodec.TryDecode(LinkFrameCodec.Encode(new LinkFrame.Goodbye(CloseReason.InternalError, "x")), out var frame));
        Assert.Equal(new LinkFrame.Goodbye(null, "x"), frame);
    }

    [Fact]
    public void Long_and_controlling_texts_are_cut_and_cleaned_on_both_sides()
    {
        var hostile = new LinkControl { Goodbye = new LinkControl.Types.Goodbye { Text = "\u001b[2J" + new string('x', 900) } };
        var read = Assert.IsType<LinkFrame.Goodbye>(Decode(hostile));
        Assert.Equal(256, read.Text.Length);
        Assert.DoesNotContain(read.Text, char.IsControl);

        Assert.True(LinkFrameCodec.Encode(new LinkFrame.Answer(false, new string('\u4e2d', 100_000))).Length <= LinkFrameCodec.MaxFrameLength);
        Assert.False(LinkFrameCodec.TryDecode(new byte[LinkFrameCodec.MaxFrameLength + 1], out _));
    }

    private static LinkFrame Decode(LinkControl wire)
    {
        Assert.True(LinkFrameCodec.TryDecode(wire.ToByteArray(), out var frame));
        return frame!;
    }
}
