namespace Starling.Bench;

/// <summary>What a set of runs says.</summary>
internal static class Samples
{
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Runs ours and the baseline in turn, each order equally often, and reports the medians and the median of the ratios of pairs.</summary>
    public static async Task<BenchResult> PairAsync(string name, string unit, int runs, Func<Task<double>> baseline, Func<Task<double>> ours)
    {
        await baseline();
        await ours();
        List<(double Baseline, double Ours)> pairs = [];
        for (var run = 0; run < runs; run++)
        {
            if (run % 2 == 0)
            {
                var first = await baseline();
                pairs.Add((first, await ours()));
            }
            else
            {
                var first = await ours();
                pairs.Add((await baseline(), first));
            }
        }

        return new BenchResult(name, Median(pairs.Select(pair => pair.Ours)), unit, Median(pairs.Select(pair => pair.Baseline)), Median(pairs.Select(pair => pair.Ours / pair.Baseline)));
    }
}
