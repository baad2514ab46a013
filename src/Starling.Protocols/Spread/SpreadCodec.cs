using System.Diagnostics.CodeAnalysis;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Spread;

/// <summary>Frames of <c>/starling/spread/1.0.0</c>: protobuf behind a varint length, read and written without generated classes.</summary>
/// <remarks><code>
/// message Frame { repeated Item items = 1; repeated Reply replies = 2; repeated Key have = 3; repeated Key want = 4; }
/// message Item  { bytes id = 1; bytes origin = 2; uint32 kind = 3; uint32 ttl = 4; bytes payload = 5; bytes signature = 6; bytes key = 7; uint32 age_ms = 8; }
/// message Reply { Key to = 1; uint32 kind = 2; bytes payload = 3; }
/// message Key   { bytes id = 1; bytes origin = 2; bool signed = 3; }
/// </code></remarks>
public static class SpreadCodec
{
    /// <summary>The protocol id.</summary>
    public const string Protocol = "/starling/spread/1.0.0";

    /// <summary>Bytes that a key takes at most, with tag and length.</summary>
    public const int MaxKeyBytes = 2 + (2 + SpreadId.Length) + (2 + PeerId.MaxLength) + 2;

    /// <summary>Longest signature that is read, in bytes: one of an RSA key of 8,192 bits.</summary>
    public const int MaxSignatureBytes = 1024;

    private const int MaxTtl = 255;

    /// <summary>The frame's length in bytes, without the varint in front of it.</summary>
    public static int SizeOf(SpreadFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        return frame.Items.Sum(SizeOf) + frame.Replies.Sum(SizeOf) + frame.Have.Concat(frame.Want).Sum(key => Framed(Body(key)));
    }

    /// <summary>The bytes that an item takes in a frame.</summary>
    public static int SizeOf(SpreadItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Framed(Body(item));
    }

    /// <summary>The bytes that a reply takes in a frame.</summary>
    public static int SizeOf(SpreadReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return Framed(Body(reply));
    }

    /// <summary>Writes a frame without the varint in front of it and returns its length.</summary>
    /// <param name="to">At least <see cref="SizeOf(SpreadFrame)"/> bytes.</param>
    /// <param name="frame">What to write.</param>
    public static int Write(Span<byte> to, SpreadFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        var at = 0;
        foreach (var item in frame.Items) at += WriteItem(to[at..], item);
        foreach (var reply in frame.Replies) at += WriteReply(to[at..], reply);
        foreach (var key in frame.Have) at += WriteKey(to[at..], 3, key);
        foreach (var key in frame.Want) at += WriteKey(to[at..], 4, key);
        return at;
    }

    /// <summary>Reads a frame without the varint in front of it. Unknown fields are skipped.</summary>
    /// <param name="body">The bytes, which the frame points into.</param>
    /// <param name="options">The bounds.</param>
    /// <param name="frame">Filled; what it held is forgotten. Not to be used when something is refused.</param>
    /// <returns><see cref="SpreadRefusal.None"/>, or why the whole frame is refused.</returns>
    public static SpreadRefusal Decode(ReadOnlyMemory<byte> body, SpreadOptions options, SpreadFrame frame)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(frame);
        frame.Clear();
        if (body.Length > options.MaxFrameBytes) return SpreadRefusal.FrameTooLarge;
        var reader = new ProtobufReader(body.Span);
        for (var entries = 0; !reader.AtEnd; entries++)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return SpreadRefusal.Malformed;
            if (field > 4)
            {
                if (!reader.TrySkip(wireType)) return SpreadRefusal.Malformed;
                continue;
            }

