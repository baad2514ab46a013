namespace Starling.Protocols.Requests;

/// <summary>What is accepted of one frame.</summary>
/// <param name="MaxPayloadBytes">The largest payload, bytes.</param>
/// <param name="MaxNameBytes">The longest name of a handler, bytes of UTF-8.</param>
public sealed record RequestLimits(int MaxPayloadBytes = 4 << 20, int MaxNameBytes = 128)
{
    /// <summary>The longest message of an error, bytes of UTF-8.</summary>
    public const int MaxMessageBytes = 1024;

    /// <summary>The length of a <c>traceparent</c>.</summary>
    public const int TraceParentBytes = 55;

    /// <summary>What a frame may take beside payload, name and message: numbers, tags, lengths, the trace context.</summary>
    private const int Overhead = 160;

    /// <summary>The largest frame, bytes without its length.</summary>
    public int MaxFrameBytes => MaxPayloadBytes + MaxNameBytes + MaxMessageBytes + Overhead;
}
