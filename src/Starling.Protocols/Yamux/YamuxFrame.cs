using System.Buffers.Binary;

namespace Starling.Protocols.Yamux;

/// <summary>The kinds of yamux frames (yamux specification, Type Field).</summary>
public enum YamuxFrameType : byte
{
    /// <summary>Payload follows the header; the length counts it.</summary>
    Data = 0,

    /// <summary>The length is added to the other side's send window.</summary>
    WindowUpdate = 1,

    /// <summary>The length is an opaque value that is echoed.</summary>
    Ping = 2,

    /// <summary>The length is a <see cref="YamuxGoAway"/> code.</summary>
    GoAway = 3,
}

/// <summary>The flags of a frame (yamux specification, Flag Field).</summary>
[Flags]
public enum YamuxFlags : ushort
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>Opens a stream; on a ping, asks.</summary>
    Syn = 1,

    /// <summary>Acknowledges a stream; on a ping, answers.</summary>
    Ack = 2,

    /// <summary>The sender will send no more on this stream.</summary>
    Fin = 4,

    /// <summary>The stream ends at once in both directions.</summary>
    Rst = 8,
}

/// <summary>Why a session ends (yamux specification, Session termination).</summary>
public enum YamuxGoAway : uint
{
    /// <summary>Normal termination.</summary>
    Normal = 0,

    /// <summary>The receiver of this code broke the protocol.</summary>
    ProtocolError = 1,

    /// <summary>The sender of this code failed.</summary>
    InternalError = 2,
}

/// <summary>The twelve bytes before every frame, all fields in network order.</summary>
/// <param name="Version">Always 0.</param>
/// <param name="Type">The kind of frame; not checked here.</param>
/// <param name="Flags">The flags; unknown ones are kept.</param>
/// <param name="StreamId">The stream, or 0 for the session.</param>
/// <param name="Length">Payload bytes, window delta, ping value or go-away code.</param>
public readonly record struct YamuxHeader(byte Version, YamuxFrameType Type, YamuxFlags Flags, uint StreamId, uint Length)
{
    /// <summary>Bytes of a header.</summary>
    public const int Size = 12;

    /// <summary>Creates a header of version 0.</summary>
    public YamuxHeader(YamuxFrameType type, YamuxFlags flags, uint streamId, uint length)
        : this(0, type, flags, streamId, length)
    {
    }

    /// <summary>Reads a header from exactly the first <see cref="Size"/> bytes; any twelve bytes decode.</summary>
    public static YamuxHeader Read(ReadOnlySpan<byte> source) => new(
        source[0],
        (YamuxFrameType)source[1],
        (YamuxFlags)BinaryPrimitives.ReadUInt16BigEndian(source[2..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[4..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[8..]));

    /// <summary>Writes the header into the first <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> target)
    {
        target[0] = Version;
        target[1] = (byte)Type;
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], (ushort)Flags);
        BinaryPrimitives.WriteUInt32BigEndian(target[4..], StreamId);
        BinaryPrimitives.WriteUInt32BigEndian(target[8..], Length);
    }
}
