using System.Numerics;

namespace Starling.Simulation;

/// <summary>Times by size, each kept to within 1%, in 58 KiB whatever their number.</summary>
public sealed class LatencyHistogram
{
    /// <summary>Steps in each doubling.</summary>
    private const int StepBits = 7;

    private readonly long[] _counts = new long[(65 - StepBits) << StepBits];

    /// <summary>Times taken in.</summary>
    public long Count { get; private set; }

    /// <summary>The longest one, exactly.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>Takes a time in; a negative one counts as zero.</summary>
    public void Add(TimeSpan time)
    {
        Count++;
        if (time > Longest) Longest = time;
        _counts[BucketOf((ulong)Math.Max(0, time.Ticks / TimeSpan.TicksPerMicrosecond))]++;
    }

    /// <summary>The time that this share of all is no longer than; zero when there are none.</summary>
    /// <param name="share">From 0 to 1.</param>
    public TimeSpan Percentile(double share)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var rank = (long)Math.Ceiling(share * Count);
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            rank -= _counts[bucket];
            if (rank <= 0 && Count > 0) return Shorter(EndOf(bucket), Longest);
        }

        return TimeSpan.Zero;
    }

    /// <summary>Takes in everything that another one holds.</summary>
    public void Add(LatencyHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (var bucket = 0; bucket < _counts.Length; bucket++) _counts[bucket] += other._counts[bucket];
        Count += other.Count;
        if (other.Longest > Longest) Longest = other.Longest;
    }

    private static TimeSpan Shorter(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private static int BucketOf(ulong value)
    {
        var shift = Math.Max(0, BitOperations.Log2(value | 1) - StepBits);
        return (shift << StepBits) + (int)(value >> shift);
    }

    /// <summary>The greatest time of a bucket.</summary>
    private static TimeSpan EndOf(int bucket)
    {
        var shift = Math.Max(0, (bucket >> StepBits) - 1);
        var value = ((ulong)(bucket - (shift << StepBits)) + 1) << shift;
        return TimeSpan.FromMicroseconds(value - 1);
    }
}
