using System.Numerics;

namespace Starling.Cli.Demo;

/// <summary>A histogram of times in constant memory: buckets an eighth of a power of two wide, so within 12 percent.</summary>
/// <remarks>One thread adds; others may read.</remarks>
internal sealed class Latencies
{
    private const int Parts = 8;
    private readonly long[] _buckets = new long[64 * Parts];
    private long _count;

    public void Add(TimeSpan time)
    {
        _buckets[BucketOf((ulong)Math.Max(time.Ticks, 1))]++;
        _count++;
    }

    /// <summary>The time that the given share of all stayed within, or null before the first.</summary>
    public TimeSpan? Percentile(double share)
    {
        var wanted = (long)Math.Ceiling(Volatile.Read(ref _count) * share);
        if (wanted == 0) return null;
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
        {
            wanted -= Volatile.Read(ref _buckets[bucket]);
            if (wanted <= 0) return TimeSpan.FromTicks((long)UpperEdgeOf(bucket));
        }

        return null;
    }

    private static int BucketOf(ulong ticks)
    {
        var power = BitOperations.Log2(ticks);
        var part = power < 3 ? (ticks << (3 - power)) & 7 : (ticks >> (power - 3)) & 7;
        return (power * Parts) + (int)part;
    }

    private static double UpperEdgeOf(int bucket) => Math.ScaleB(1 + (((bucket % Parts) + 1) / (double)Parts), bucket / Parts);
}
