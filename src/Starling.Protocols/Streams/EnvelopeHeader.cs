namespace Starling.Protocols.Streams;

/// <summary>What a bundle says of itself before its messages.</summary>
/// <param name="Epoch">When its origin's node started, in microseconds since 1970 by the origin's clock: rises with every restart.</param>
/// <param name="First">The counter of its first message. Counters of an origin's topic begin at 0 in each epoch and rise by one.</param>
/// <param name="Count">How many messages follow; 0 says only which counter comes next.</param>
/// <param name="FirstTime">When the first message was published, in microseconds since 1970 by the origin's clock.</param>
/// <param name="BodyStart">Where the first message begins in the envelope's bytes.</param>
public readonly record struct EnvelopeHeader(ulong Epoch, ulong First, int Count, long FirstTime, int BodyStart)
{
    /// <summary>The counter after the last message.</summary>
    public ulong End => First + (ulong)Count;
}

/// <summary>One message of an envelope: where its payload is, its counter and its time.</summary>
/// <param name="Start">Where the payload begins in the envelope's bytes.</param>
/// <param name="Length">The payload's length in bytes.</param>
/// <param name="Counter">The message's counter.</param>
/// <param name="Time">When it was published, in microseconds since 1970 by the origin's clock.</param>
public readonly record struct EnvelopeEntry(int Start, int Length, ulong Counter, long Time);

/// <summary>Why bytes are no envelope.</summary>
public enum EnvelopeRefusal
{
    /// <summary>They are one.</summary>
    None,

    /// <summary>Of a version that this program does not know.</summary>
    Version,

    /// <summary>They end too early, or a number is not in its shortest form.</summary>
    Malformed,

    /// <summary>More messages than an envelope may hold, or than the bytes could.</summary>
    Count,

    /// <summary>The counters would pass the greatest number.</summary>
    Counter,

    /// <summary>A time that no calendar holds.</summary>
    Time,

    /// <summary>Bytes are left over behind the last message.</summary>
    Trailing,
}
