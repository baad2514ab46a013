namespace Starling.Protocols.Yamux;

/// <summary>What a link has counted since it began. A snapshot: take it under the link's lock.</summary>
public record struct YamuxStatistics
{
    /// <summary>Payload bytes received for streams.</summary>
    public long BytesIn { get; set; }

    /// <summary>Payload bytes sent.</summary>
    public long BytesOut { get; set; }

    /// <summary>Frames received.</summary>
    public long FramesIn { get; set; }

    /// <summary>Frames sent.</summary>
    public long FramesOut { get; set; }

    /// <summary>Streams that this side opened.</summary>
    public long StreamsOpened { get; set; }

    /// <summary>Streams that the peer opened and that were taken.</summary>
    public long StreamsAccepted { get; set; }

    /// <summary>Streams that the peer opened and that were reset for a limit.</summary>
    public long StreamsRefused { get; set; }

    /// <summary>Resets received.</summary>
    public long ResetsIn { get; set; }

    /// <summary>Resets sent.</summary>
    public long ResetsOut { get; set; }

    /// <summary>Frames dropped because their stream is gone or never was.</summary>
    public long FramesDropped { get; set; }

    /// <summary>Payload bytes dropped with them.</summary>
    public long BytesDropped { get; set; }

    /// <summary>Times that a receive window grew.</summary>
    public long WindowGrowths { get; set; }

    /// <summary>Times that a receive window would have grown but for a budget.</summary>
    public long WindowGrowthsRefused { get; set; }

    /// <summary>The sum of what two links have counted.</summary>
    public readonly YamuxStatistics Plus(in YamuxStatistics other) => new()
    {
        BytesIn = BytesIn + other.BytesIn,
        BytesOut = BytesOut + other.BytesOut,
        FramesIn = FramesIn + other.FramesIn,
        FramesOut = FramesOut + other.FramesOut,
        StreamsOpened = StreamsOpened + other.StreamsOpened,
        StreamsAccepted = StreamsAccepted + other.StreamsAccepted,
        StreamsRefused = StreamsRefused + other.StreamsRefused,
        ResetsIn = ResetsIn + other.ResetsIn,
        ResetsOut = ResetsOut + other.ResetsOut,
        FramesDropped = FramesDropped + other.FramesDropped,
        BytesDropped = BytesDropped + other.BytesDropped,
        WindowGrowths = WindowGrowths + other.WindowGrowths,
        WindowGrowthsRefused = WindowGrowthsRefused + other.WindowGrowthsRefused,
    };
}
