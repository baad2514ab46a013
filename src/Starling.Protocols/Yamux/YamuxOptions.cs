namespace Starling.Protocols.Yamux;

/// <summary>The limits and habits of one yamux link.</summary>
public sealed class YamuxOptions
{
    /// <summary>The window that each side of a new stream has, fixed by the specification: 256 KiB.</summary>
    public const int InitialWindow = 256 << 10;

    /// <summary>The largest receive window that auto-tuning may give a stream, bytes. Default 16 MiB; at least 256 KiB.</summary>
    /// <remarks>An unread stream can hold this much memory. Throughput is at most window / round trip: 16 MiB carry 1 Gbit/s over 130 ms.</remarks>
    public int MaxStreamWindow { get; set; } = 16 << 20;

    /// <summary>Window bytes beyond the initial ones over all streams of a link. Default 64 MiB. The node's <see cref="ResourceKind.WindowBytes"/> budget bounds all links together.</summary>
    public long MaxLinkWindow { get; set; } = 64L << 20;

    /// <summary>Streams that the peer may have open at once; more are reset and counted. Default 512.</summary>
    /// <remarks>An idle stream costs under 1 KiB, an unread one its window: a peer whose streams nobody reads can make a link hold
    /// this many times 256 KiB plus <see cref="MaxLinkWindow"/>.</remarks>
    public int MaxInboundStreams { get; set; } = 512;

    /// <summary>Inbound streams that wait for the application; more are reset and counted. Default 256, the most that a peer following the specification leaves unacknowledged.</summary>
    public int AcceptBacklog { get; set; } = 256;

    /// <summary>Outbound streams that the peer has not acknowledged yet; opening waits beyond it. Default 256, as the specification advises.</summary>
    public int OutboundBacklog { get; set; } = 256;

    /// <summary>As <see cref="OutboundBacklog"/>, until the peer's first frame. Default 8: js-libp2p drops a link on which more than ten streams arrive before it listens.</summary>
    public int EarlyBacklog { get; set; } = 8;

    /// <summary>How often a link is pinged to know its round trip and that it lives. Default 30 s. One frame of 12 bytes each way.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a ping may stay unanswered while nothing else arrives before the link closes with <see cref="CloseReason.KeepAliveTimeout"/>. Default 15 s. A peer that sends other data has three times as long.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long closing waits for the go-away to leave and for the peer to follow. Default 1 s.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Pings that a peer may send in one burst; a 16th of it is earned back each second. Default 512. More is a protocol error.</summary>
    public int PingBurst { get; set; } = 512;

    /// <summary>Frames without use that a peer may send in one burst: resets, refused streams, empty frames, answers to no ping, frames of streams that never were. A 16th is earned back each second. Default 8,192. More is a protocol error.</summary>
    public int WasteBurst { get; set; } = 8192;

    /// <summary>Throws with what to change when a value makes no sense.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxStreamWindow, InitialWindow);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxLinkWindow);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxInboundStreams);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(AcceptBacklog);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutboundBacklog);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(EarlyBacklog);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(KeepAliveInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(KeepAliveTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegative(CloseTimeout.Ticks, nameof(CloseTimeout));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(PingBurst);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(WasteBurst);
    }
}
