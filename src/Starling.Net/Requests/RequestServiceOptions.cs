using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>The bounds and times of requests.</summary>
public sealed class RequestServiceOptions : ICheckedOptions
{
    /// <summary>The largest payload of a request, a reply or an item of a streamed reply, bytes, sent or accepted. Default 4 MiB; from 1 KiB to 256 MiB.</summary>
    /// <remarks>A call in progress may hold this much twice, as it is read and while it is served; beyond 64 KiB it is taken from the node's queue budget. Larger ones are read past and answered with <see cref="RequestFailure.TooLarge"/>.</remarks>
    public int MaxPayloadBytes { get; set; } = 4 << 20;

    /// <summary>The longest name of a handler, bytes of UTF-8. Default 128; from 16 to 1,024.</summary>
    public int MaxNameBytes { get; set; } = 128;

    /// <summary>Handlers that can be registered, the built-in ones included. Default 1,024, at least 8.</summary>
    public int MaxHandlers { get; set; } = 1024;

    /// <summary>Time for a call when the caller names none. Default 30 seconds, up to a day.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Own calls under way to one peer. Default 1,024, at least 1; the next one waits. Less than what peers serve, so that nobody is refused.</summary>
    public int MaxCallsPerPeer { get; set; } = 1024;

    /// <summary>Own calls that wait for their turn, over all peers. Default 65,536, at least 0; one more fails as <see cref="RequestFailure.Busy"/>. Each costs about 300 bytes and the caller's payload.</summary>
    public int MaxWaitingCalls { get; set; } = 65_536;

    /// <summary>Calls of one peer that are served at once. Default 2,048, at least 1; one more is answered <see cref="RequestFailure.Busy"/>.</summary>
    /// <remarks>Twice what a peer has under way by default: one that it gave up counts until its handler has ended.</remarks>
    public int MaxServedPerPeer { get; set; } = 2048;

    /// <summary>Calls that are served at once, over all peers. Default 16,384, at least 1; one more is answered <see cref="RequestFailure.Busy"/>. Each costs about 500 bytes, its payload and what its handler takes.</summary>
    public int MaxServed { get; set; } = 16_384;

    /// <summary>Streams to one peer at once: one for each handler that is called, and one for each streamed reply under way. Default 128, at least 2.</summary>
    /// <remarks>When they are all taken, calls of a further handler share the stream of another, and streamed replies wait.</remarks>
    public int MaxStreamsPerPeer { get; set; } = 128;

    /// <summary>Streams that one peer may have open to be served. Default 256, at least 1; one more is reset.</summary>
    public int MaxServedStreamsPerPeer { get; set; } = 256;

    /// <summary>Time for which a stream without calls is kept for the next. Default 1 minute, up to a day.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Bytes that may wait to be written on one stream. Default 256 KiB, at least 4 KiB; then calls and replies wait. A single larger frame goes alone.</summary>
    public int MaxQueuedBytes { get; set; } = 256 << 10;

    /// <summary>Time for calls that are being served to end when the node stops, before they are cancelled. Default 2 seconds, up to a day; zero cancels at once.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The largest payload that a ping may carry, bytes. Default 64 KiB; up to <see cref="MaxPayloadBytes"/>.</summary>
    public int MaxPingBytes { get; set; } = 64 << 10;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Within(MaxPayloadBytes, 1 << 10, 256 << 20, nameof(MaxPayloadBytes));
        problems.Within(MaxNameBytes, 16, 1024, nameof(MaxNameBytes));
        problems.Least(MaxHandlers, 8, nameof(MaxHandlers));
        problems.Positive(Timeout, nameof(Timeout));
        problems.Least(MaxCallsPerPeer, 1, nameof(MaxCallsPerPeer));
        problems.Least(MaxWaitingCalls, 0, nameof(MaxWaitingCalls));
        problems.Least(MaxServedPerPeer, 1, nameof(MaxServedPerPeer));
        problems.Least(MaxServed, 1, nameof(MaxServed));
        problems.Least(MaxStreamsPerPeer, 2, nameof(MaxStreamsPerPeer));
        problems.Least(MaxServedStreamsPerPeer, 1, nameof(MaxServedStreamsPerPeer));
        problems.Positive(IdleTimeout, nameof(IdleTimeout));
        problems.Least(MaxQueuedBytes, 4 << 10, nameof(MaxQueuedBytes));
        problems.NotNegative(DrainTimeout, nameof(DrainTimeout));
        problems.Within(MaxPingBytes, 0, MaxPayloadBytes, nameof(MaxPingBytes));
    }

    internal RequestLimits Limits() => new(MaxPayloadBytes, MaxNameBytes);
}
