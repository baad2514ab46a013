using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

public class RoundTripEstimatorTests
{
    [Fact]
    public void The_first_sample_sets_the_estimate()
    {
        var estimator = new RoundTripEstimator();
        Assert.Null(estimator.Current);
        estimator.Add(TimeSpan.FromMilliseconds(100));
        Assert.Equal(new RoundTrip(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100), 1), estimator.Current);
    }

    [Fact]
    public void Later_samples_move_it_by_an_eighth_and_the_jitter_by_a_quarter()
    {
        var estimator = new RoundTripEstimator();
        estimator.Add(TimeSpan.FromMilliseconds(100));
        estimator.Add(TimeSpan.FromMilliseconds(20));
        Assert.Equal(new RoundTrip(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(90), TimeSpan.FromMilliseconds(57.5), TimeSpan.FromMilliseconds(20), 2), estimator.Current);
    }

    [Fact]
    public void A_steady_link_ends_without_jitter()
    {
        var estimator = new RoundTripEstimator();
        for (var i = 0; i < 100; i++) estimator.Add(TimeSpan.FromMilliseconds(10));
        Assert.Equal(TimeSpan.FromMilliseconds(10), estimator.Current!.Value.Smoothed);
        Assert.True(estimator.Current.Value.Jitter < TimeSpan.FromMicroseconds(1));
    }
}
