namespace Starling.Simulation;

/// <summary>What a link carries, one way: frames leave one after the other, and wait in a bounded queue.</summary>
/// <param name="BytesPerSecond">Bytes that leave in a second, at least 1.</param>
/// <param name="QueueBytes">Bytes that may wait. Default 1 MiB. Data beyond is shed and counted, as the router's shell does; control frames always find room.</param>
public sealed record BandwidthModel(long BytesPerSecond, long QueueBytes = 1 << 20)
{
    /// <summary>A sentence for reports.</summary>
    public string Description => $"{BytesPerSecond / 1000} kB/s a link, queues of {QueueBytes / 1024} KiB";

    /// <summary>When a frame has left that is sent now, or -1 when there is no room for it.</summary>
    internal long Leave(long now, ref long free, int size, bool control)
    {
        var begin = Math.Max(now, free);
        if (!control && (double)(begin - now) / TimeSpan.TicksPerSecond * BytesPerSecond + size > QueueBytes) return -1;
        free = begin + (long)((double)size / BytesPerSecond * TimeSpan.TicksPerSecond);
        return free;
    }
}
