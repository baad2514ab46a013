using System.Text.Json;

namespace Starling.Bench.PubSub.Ends;

/// <summary>What one end says of one run. Times are Stopwatch timestamps, which two processes of one machine share on Linux.</summary>
/// <param name="Started">When the first message was about to be published; 0 from a subscriber.</param>
/// <param name="Ended">When the last message was published or taken.</param>
/// <param name="Allocated">Bytes that the process allocated meanwhile.</param>
/// <param name="CpuSeconds">What the process used of all processors meanwhile.</param>
/// <param name="P50">Median one-way time in microseconds of a paced run, else 0.</param>
/// <param name="P99">The 99th percentile of the same.</param>
internal sealed record RunFigures(long Started, long Ended, long Allocated, double CpuSeconds, double P50 = 0, double P99 = 0)
{
    public override string ToString() => JsonSerializer.Serialize(this);

    public static RunFigures Parse(string text) => JsonSerializer.Deserialize<RunFigures>(text) ?? throw new InvalidDataException($"'{text}' holds no figures.");
}
