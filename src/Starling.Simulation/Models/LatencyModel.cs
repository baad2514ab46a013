namespace Starling.Simulation;

/// <summary>How long a message travels from node to node when nothing is in its way. Drawn once for each link, both ways the same.</summary>
/// <remarks>Derive from it for a model of one's own; a model belongs to one network and is asked by one thread.</remarks>
public abstract class LatencyModel
{
    /// <summary>A sentence for reports.</summary>
    public abstract string Description { get; }

    /// <summary>The time one way between two nodes, more than zero.</summary>
    /// <param name="from">The number of the one.</param>
    /// <param name="to">The number of the other.</param>
    /// <param name="random">For chance.</param>
    public abstract TimeSpan OneWay(int from, int to, RandomSource random);

    /// <summary>The same for every link.</summary>
    public static LatencyModel Constant(TimeSpan oneWay) => new Drawn($"constant {Text(oneWay)} one way", _ => oneWay);

    /// <summary>Evenly spread between two times.</summary>
    public static LatencyModel Uniform(TimeSpan low, TimeSpan high)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(high, low);
        return new Drawn($"uniform {Text(low)} to {Text(high)} one way", random => low + ((high - low) * random.NextDouble()));
    }

    /// <summary>Log-normal: many near ones, few far ones, as measured on the internet.</summary>
    /// <param name="median">Half of the links are faster.</param>
    /// <param name="sigma">The spread of the logarithm: 0.5 puts 95 of 100 links below 2.3 times the median.</param>
    public static LatencyModel LogNormal(TimeSpan median, double sigma)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sigma);
        return new Drawn(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"log-normal, median {Text(median)} one way, sigma {sigma}"), random => median * Math.Exp(sigma * Normal(random)));
    }

    /// <summary>Nodes live in regions, as many in each; times are those between regions, before a jitter of a tenth either way.</summary>
    /// <param name="oneWay">The times in milliseconds one way, a row for each region; symmetric.</param>
    public static LatencyModel Regions(IReadOnlyList<IReadOnlyList<double>> oneWay) => new RegionLatency(oneWay);

    /// <summary>Five regions of a public cloud, by published round trips between data centres: Virginia, Oregon, Frankfurt, Singapore, Tokyo.</summary>
    public static LatencyModel World() => Regions(
    [
        [2, 34, 45, 108, 76],
        [34, 2, 71, 82, 49],
        [45, 71, 2, 80, 112],
        [108, 82, 80, 2, 35],
        [76, 49, 112, 35, 2],
    ]);

    private static string Text(TimeSpan time) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.###} ms");

    /// <summary>A normally distributed number (Box and Muller).</summary>
    private static double Normal(RandomSource random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private sealed class Drawn(string description, Func<RandomSource, TimeSpan> draw) : LatencyModel
    {
        public override string Description { get; } = description;

        public override TimeSpan OneWay(int from, int to, RandomSource random) => draw(random);
    }
}

/// <summary>Latencies by region.</summary>
internal sealed class RegionLatency : LatencyModel
{
    private readonly IReadOnlyList<IReadOnlyList<double>> _oneWay;

    public RegionLatency(IReadOnlyList<IReadOnlyList<double>> oneWay)
    {
        ArgumentNullException.ThrowIfNull(oneWay);
        if (oneWay.Count == 0) throw new ArgumentException("There are no regions; give at least one row.", nameof(oneWay));
        for (var row = 0; row < oneWay.Count; row++)
        {
            if (oneWay[row].Count != oneWay.Count) throw new ArgumentException($"Row {row} has {oneWay[row].Count} times; a matrix of {oneWay.Count} regions needs as many.", nameof(oneWay));
            for (var column = 0; column < row; column++)
            {
                if (oneWay[row][column] != oneWay[column][row]) throw new ArgumentException($"The time from region {row} to {column} differs from the one back.", nameof(oneWay));
            }

            if (oneWay[row].Any(time => !(time > 0))) throw new ArgumentException($"Row {row} has a time that is not more than zero.", nameof(oneWay));
        }

        _oneWay = oneWay;
    }

    public override string Description => $"{_oneWay.Count} regions, {_oneWay.Min(row => row.Min()):0.###} to {_oneWay.Max(row => row.Max()):0.###} ms one way";

    public override TimeSpan OneWay(int from, int to, RandomSource random) =>
        random.Jitter(TimeSpan.FromMilliseconds(_oneWay[from % _oneWay.Count][to % _oneWay.Count]), 0.9, 1.1);
}