            if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return SpreadRefusal.Malformed;
            if (entries >= options.MaxEntriesPerFrame) return SpreadRefusal.TooManyEntries;
            var entry = body.Slice(start, length);
            var refusal = field switch
            {
                1 => ReadItem(entry, options, frame.Items),
                2 => ReadReply(entry, options, frame.Replies),
                3 => ReadKey(entry, frame.Have),
                _ => ReadKey(entry, frame.Want),
            };
            if (refusal != SpreadRefusal.None) return refusal;
        }

        return SpreadRefusal.None;
    }

    private static SpreadRefusal ReadItem(ReadOnlyMemory<byte> entry, SpreadOptions options, IList<SpreadItem> items)
    {
        if (!SpreadFields.TryRead(entry, bytes: [1, 2, 5, 6, 7], numbers: [3, 4, 8], out var fields)) return SpreadRefusal.Malformed;
        if (!TryReadId(in fields, out var id, out var origin)) return SpreadRefusal.Malformed;
        if (fields.Number(3) is not (>= 1 and <= uint.MaxValue) || fields.Number(4) is not (>= 1 and <= MaxTtl)) return SpreadRefusal.Malformed;
        if (fields.Number(8) > uint.MaxValue) return SpreadRefusal.Malformed;
        if (fields.Bytes(6).Length > MaxSignatureBytes || fields.Bytes(7).Length > PublicKey.MaxEncodedLength) return SpreadRefusal.Malformed;
        if (fields.Bytes(5).Length > options.MaxPayloadBytes) return SpreadRefusal.PayloadTooLarge;
        items.Add(new SpreadItem(id, origin, (uint)fields.Number(3), (int)fields.Number(4), fields.Bytes(5), fields.Bytes(6), fields.Bytes(7)) { Age = TimeSpan.FromMilliseconds(fields.Number(8)) });
        return SpreadRefusal.None;
    }

    private static SpreadRefusal ReadReply(ReadOnlyMemory<byte> entry, SpreadOptions options, IList<SpreadReply> replies)
    {
        if (!SpreadFields.TryRead(entry, bytes: [1, 3], numbers: [2], out var fields)) return SpreadRefusal.Malformed;
        if (!TryReadKey(fields.Bytes(1), out var to) || fields.Number(2) is not (>= 1 and <= uint.MaxValue)) return SpreadRefusal.Malformed;
        if (fields.Bytes(3).Length > options.MaxPayloadBytes) return SpreadRefusal.PayloadTooLarge;
        replies.Add(new SpreadReply(to, (uint)fields.Number(2), fields.Bytes(3)));
        return SpreadRefusal.None;
    }

    private static SpreadRefusal ReadKey(ReadOnlyMemory<byte> entry, IList<SpreadKey> keys)
    {
        if (!TryReadKey(entry, out var key)) return SpreadRefusal.Malformed;
        keys.Add(key);
        return SpreadRefusal.None;
    }

    private static bool TryReadKey(ReadOnlyMemory<byte> entry, out SpreadKey key)
    {
        key = default;
        if (!SpreadFields.TryRead(entry, bytes: [1, 2], numbers: [3], out var fields) || fields.Number(3) > 1) return false;
        if (!TryReadId(in fields, out var id, out var origin)) return false;
        key = new SpreadKey(id, origin, fields.Number(3) == 1);
        return true;
    }

    private static bool TryReadId(in SpreadFields fields, out SpreadId id, [NotNullWhen(true)] out PeerId? origin)
    {
        (id, origin) = (default, null);
        if (fields.Bytes(1).Length != SpreadId.Length || !PeerId.TryFromBytes(fields.Bytes(2).Span, out origin)) return false;
        id = SpreadId.Read(fields.Bytes(1).Span);
        return true;
    }

    private static int Body(SpreadItem item) =>
        Body(item.Key) - FlagSize(item.IsSigned) + NumberSize(item.Kind) + NumberSize((uint)item.Ttl) + BytesSize(item.Payload.Length) + BytesSize(item.Signature.Length) + BytesSize(item.PublicKey.Length) + (AgeOf(item) is var age and > 0 ? NumberSize(age) : 0);

    private static uint AgeOf(SpreadItem item) => (uint)Math.Clamp(item.Age.TotalMilliseconds, 0, uint.MaxValue);

    private static int Body(SpreadReply reply) => Framed(Body(reply.To)) + NumberSize(reply.Kind) + BytesSize(reply.Payload.Length);

    private static int Body(SpreadKey key) => BytesSize(SpreadId.Length) + BytesSize(key.Origin.Bytes.Length) + FlagSize(key.IsSigned);

    private static int FlagSize(bool flag) => flag ? 2 : 0;

    private static int NumberSize(uint value) => 1 + Varint.Length(value);

    private static int BytesSize(int length) => length == 0 ? 0 : Framed(length);

    /// <summary>A field of so many bytes with its tag and length.</summary>
    private static int Framed(int length) => 1 + LengthDelimited.FramedLength(length);

    private static int WriteItem(Span<byte> to, SpreadItem item)
    {
        var at = WriteHead(to, 1, Body(item));
        at += WriteId(to[at..], item.Id, item.Origin);
        at += WriteNumber(to[at..], 3, item.Kind);
        at += WriteNumber(to[at..], 4, (uint)item.Ttl);
        at += WriteBytes(to[at..], 5, item.Payload.Span);
        at += WriteBytes(to[at..], 6, item.Signature.Span);
        at += WriteBytes(to[at..], 7, item.PublicKey.Span);
        return AgeOf(item) is var age and > 0 ? at + WriteNumber(to[at..], 8, age) : at;
    }

    private static int WriteReply(Span<byte> to, SpreadReply reply)
    {
        var at = WriteHead(to, 2, Body(reply));
        at += WriteKey(to[at..], 1, reply.To);
        at += WriteNumber(to[at..], 2, reply.Kind);
        return at + WriteBytes(to[at..], 3, reply.Payload.Span);
    }

    private static int WriteKey(Span<byte> to, int field, SpreadKey key)
    {
        var at = WriteHead(to, field, Body(key));
        at += WriteId(to[at..], key.Id, key.Origin);
        return key.IsSigned ? at + WriteNumber(to[at..], 3, 1) : at;
    }

    private static int WriteId(Span<byte> to, SpreadId id, PeerId origin)
    {
        var at = WriteHead(to, 1, SpreadId.Length);
        id.Write(to[at..]);
        at += SpreadId.Length;
        return at + WriteBytes(to[at..], 2, origin.Bytes);
    }

    private static int WriteNumber(Span<byte> to, int field, uint value)
    {
        to[0] = (byte)((field << 3) | ProtobufReader.Varint);
        return 1 + Varint.Write(to[1..], value);
    }

    private static int WriteBytes(Span<byte> to, int field, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return 0;
        var at = WriteHead(to, field, value.Length);
        value.CopyTo(to[at..]);
        return at + value.Length;
    }

    private static int WriteHead(Span<byte> to, int field, int length)
    {
        to[0] = (byte)((field << 3) | ProtobufReader.Bytes);
        return 1 + Varint.Write(to[1..], (ulong)length);
    }
}
