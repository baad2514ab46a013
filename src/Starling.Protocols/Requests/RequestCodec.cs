using Starling.Protocols.PubSub;

namespace Starling.Protocols.Requests;

/// <summary>What became of reading a frame.</summary>
public enum FrameStatus
{
    /// <summary>A frame was read.</summary>
    Done,

    /// <summary>The bytes end within the frame.</summary>
    NeedMore,

    /// <summary>The frame is larger than is accepted. Its id, kind and name are known; the rest is to be passed over.</summary>
    TooLarge,

    /// <summary>It is no frame.</summary>
    Malformed,
}

/// <summary>Frames of <c>/starling/request/1.0.0</c>: a varint length and a protobuf message, read in place and written without generated classes.</summary>
/// <remarks>The fields id (1), kind (2) and name (3) come first, so that a frame that is too large can still be answered. Unknown fields are skipped.</remarks>
public static class RequestCodec
{
    private const int IdField = 1;
    private const int KindField = 2;
    private const int NameField = 3;
    private const int TimeoutField = 4;
    private const int StreamingField = 5;
    private const int TraceParentField = 6;
    private const int FailureField = 7;
    private const int MessageField = 8;
    private const int PayloadField = 9;

    /// <summary>Id, kind and the name's tag and length, at most: what must be there, with the name, of a frame that is too large.</summary>
    private const int HeadBytes = 16;

    /// <summary>The longest prefix: frames end below 2 GiB.</summary>
    private const int MaxPrefixBytes = 5;

    /// <summary>Reads one frame from the start of the bytes. Call again with more of them after <see cref="FrameStatus.NeedMore"/>.</summary>
    /// <param name="source">The bytes; what follows the frame is not looked at.</param>
    /// <param name="limits">What is accepted.</param>
    /// <param name="frame">The frame, in place; with <see cref="FrameStatus.TooLarge"/> its id, kind and name only.</param>
    /// <param name="length">The frame's bytes with its prefix; 0 while they are not known.</param>
    public static FrameStatus TryRead(ReadOnlySpan<byte> source, RequestLimits limits, out RequestFrame frame, out int length)
    {
        ArgumentNullException.ThrowIfNull(limits);
        frame = default;
        length = 0;
        var status = TryReadPrefix(source, out var body, out var prefix);
        if (status != FrameStatus.Done) return status;
        length = prefix + body;
        var there = source[prefix..Math.Min(length, source.Length)];
        if (body > limits.MaxFrameBytes) return ReadHead(there, limits, out frame) is var head && head == FrameStatus.Done ? FrameStatus.TooLarge : head;
        if (there.Length < body) return FrameStatus.NeedMore;
        if (!TryDecode(there, limits, out frame)) return FrameStatus.Malformed;
        if (frame.Payload.Length <= limits.MaxPayloadBytes) return FrameStatus.Done;
        frame = new RequestFrame { Id = frame.Id, Kind = frame.Kind, Name = frame.Name };
        return FrameStatus.TooLarge;
    }

    /// <summary>Reads only the id, kind and name of a frame, of which the rest need not be there.</summary>
    /// <param name="source">The bytes from the frame's prefix on.</param>
    /// <param name="limits">What is accepted.</param>
    /// <param name="frame">Id, kind and name.</param>
    public static FrameStatus TryReadHead(ReadOnlySpan<byte> source, RequestLimits limits, out RequestFrame frame)
    {
        ArgumentNullException.ThrowIfNull(limits);
        frame = default;
        var status = TryReadPrefix(source, out var body, out var prefix);
        return status == FrameStatus.Done ? ReadHead(source[prefix..Math.Min(prefix + body, source.Length)], limits, out frame) : status;
    }

    /// <summary>The bytes that a frame takes, with its prefix.</summary>
    public static int SizeOf(in RequestFrame frame)
    {
        var body = BodySize(frame);
        return VarintSize((ulong)body) + body;
    }

    /// <summary>Writes a frame with its prefix and returns its size.</summary>
    public static int Write(Span<byte> to, in RequestFrame frame)
    {
        var at = WriteVarint(to, (ulong)BodySize(frame));
        at += WriteNumber(to[at..], IdField, frame.Id);
        at += WriteNumber(to[at..], KindField, (ulong)frame.Kind);
        at += WriteBytes(to[at..], NameField, frame.Name);
        if (frame.TimeoutMilliseconds > 0) at += WriteNumber(to[at..], TimeoutField, frame.TimeoutMilliseconds);
        if (frame.Streaming) at += WriteNumber(to[at..], StreamingField, 1);
        at += WriteBytes(to[at..], TraceParentField, frame.TraceParent);
        if (frame.Failure != RequestFailure.None) at += WriteNumber(to[at..], FailureField, (ulong)frame.Failure);
        at += WriteBytes(to[at..], MessageField, frame.Message);
        return at + WriteBytes(to[at..], PayloadField, frame.Payload);
    }

