using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Requests;

namespace Starling.Protocols.Tests.Requests;

public sealed class RequestCodecTests
{
    private static readonly RequestLimits Small = new(MaxPayloadBytes: 50, MaxNameBytes: 20);

    [Fact]
    public void What_was_written_is_read_whatever_it_is() =>
        Prop.ForAll<ulong, byte[], byte[]>((id, payload, text) =>
        {
            var number = (int)(id % 1000);
            var kind = (RequestFrameKind)(1 + (number % 6));
            var failure = kind == RequestFrameKind.Error ? (RequestFailure)(1 + (number % 8)) : RequestFailure.None;
            var name = text.AsSpan(0, Math.Min(text.Length, 128));
            var frame = new RequestFrame
            {
                Id = id,
                Kind = kind,
                Name = name,
                TimeoutMilliseconds = id / 3,
                Streaming = number % 2 == 0,
                TraceParent = number % 3 == 0 ? new byte[RequestLimits.TraceParentBytes] : [],
                Failure = failure,
                Message = text,
                Payload = payload,
            };
            var bytes = new byte[RequestCodec.SizeOf(frame) + 3];
            var size = RequestCodec.Write(bytes, frame);
            return size == bytes.Length - 3
                && RequestCodec.TryRead(bytes, new RequestLimits(), out var read, out var length) == FrameStatus.Done
                && length == size
                && (read.Id, read.Kind, read.TimeoutMilliseconds, read.Streaming, read.Failure) == (id, kind, id / 3, number % 2 == 0, failure)
                && read.Name.SequenceEqual(frame.Name) && read.TraceParent.SequenceEqual(frame.TraceParent)
                && read.Message.SequenceEqual(frame.Message) && read.Payload.SequenceEqual(frame.Payload);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_frame_is_read_once_its_last_byte_is_there_and_not_before()
    {
        foreach (var bytes in Examples())
        {
            for (var there = 0; there < bytes.Length; there++)
            {
                Assert.Equal(FrameStatus.NeedMore, RequestCodec.TryRead(bytes.AsSpan(0, there), Small, out _, out var known));
                Assert.True(known == 0 || known == bytes.Length);
            }

            Assert.Equal(FrameStatus.Done, RequestCodec.TryRead(bytes, Small, out _, out var length));
            Assert.Equal(bytes.Length, length);
        }
    }

    [Fact]
    public void A_frame_that_is_too_large_shows_its_head_as_soon_as_that_is_there()
    {
        var frame = new RequestFrame { Id = 12345, Kind = RequestFrameKind.Call, Name = "a name"u8, Payload = new byte[10_000] };
        var bytes = new byte[RequestCodec.SizeOf(frame)];
        RequestCodec.Write(bytes, frame);
        var shown = -1;
        for (var there = 0; there <= bytes.Length; there++)
        {
            var status = RequestCodec.TryRead(bytes.AsSpan(0, there), Small, out var read, out var length);
            if (status == FrameStatus.NeedMore)
            {
                Assert.Equal(-1, shown);
                continue;
            }

            Assert.Equal(FrameStatus.TooLarge, status);
            Assert.Equal((12345UL, RequestFrameKind.Call, bytes.Length), (read.Id, read.Kind, length));
            Assert.Equal("a name"u8, read.Name);
            if (shown < 0) shown = there;
        }

        Assert.InRange(shown, 10, 60);
    }

    [Fact]
    public void A_payload_beyond_the_bound_is_too_large_also_in_a_frame_that_is_not()
    {
        foreach (var (size, expected) in new[] { (50, FrameStatus.Done), (51, FrameStatus.TooLarge), (500, FrameStatus.TooLarge) })
        {
            Assert.Equal(expected, RequestCodec.TryRead(Bytes(new RequestFrame { Id = 1, Kind = RequestFrameKind.Reply, Payload = new byte[size] }), Small, out var frame, out _));
            Assert.Equal((1UL, expected == FrameStatus.Done ? size : 0), (frame.Id, frame.Payload.Length));
        }
    }

    [Fact]
    public void Fields_from_the_future_are_passed_over()
    {
        var known = Bytes(new RequestFrame { Id = 7, Kind = RequestFrameKind.Reply, Payload = "p"u8 });
        byte[] future = [.. known[1..], 0x78, 5, 0x82, 0x01, 2, 9, 9];
        byte[] bytes = [(byte)future.Length, .. future];

        Assert.Equal(FrameStatus.Done, RequestCodec.TryRead(bytes, Small, out var frame, out _));
        Assert.Equal("p"u8, frame.Payload);
    }

    [Fact]
    public void An_error_of_an_unknown_kind_reads_as_a_failed_handler_and_local_kinds_do_not_travel()
    {
        foreach (var failure in new[] { RequestFailure.None, RequestFailure.LinkLost, RequestFailure.NotLinked, (RequestFailure)42 })
        {
            Assert.Equal(FrameStatus.Done, RequestCodec.TryRead(Bytes(new RequestFrame { Id = 1, Kind = RequestFrameKind.Error, Failure = failure }), Small, out var frame, out _));
            Assert.Equal(RequestFailure.HandlerFailed, frame.Failure);
        }
    }

    [Fact]
    public void Any_bytes_at_all_are_judged_without_harm() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            var status = RequestCodec.TryRead(bytes, Small, out var frame, out var length);
            return status != FrameStatus.Done || (length <= bytes.Length && frame.Payload.Length <= 50 && frame.Name.Length <= 20);
        }).QuickCheckThrowOnFailure();

    internal static byte[] Bytes(in RequestFrame frame)
    {
        var bytes = new byte[RequestCodec.SizeOf(frame)];
        RequestCodec.Write(bytes, frame);
        return bytes;
    }

    private static byte[][] Examples() =>
    [
        Bytes(new RequestFrame { Id = 1, Kind = RequestFrameKind.Call, Name = "echo"u8, TimeoutMilliseconds = 30_000, Streaming = true, TraceParent = new byte[55], Payload = new byte[50] }),
        Bytes(new RequestFrame { Id = ulong.MaxValue, Kind = RequestFrameKind.Cancel }),
        Bytes(new RequestFrame { Id = 300, Kind = RequestFrameKind.Reply, Payload = "reply"u8 }),
        Bytes(new RequestFrame { Id = 2, Kind = RequestFrameKind.Item }),
        Bytes(new RequestFrame { Id = 2, Kind = RequestFrameKind.End }),
        Bytes(new RequestFrame { Id = 2, Kind = RequestFrameKind.Error, Failure = RequestFailure.Busy, Message = new byte[1024] }),
    ];
}
