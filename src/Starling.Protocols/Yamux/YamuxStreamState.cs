namespace Starling.Protocols.Yamux;

/// <summary>What the core knows of one stream. Changed by <see cref="YamuxCore"/> only, under the link's lock.</summary>
public sealed class YamuxStreamState
{
    internal YamuxStreamState(uint id, Direction direction)
    {
        Id = id;
        Direction = direction;
    }

    /// <summary>The id on the wire.</summary>
    public uint Id { get; }

    /// <summary>Who opened the stream.</summary>
    public Direction Direction { get; }

    /// <summary>The shell's object for this stream; the core never looks at it.</summary>
    public object? Owner { get; set; }

    /// <summary>Whether the stream has left the table: reset, or ended in both directions.</summary>
    public bool Gone { get; internal set; }

    /// <summary>Whether the peer ended its direction.</summary>
    public bool RemoteEnded { get; internal set; }

    /// <summary>Whether we ended ours.</summary>
    public bool LocalEnded { get; internal set; }

    /// <summary>Bytes that we may still send.</summary>
    public long SendWindow { get; internal set; } = YamuxOptions.InitialWindow;

    /// <summary>The lane in which the stream sends; <see cref="YamuxCore.SetPriority"/> changes it.</summary>
    public StreamPriority Priority { get; internal set; } = StreamPriority.Medium;

    /// <summary>Bytes that the application waits to send.</summary>
    public int Queued { get; internal set; }

    /// <summary>The receive window: bytes granted and not received, plus bytes received and not consumed, at most.</summary>
    public int ReceiveWindow { get; internal set; } = YamuxOptions.InitialWindow;

    /// <summary>Bytes that the peer may still send.</summary>
    public long ReceiveLeft { get; internal set; } = YamuxOptions.InitialWindow;

    /// <summary>Bytes announced by frame headers and not consumed by the application.</summary>
    public long Unread { get; internal set; }

    /// <summary>Whether the frame that opens the stream has yet to be sent.</summary>
    public bool OpeningUnsent { get; internal set; }

    internal bool AckDue { get; set; }

    internal bool AckAwaited { get; set; }

    internal bool Unaccepted { get; set; }

    internal bool FinDue { get; set; }

    internal bool RstDue { get; set; }

    internal uint CreditDue { get; set; }

    internal bool InControl { get; set; }

    internal bool InReady { get; set; }

    internal YamuxStreamState? ReadyBefore { get; set; }

    internal YamuxStreamState? ReadyAfter { get; set; }

    internal Instant LastGrant { get; set; }
}
