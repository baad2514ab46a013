namespace Starling.Protocols.Yamux;

/// <summary>What a piece of received input means for the shell.</summary>
public enum YamuxEventKind
{
    /// <summary>The peer opened <see cref="YamuxEvent.Stream"/>; it waits to be accepted.</summary>
    Opened,

    /// <summary>Payload arrived for the stream.</summary>
    Data,

    /// <summary>The peer ended its direction of the stream, after all data.</summary>
    Ended,

    /// <summary>The stream was reset: by the peer, or by us for a fault of the peer's on this stream.</summary>
    Reset,

    /// <summary>The answer to our ping arrived; <see cref="YamuxCore.RoundTrip"/> is new.</summary>
    Pong,

    /// <summary>The session is over; <see cref="YamuxEvent.Close"/> says why. No event follows.</summary>
    Closed,
}

/// <summary>One effect of received bytes or of passing time.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Stream">The stream that it happened to, or null.</param>
/// <param name="Close">Why the session ends, for <see cref="YamuxEventKind.Closed"/> only.</param>
public readonly record struct YamuxEvent(YamuxEventKind Kind, YamuxStreamState? Stream = null, CloseInfo? Close = null);
