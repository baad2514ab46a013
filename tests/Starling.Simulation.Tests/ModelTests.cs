namespace Starling.Simulation.Tests;

public sealed class ModelTests
{
    private static readonly RandomSource Random = RandomSource.Seeded(11);

    [Fact]
    public void Half_of_the_log_normal_latencies_are_below_their_median_and_95_of_100_below_what_the_spread_says()
    {
        var model = LatencyModel.LogNormal(TimeSpan.FromMilliseconds(40), 0.5);
        var drawn = Enumerable.Range(0, 20_000).Select(_ => model.OneWay(0, 1, Random).TotalMilliseconds).Order().ToList();

        Assert.InRange(drawn[10_000], 39, 41);
        Assert.InRange(drawn[19_000], 40 * Math.Exp(0.5 * 1.645) * 0.95, 40 * Math.Exp(0.5 * 1.645) * 1.05);
    }

    [Fact]
    public void Uniform_latencies_stay_within_their_bounds_and_fill_them()
    {
        var model = LatencyModel.Uniform(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(30));
        var drawn = Enumerable.Range(0, 1000).Select(_ => model.OneWay(0, 1, Random).TotalMilliseconds).ToList();

        Assert.All(drawn, value => Assert.InRange(value, 10, 30));
        Assert.True(drawn.Min() < 11 && drawn.Max() > 29);
    }

    [Fact]
    public void A_matrix_of_regions_that_is_not_square_or_not_symmetric_is_refused_with_its_row()
    {
        Assert.Contains("Row 1 has 1 times", Assert.Throws<ArgumentException>(() => LatencyModel.Regions([[1, 2], [2]])).Message);
        Assert.Contains("from region 1 to 0", Assert.Throws<ArgumentException>(() => LatencyModel.Regions([[1, 2], [3, 1]])).Message);
        Assert.Contains("Row 0", Assert.Throws<ArgumentException>(() => LatencyModel.Regions([[0]])).Message);
    }

    [Fact]
    public void A_narrow_link_delivers_one_message_after_the_other_and_sheds_what_its_queue_cannot_hold()
    {
        // Ten messages of 1,000 bytes over 10 kB/s: a tenth of a second each. Five fit the queue.
        var bandwidth = new BandwidthModel(10_000, QueueBytes: 5_000);
        var free = 0L;

        var left = Enumerable.Range(0, 10).Select(_ => bandwidth.Leave(0, ref free, 1000, control: false)).ToList();

        Assert.Equal(Enumerable.Range(1, 5).Select(i => i * TimeSpan.TicksPerSecond / 10), left.Take(5));
        Assert.All(left.Skip(5), value => Assert.Equal(-1, value));
        Assert.Equal(TimeSpan.TicksPerSecond * 6 / 10, bandwidth.Leave(0, ref free, 1000, control: true));
    }

    [Fact]
    public void Lost_data_is_gone_or_late_as_the_model_says_and_control_is_never_gone()
    {
        var gone = new LossModel(0.5, LossKind.Gone);
        var late = new LossModel(0.5);

        Assert.InRange(Enumerable.Range(0, 2000).Count(_ => !gone.TryDraw(Random, control: false, out var _)), 900, 1100);
        Assert.All(Enumerable.Range(0, 200), _ => Assert.True(gone.TryDraw(Random, control: true, out var _)));
        var delays = Enumerable.Range(0, 2000).Select(_ => late.TryDraw(Random, control: false, out var ticks) ? ticks / TimeSpan.TicksPerMillisecond : -1).ToList();
        Assert.InRange(delays.Count(delay => delay == 0), 900, 1100);
        Assert.InRange(delays.Count(delay => delay == 200), 400, 600);
        Assert.InRange(delays.Count(delay => delay == 600), 180, 320);
    }

    [Fact]
    public void Percentiles_are_within_one_in_a_hundred()
    {
        var histogram = new LatencyHistogram();
        for (var i = 1; i <= 10_000; i++) histogram.Add(TimeSpan.FromMicroseconds(i * 37));

        foreach (var share in new[] { 0.01, 0.5, 0.95, 0.99, 1 })
        {
            var exact = share * 10_000 * 37;
            Assert.InRange(histogram.Percentile(share).TotalMicroseconds, exact, exact * 1.01);
        }

        Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(0.5));
        histogram.Add(TimeSpan.MaxValue);
        Assert.Equal(TimeSpan.MaxValue, histogram.Longest);
    }
}
