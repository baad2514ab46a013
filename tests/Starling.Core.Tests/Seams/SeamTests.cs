namespace Starling.Core.Tests.Seams;

public sealed class SeamTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Instants_order_and_saturate_instead_of_wrapping()
    {
        var at = new Instant(5);
        Assert.True(at < at + Second && at + Second > at && at <= at + TimeSpan.Zero && at >= at - TimeSpan.Zero);
        Assert.Equal(Second, at + Second - at);
        Assert.Equal(Instant.Never, Instant.Never + Second);
        Assert.Equal(Instant.Never, at + TimeSpan.MaxValue);
        Assert.True(new Instant(long.MinValue) - Second < at);
        Assert.Equal(-1, Math.Sign(at.CompareTo(Instant.Never)));
    }

    [Fact]
    public void Instants_follow_the_clock_whatever_its_frequency()
    {
        var clock = new ManualClock();
        var start = clock.Now();
        clock.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(TimeSpan.FromMinutes(3), clock.Now() - start);
        Assert.True(TimeProvider.System.Now() <= TimeProvider.System.Now());
    }

    [Fact]
    public void Timers_fire_in_order_of_their_due_time_and_see_that_time()
    {
        var clock = new ManualClock();
        var start = clock.Now();
        var fired = new List<(string Name, TimeSpan At)>();
        using var late = Timer("late", 3, 0);
        using var early = Timer("early", 1, 0);
        using var tick = Timer("tick", 2, 2);
        clock.Advance(5 * Second);
        Assert.Equal([("early", Second), ("tick", 2 * Second), ("late", 3 * Second), ("tick", 4 * Second)], fired);
        Assert.Equal(5 * Second, clock.Now() - start);

        ITimer Timer(string name, int due, int period) =>
            clock.CreateTimer(_ => fired.Add((name, clock.Now() - start)), null, due * Second, period == 0 ? Timeout.InfiniteTimeSpan : period * Second);
    }

    [Fact]
    public void A_changed_or_disposed_timer_forgets_its_old_due_time()
    {
        var clock = new ManualClock();
        var fired = 0;
        var timer = clock.CreateTimer(_ => fired++, null, Second, Timeout.InfiniteTimeSpan);
        timer.Change(3 * Second, Timeout.InfiniteTimeSpan);
        clock.Advance(2 * Second);
        Assert.Equal(0, fired);
        clock.Advance(Second);
        Assert.Equal(1, fired);
        timer.Change(Second, Timeout.InfiniteTimeSpan);
        timer.Dispose();
        Assert.False(timer.Change(Second, Timeout.InfiniteTimeSpan));
        clock.Advance(5 * Second);
        Assert.Equal(1, fired);
    }

    [Fact]
    public void A_callback_that_moves_the_clock_further_is_not_undone()
    {
        var clock = new ManualClock();
        using var timer = clock.CreateTimer(_ => clock.Advance(10 * Second), null, Second, Timeout.InfiniteTimeSpan);
        var start = clock.Now();
        clock.Advance(2 * Second);
        Assert.Equal(11 * Second, clock.Now() - start);
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.Advance(-Second));
    }

    [Fact]
    public async Task Delays_and_timeouts_of_the_framework_obey_the_manual_clock()
    {
        var clock = new ManualClock();
        var delay = Task.Delay(Second, clock, TestContext.Current.CancellationToken);
        using var timeout = new CancellationTokenSource(2 * Second, clock);
        clock.Advance(Second);
        await delay.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.False(timeout.IsCancellationRequested);
        clock.Advance(Second);
        Assert.True(timeout.IsCancellationRequested);
    }

    [Fact]
    public void The_same_seed_gives_the_same_numbers()
    {
        var (one, two) = (RandomSource.Seeded(7), RandomSource.Seeded(7));
        Assert.Equal(Enumerable.Range(0, 100).Select(_ => one.NextUInt64()), Enumerable.Range(0, 100).Select(_ => two.NextUInt64()));
        // SplitMix64's published first output for seed 1234567.
        Assert.Equal(6457827717110365317ul, RandomSource.Seeded(1234567).NextUInt64());
        var (left, right) = (new byte[13], new byte[13]);
        one.Fill(left);
        two.Fill(right);
        Assert.Equal(left, right);
    }

    [Fact]
    public void Forks_depend_on_their_path_of_names_only()
    {
        var root = RandomSource.Seeded(7);
        var first = root.Fork("a").NextUInt64();
        root.NextUInt64();
        Assert.Equal(first, root.Fork("a").NextUInt64());
        ulong[] all =
        [
            first, root.Fork("b").NextUInt64(), root.Fork("a").Fork("b").NextUInt64(), root.Fork("b").Fork("a").NextUInt64(),
            root.Fork("a").Fork("a").NextUInt64(), RandomSource.Seeded(7).NextUInt64(), RandomSource.Seeded(8).Fork("a").NextUInt64(),
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void Bounded_numbers_stay_in_bounds_and_reach_every_value()
    {
        var random = RandomSource.Seeded(1);
        var seen = new int[7];
        for (var i = 0; i < 70_000; i++) seen[random.Next(7)]++;
        Assert.All(seen, count => Assert.InRange(count, 9_000, 11_000));
        Assert.Equal(0, random.Next(1));
        Assert.All(Enumerable.Range(0, 1000), _ => Assert.InRange(random.NextDouble(), 0, 0.9999999999999999));
        Assert.All(Enumerable.Range(0, 1000), _ => Assert.InRange(random.Jitter(Second), Second / 2, Second * 1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.Next(0));
        Assert.NotEqual(RandomSource.System.NextUInt64(), RandomSource.System.Fork("x").NextUInt64());
    }

    [Fact]
    public void Shuffling_keeps_every_item_and_reaches_every_order()
    {
        var random = RandomSource.Seeded(2);
        var orders = new HashSet<string>();
        for (var i = 0; i < 500; i++)
        {
            var items = "abc".ToCharArray();
            random.Shuffle<char>(items);
            orders.Add(new string(items));
        }

        Assert.Equal(["abc", "acb", "bac", "bca", "cab", "cba"], orders.Order(StringComparer.Ordinal));
    }
}
