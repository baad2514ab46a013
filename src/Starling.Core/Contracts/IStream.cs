namespace Starling;

/// <summary>Which side opened a link or a stream.</summary>
public enum Direction
{
    /// <summary>The other side opened it.</summary>
    Inbound,

    /// <summary>This side opened it.</summary>
    Outbound,
}

/// <summary>Which of a link's streams may send first when several have something to send.</summary>
/// <remarks>Bytes of one stream always keep their order. A higher lane goes first, and a lower one still gets a small share, so that nothing starves.</remarks>
public enum StreamPriority
{
    /// <summary>Small messages that keep the fabric alive: identify, pings, link control, topic control.</summary>
    Control,

    /// <summary>Requests and answers that somebody waits for.</summary>
    High,

    /// <summary>The default.</summary>
    Medium,

    /// <summary>Bulk: files, models, replays.</summary>
    Low,
}

/// <summary>One reliable, ordered byte stream of a link, with both directions closed independently.</summary>
/// <remarks>One read and one write may be under way at a time, from different threads. Use
/// <see cref="StreamExtensions.AsStream"/> or <see cref="StreamExtensions.AsPipe"/> for the shapes of System.IO.
/// Disposing sends what was accepted and closes when both directions had ended; otherwise it resets.</remarks>
public interface IStream : IAsyncDisposable
{
    /// <summary>The id on the wire; unique within its link.</summary>
    uint Id { get; }

    /// <summary>Who opened the stream.</summary>
    Direction Direction { get; }

    /// <summary>The negotiated protocol id, or null before negotiation.</summary>
    string? Protocol { get; set; }

    /// <summary>The lane in which this side sends. Default <see cref="StreamPriority.Medium"/>; may be changed at any time, for what is sent from then on. The other side has its own.</summary>
    StreamPriority Priority { get; set; }

    /// <summary>The link that carries the stream.</summary>
    IConnection Connection { get; }

    /// <summary>Reads at least one byte, or returns 0 when the other side has ended its direction.</summary>
    /// <param name="buffer">Where to put the bytes; an empty buffer waits until data or the end is there.</param>
    /// <param name="cancellationToken">Cancelling loses no byte: the next read returns what this one would have.</param>
    /// <exception cref="StreamResetException">The stream was reset.</exception>
    /// <exception cref="ConnectionClosedException">The link closed.</exception>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Writes all of the buffer; completes when every byte was accepted by the link. The buffer is the caller's again then.</summary>
    /// <param name="data">What to send. Waits while the other side's window is full.</param>
    /// <param name="cancellationToken">Cancelling never corrupts: <see cref="WriteCanceledException"/> says how many bytes were accepted.</param>
    /// <exception cref="StreamResetException">The stream was reset.</exception>
    /// <exception cref="ConnectionClosedException">The link closed.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default);

    /// <summary>Ends this side's direction after everything written; the other side then reads 0. Idempotent.</summary>
    ValueTask CloseWriteAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends both directions at once and discards unread and unsent bytes. Idempotent, never throws.</summary>
    void Reset();
}
