using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Starling.Protocols.Streams;

/// <summary>The frames of <c>/starling/replay/1.0.0</c>: one request, then bundles until an end. Each frame stands behind its length as a varint.</summary>
/// <remarks>Request: version, flags (1 link topic, 2 range, 4 age), topic, then origin, epoch and first counter of a range, count, age in milliseconds.
/// Answer: kind 1 and a gossip message as its origin encoded it, or kind 2 and a status.</remarks>
public static class ReplayCodec
{
    /// <summary>The protocol id.</summary>
    public const string Protocol = "/starling/replay/1.0.0";

    /// <summary>The longest request, bytes.</summary>
    public const int MaxRequest = 2048;

    /// <summary>The longest length prefix, bytes.</summary>
    public const int MaxPrefix = 5;

    private const byte Version = 1;
    private const byte LinkFlag = 1;
    private const byte RangeFlag = 2;
    private const byte AgeFlag = 4;
    private const byte BundleKind = 1;
    private const byte EndKind = 2;

    /// <summary>Writes a request as a whole frame.</summary>
    /// <exception cref="ArgumentException">It would be longer than <see cref="MaxRequest"/>.</exception>
    public static byte[] Write(ReplayRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var body = new ArrayBufferWriter<byte>(128);
        var flags = (request.IsLink ? LinkFlag : 0) | (request.Origin is not null ? RangeFlag : 0) | (request.MaxAge is not null ? AgeFlag : 0);
        body.Write([Version, (byte)flags]);
        WriteBytes(body, Encoding.UTF8.GetBytes(request.Topic));
        if (request.Origin is { } origin)
        {
            WriteBytes(body, origin.Bytes);
            Varint.Write(body, request.Epoch);
            Varint.Write(body, request.First);
        }

        Varint.Write(body, request.Count);
        if (request.MaxAge is { } age) Varint.Write(body, (ulong)Math.Max(0, Math.Ceiling(age.TotalMilliseconds)));
        if (body.WrittenCount > MaxRequest) throw new ArgumentException($"The request takes {body.WrittenCount} bytes; at most {MaxRequest} are read. Shorten the topic's name.", nameof(request));
        var frame = new byte[Varint.Length((ulong)body.WrittenCount) + body.WrittenCount];
        body.WrittenSpan.CopyTo(frame.AsSpan(Varint.Write(frame, (ulong)body.WrittenCount)));
        return frame;
    }

    /// <summary>Reads a request's body.</summary>
    /// <returns>The request, or null when it is none.</returns>
    public static ReplayRequest? ReadRequest(ReadOnlySpan<byte> body)
    {
        if (body.Length is < 2 or > MaxRequest || body[0] != Version || body[1] > (LinkFlag | RangeFlag | AgeFlag)) return null;
        var flags = body[1];
        var at = 2;
        if (!TryBytes(body, ref at, out var topic) || topic.IsEmpty || !Utf8.IsValid(topic)) return null;
        PeerId? origin = null;
        ulong epoch = 0, first = 0, age = 0;
        if ((flags & RangeFlag) != 0
            && (!TryBytes(body, ref at, out var id) || !PeerId.TryFromBytes(id, out origin) || !EnvelopeCodec.TryNumber(body, ref at, out epoch) || !EnvelopeCodec.TryNumber(body, ref at, out first)))
        {
            return null;
        }

        if (!EnvelopeCodec.TryNumber(body, ref at, out var count) || count > Varint.MaxValue - first) return null;
        if ((flags & AgeFlag) != 0 && (!EnvelopeCodec.TryNumber(body, ref at, out age) || age > (ulong)TimeSpan.MaxValue.TotalMilliseconds / 2)) return null;
        if (at != body.Length) return null;
        return new ReplayRequest(
            (flags & LinkFlag) != 0, Encoding.UTF8.GetString(topic), origin, epoch, first, count, (flags & AgeFlag) != 0 ? TimeSpan.FromMilliseconds(age) : null);
    }

    /// <summary>The length of a bundle's frame.</summary>
    public static int SizeOfBundle(int encoded) => Varint.Length((ulong)encoded + 1) + 1 + encoded;

    /// <summary>Writes a bundle's frame and returns its length.</summary>
    public static int WriteBundle(Span<byte> to, ReadOnlySpan<byte> encoded)
    {
        var at = Varint.Write(to, (ulong)encoded.Length + 1);
        to[at++] = BundleKind;
        encoded.CopyTo(to[at..]);
        return at + encoded.Length;
    }

    /// <summary>Writes the frame that ends an answer.</summary>
    public static byte[] WriteEnd(ReplayStatus status) => [2, EndKind, (byte)status];

    /// <summary>Reads the body of an answer's frame: a bundle's gossip message, or the end.</summary>
    /// <returns>False when it is neither.</returns>
    public static bool TryReadAnswer(ReadOnlyMemory<byte> body, out ReadOnlyMemory<byte> encoded, out ReplayStatus? end)
    {
        (encoded, end) = (default, null);
        if (body.Length < 2) return false;
        switch (body.Span[0])
        {
            case BundleKind:
                encoded = body[1..];
                return true;
            case EndKind when body.Length == 2 && Enum.IsDefined((ReplayStatus)body.Span[1]):
                end = (ReplayStatus)body.Span[1];
                return true;
            default:
                return false;
        }
    }

    private static void WriteBytes(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> bytes)
    {
        Varint.Write(to, (ulong)bytes.Length);
        to.Write(bytes);
    }

    private static bool TryBytes(ReadOnlySpan<byte> body, ref int at, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!EnvelopeCodec.TryNumber(body, ref at, out var length) || length > (ulong)(body.Length - at)) return false;
        bytes = body.Slice(at, (int)length);
        at += (int)length;
        return true;
    }
}
