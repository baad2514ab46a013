using System.Buffers;
using System.Buffers.Binary;

namespace Starling.Gateways.Gossip;

/// <summary>Reads and writes messages of the VoidPhone gossip API: big-endian, a header of size (itself included) and type, both 16 bits.</summary>
/// <remarks>Resumable: a message may arrive in any pieces. What is wrong in a header is told as soon as the header is there, before its body.</remarks>
public static class GossipMessageCodec
{
    /// <summary>The usual port of the API.</summary>
    public const int DefaultPort = 7001;

    /// <summary>Bytes of a header.</summary>
    public const int HeaderBytes = 4;

    /// <summary>Bytes before the data of an ANNOUNCE or a NOTIFICATION, and of every other message.</summary>
    public const int FixedBytes = 8;

    /// <summary>The most data that a message carries: what a size of 16 bits leaves.</summary>
    public const int MaxDataBytes = ushort.MaxValue - FixedBytes;

    private const ushort Announce = 500;
    private const ushort Notify = 501;
    private const ushort Notification = 502;
    private const ushort Validation = 503;

    /// <summary>Takes one message that a client sent off the front of the buffer.</summary>
    /// <param name="buffer">What has arrived; moved behind the message that was read.</param>
    /// <param name="message">The message, with a copy of its data; null when more bytes are needed, or what is there is wrong.</param>
    /// <returns>What is wrong, or <see cref="GossipCloseReason.None"/>.</returns>
    public static GossipCloseReason ReadFromClient(ref ReadOnlySequence<byte> buffer, out GossipMessage? message) => Read(ref buffer, fromClient: true, out message);

    /// <summary>Takes one message that the API sent off the front of the buffer: for clients.</summary>
    /// <inheritdoc cref="ReadFromClient"/>
    public static GossipCloseReason ReadFromApi(ref ReadOnlySequence<byte> buffer, out GossipMessage? message) => Read(ref buffer, fromClient: false, out message);

    /// <summary>The bytes of a message.</summary>
    /// <exception cref="ArgumentException">Its data is longer than <see cref="MaxDataBytes"/>.</exception>
    public static byte[] Write(GossipMessage message)
    {
        var data = DataOf(message);
        if (data.Length > MaxDataBytes) throw new ArgumentException($"The data has {data.Length} bytes; {MaxDataBytes} are the most that a message carries.", nameof(message));
        var bytes = new byte[FixedBytes + data.Length];
        switch (message)
        {
            case GossipAnnounce announce:
                WriteFixed(bytes, Announce, bytes.Length, (ushort)(announce.Ttl << 8), announce.DataType);
                break;
            case GossipNotify notify:
                WriteFixed(bytes, Notify, FixedBytes, 0, notify.DataType);
                break;
            case GossipNotification notification:
                WriteNotificationHead(bytes, notification.Id, notification.DataType, data.Length);
                break;
            case GossipValidation validation:
                WriteFixed(bytes, Validation, FixedBytes, validation.Id, validation.IsValid ? (ushort)1 : (ushort)0);
                break;
            default:
                throw new ArgumentException($"{message} is no message of the API.", nameof(message));
        }

        data.Span.CopyTo(bytes.AsSpan(FixedBytes));
        return bytes;
    }

    /// <summary>Writes the first <see cref="FixedBytes"/> bytes of a NOTIFICATION, which its data follows.</summary>
    internal static void WriteNotificationHead(Span<byte> head, ushort id, ushort dataType, int dataLength) =>
        WriteFixed(head, Notification, FixedBytes + dataLength, id, dataType);

    private static void WriteFixed(Span<byte> bytes, ushort type, int size, ushort third, ushort fourth)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, checked((ushort)size));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], type);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], third);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], fourth);
    }

    private static ReadOnlyMemory<byte> DataOf(GossipMessage message) => message switch
    {
        GossipAnnounce announce => announce.Data,
        GossipNotification notification => notification.Data,
        _ => default,
    };

    private static GossipCloseReason Read(ref ReadOnlySequence<byte> buffer, bool fromClient, out GossipMessage? message)
    {
        message = null;
        Span<byte> head = stackalloc byte[FixedBytes];
        if (buffer.Length < HeaderBytes) return GossipCloseReason.None;
        buffer.Slice(0, HeaderBytes).CopyTo(head);
        var size = BinaryPrimitives.ReadUInt16BigEndian(head);
        var type = BinaryPrimitives.ReadUInt16BigEndian(head[2..]);
        var wrong = Judge(size, type, fromClient);
        if (wrong != GossipCloseReason.None || buffer.Length < size) return wrong;
        buffer.Slice(0, FixedBytes).CopyTo(head);
        var third = BinaryPrimitives.ReadUInt16BigEndian(head[4..]);
        var fourth = BinaryPrimitives.ReadUInt16BigEndian(head[6..]);
        message = type switch
        {
            Announce => new GossipAnnounce((byte)(third >> 8), fourth, buffer.Slice(FixedBytes, size - FixedBytes).ToArray()),
            Notify => new GossipNotify(fourth),
            Notification => new GossipNotification(third, fourth, buffer.Slice(FixedBytes, size - FixedBytes).ToArray()),
            _ => new GossipValidation(third, (fourth & 1) != 0),
        };
        buffer = buffer.Slice(size);
        return GossipCloseReason.None;
    }

    private static GossipCloseReason Judge(ushort size, ushort type, bool fromClient)
    {
        if (size < HeaderBytes) return GossipCloseReason.TooShort;
        if (type is < Announce or > Validation) return GossipCloseReason.UnknownType;
        if (fromClient == (type == Notification)) return GossipCloseReason.WrongDirection;
        if (type is Announce or Notification) return size < FixedBytes ? GossipCloseReason.TooShort : GossipCloseReason.None;
        return size == FixedBytes ? GossipCloseReason.None : GossipCloseReason.WrongSize;
    }
}