    private static FrameStatus ReadHead(ReadOnlySpan<byte> there, RequestLimits limits, out RequestFrame frame)
    {
        frame = default;
        if (there.Length < HeadBytes + limits.MaxNameBytes) return FrameStatus.NeedMore;
        var reader = new ProtobufReader(there);
        if (!TryReadNumber(ref reader, IdField, out var id) || !TryReadNumber(ref reader, KindField, out var kind) || !IsKind(kind)) return FrameStatus.Malformed;
        if (!reader.TryReadTag(out var field, out var type)) return FrameStatus.Malformed;
        ReadOnlySpan<byte> name = default;
        if (field == NameField)
        {
            if (type != ProtobufReader.Bytes || !reader.TryReadVarint(out var length) || length > (ulong)limits.MaxNameBytes) return FrameStatus.Malformed;
            name = there.Slice(reader.Position, (int)length);
        }

        frame = new RequestFrame { Id = id, Kind = (RequestFrameKind)kind, Name = name };
        return FrameStatus.Done;
    }

    private static FrameStatus TryReadPrefix(ReadOnlySpan<byte> source, out int body, out int prefix)
    {
        body = 0;
        var reader = new ProtobufReader(source[..Math.Min(source.Length, MaxPrefixBytes)]);
        var read = reader.TryReadVarint(out var announced);
        prefix = reader.Position;
        if (!read) return prefix < MaxPrefixBytes ? FrameStatus.NeedMore : FrameStatus.Malformed;
        if (announced > int.MaxValue - MaxPrefixBytes) return FrameStatus.Malformed;
        body = (int)announced;
        return FrameStatus.Done;
    }

    private static bool TryReadNumber(ref ProtobufReader reader, int expected, out ulong number)
    {
        number = 0;
        return reader.TryReadTag(out var field, out var type) && field == expected && type == ProtobufReader.Varint && reader.TryReadVarint(out number);
    }

    private static bool TryDecode(ReadOnlySpan<byte> body, RequestLimits limits, out RequestFrame frame)
    {
        frame = default;
        ulong id = 0, kind = 0, timeout = 0, streaming = 0, failure = 0;
        ReadOnlySpan<byte> name = default, trace = default, message = default, payload = default;
        var reader = new ProtobufReader(body);
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var type)) return false;
            var isNumber = field is IdField or KindField or TimeoutField or StreamingField or FailureField;
            var isText = field is NameField or TraceParentField or MessageField or PayloadField;
            if (isNumber)
            {
                if (type != ProtobufReader.Varint || !reader.TryReadVarint(out var number)) return false;
                if (field == IdField) id = number;
                else if (field == KindField) kind = number;
                else if (field == TimeoutField) timeout = number;
                else if (field == StreamingField) streaming = number;
                else failure = number;
            }
            else if (isText)
            {
                if (type != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return false;
                var bytes = body.Slice(start, length);
                if (field == NameField) name = bytes;
                else if (field == TraceParentField) trace = bytes;
                else if (field == MessageField) message = bytes;
                else payload = bytes;
            }
            else if (!reader.TrySkip(type))
            {
                return false;
            }
        }

        if (!IsKind(kind) || name.Length > limits.MaxNameBytes) return false;
        frame = new RequestFrame
        {
            Id = id,
            Kind = (RequestFrameKind)kind,
            Name = name,
            TimeoutMilliseconds = timeout,
            Streaming = streaming != 0,
            TraceParent = trace.Length == RequestLimits.TraceParentBytes ? trace : default,
            Failure = Known(failure, (RequestFrameKind)kind),
            Message = message[..Math.Min(message.Length, RequestLimits.MaxMessageBytes)],
            Payload = payload,
        };
        return true;
    }

    /// <summary>A kind of error that a later version may have added reads as a failed handler.</summary>
    private static RequestFailure Known(ulong failure, RequestFrameKind kind)
    {
        if (kind != RequestFrameKind.Error) return RequestFailure.None;
        return failure is >= (ulong)RequestFailure.NoHandler and <= (ulong)RequestFailure.Malformed ? (RequestFailure)failure : RequestFailure.HandlerFailed;
    }

    private static bool IsKind(ulong kind) => kind is >= (ulong)RequestFrameKind.Call and <= (ulong)RequestFrameKind.Error;

    private static int BodySize(in RequestFrame frame) =>
        1 + VarintSize(frame.Id)
        + 1 + VarintSize((ulong)frame.Kind)
        + BytesSize(frame.Name)
        + (frame.TimeoutMilliseconds > 0 ? 1 + VarintSize(frame.TimeoutMilliseconds) : 0)
        + (frame.Streaming ? 2 : 0)
        + BytesSize(frame.TraceParent)
        + (frame.Failure != RequestFailure.None ? 1 + VarintSize((ulong)frame.Failure) : 0)
        + BytesSize(frame.Message)
        + BytesSize(frame.Payload);

    private static int BytesSize(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? 0 : 1 + VarintSize((ulong)bytes.Length) + bytes.Length;

    private static int VarintSize(ulong value) => Math.Max(1, (System.Numerics.BitOperations.Log2(value) / 7) + 1);

    private static int WriteNumber(Span<byte> to, int field, ulong value)
    {
        to[0] = (byte)((field << 3) | ProtobufReader.Varint);
        return 1 + WriteVarint(to[1..], value);
    }

    private static int WriteBytes(Span<byte> to, int field, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return 0;
        to[0] = (byte)((field << 3) | ProtobufReader.Bytes);
        var at = 1 + WriteVarint(to[1..], (ulong)bytes.Length);
        bytes.CopyTo(to[at..]);
        return at + bytes.Length;
    }

    private static int WriteVarint(Span<byte> to, ulong value)
    {
        var at = 0;
        for (; value >= 0x80; value >>= 7) to[at++] = (byte)(value | 0x80);
        to[at++] = (byte)value;
        return at;
    }
}
