using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

public sealed class HealthCoreTests
{
    private static readonly HealthLimits Limits = new(TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(15), 4);

    [Fact]
    public void A_silent_peer_is_asked_then_suspected_then_given_up()
    {
        var watch = new Watch();
        watch.Run(TimeSpan.FromSeconds(1));
        var silent = watch.Now;
        watch.Dead = true;
        var seen = watch.RunUntil(HealthVerdict.Dead);
        Assert.Equal([HealthVerdict.Ping, HealthVerdict.Suspect, HealthVerdict.Dead], seen);
        Assert.InRange((watch.Now - silent).TotalSeconds, 5.5, 7.5);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(2.0)]
    [InlineData(2.49)]
    public void However_long_a_peer_was_silent_before_it_dies_within_the_bounds_and_a_pause_of_three_seconds_is_no_death(double before)
    {
        foreach (var pause in new[] { true, false })
        {
            var watch = new Watch();
            watch.Run(TimeSpan.FromSeconds(20));
            while (watch.Silence > Limits.Round) watch.Run(Limits.Round);
            watch.Run(TimeSpan.FromSeconds(before));
            var stopped = watch.Now;
            watch.Dead = true;
            if (pause)
            {
                watch.Run(TimeSpan.FromSeconds(3));
                watch.Dead = false;
                watch.Run(TimeSpan.FromSeconds(20));
                Assert.DoesNotContain(HealthVerdict.Dead, watch.Seen);
                continue;
            }

            watch.RunUntil(HealthVerdict.Dead);
            Assert.InRange((watch.Now - stopped).TotalSeconds, 3, 10);
        }
    }

    [Fact]
    public void Anything_that_arrives_ends_the_suspicion()
    {
        var watch = new Watch { Dead = true };
        watch.RunUntil(HealthVerdict.Suspect);
        Assert.True(watch.Target.Suspected);
        watch.Receive();
        Assert.Equal([HealthVerdict.Recovered], watch.Run(Limits.Round));
        Assert.False(watch.Target.Suspected);
    }

    [Fact]
    public void A_link_that_carries_something_is_pinged_for_samples_only()
    {
        var watch = new Watch();
        for (var i = 0; i < 600; i++)
        {
            watch.Receive();
            watch.Run(TimeSpan.FromSeconds(0.1));
        }

        Assert.Equal(4, watch.Seen.Count(verdict => verdict == HealthVerdict.Ping));
        Assert.All(watch.Seen, verdict => Assert.Equal(HealthVerdict.Ping, verdict));
    }

    [Fact]
    public void Of_two_ends_of_an_idle_link_one_asks_for_both()
    {
        var ends = new[] { new HealthCore(Limits, default), new HealthCore(Limits, default) };
        var targets = ends.Select(core => core.Add(default)).ToArray();
        var (pings, heard) = (0, default(Instant));
        for (var now = default(Instant); now < default(Instant) + TimeSpan.FromMinutes(10); now += Limits.Round / 2)
        {
            // The rounds of the two are half a round apart; what one asks, both hear.
            var end = (int)(now.Ticks / (Limits.Round / 2).Ticks % 2);
            ends[end].BeginRound(now, TimeSpan.Zero);
            var verdict = ends[end].Check(targets[end], heard, null, now);
            if (verdict == HealthVerdict.None) continue;
            Assert.Equal(HealthVerdict.Ping, verdict);
            ends[end].Answered(targets[end]);
            heard = now;
            pings++;
        }

        // Asking costs 240, the samples of the end that need not ask 40; were both to ask, it would be 480.
        Assert.InRange(pings, 600 / 2.75, (600 / 2.5) + (600 / 15) + 2);
    }

    [Fact]
    public void Zero_takes_no_samples_of_a_busy_link()
    {
        var watch = new Watch(Limits with { SampleInterval = TimeSpan.Zero });
        for (var i = 0; i < 600; i++)
        {
            watch.Receive();
            watch.Run(TimeSpan.FromSeconds(0.1));
        }

        Assert.Empty(watch.Seen);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(3600)]
    public void A_node_that_was_stopped_gives_everybody_the_whole_time_again(int seconds)
    {
        var watch = new Watch();
        watch.Run(TimeSpan.FromSeconds(20));
        watch.Seen.Clear();
        watch.Sleep(TimeSpan.FromSeconds(seconds));
        Assert.DoesNotContain(HealthVerdict.Suspect, watch.Run(TimeSpan.FromSeconds(2)));
        watch.Run(TimeSpan.FromSeconds(60));
        Assert.DoesNotContain(HealthVerdict.Dead, watch.Seen);
        Assert.Equal(0, watch.Core.Local.Score);
        watch.Dead = true;
        watch.RunUntil(HealthVerdict.Dead);
    }

    [Fact]
    public void A_node_that_was_stopped_while_a_question_was_open_still_waits_for_the_answer()
    {
        var watch = new Watch { Dead = true };
        watch.RunUntil(HealthVerdict.Suspect);
        watch.Sleep(TimeSpan.FromSeconds(30));
        Assert.DoesNotContain(HealthVerdict.Dead, watch.Run(TimeSpan.FromSeconds(2)));
        watch.Dead = false;
        watch.Receive();
        watch.Run(TimeSpan.FromSeconds(20));
        Assert.DoesNotContain(HealthVerdict.Dead, watch.Seen);
    }

    [Fact]
    public void Late_rounds_stretch_the_deadlines_up_to_the_maximum_and_punctual_ones_shrink_them_again()
    {
        var local = new LocalHealth(Limits.Round, 4);
        for (var i = 0; i < 10; i++) local.Observe(Limits.Round * 3, TimeSpan.Zero);
        Assert.Equal(4, local.Score);
        var rounds = 0;
        for (; local.Score > 0; rounds++) local.Observe(Limits.Round, TimeSpan.Zero);
        Assert.Equal(4, TimeSpan.FromSeconds(4) / (Limits.Round * rounds) * 4, 3);
        local.Observe(Limits.Round, Limits.Round * 1.5);
        Assert.Equal(1, local.Score);
        Assert.Equal(Limits.Round * 2, local.Observe(TimeSpan.FromSeconds(30), TimeSpan.Zero));
        Assert.Equal(4, local.Score);
    }

    [Fact]
    public void A_starved_node_waits_longer_than_a_well_one()
    {
        var (well, starved) = (new Watch(), new Watch { RoundLength = Limits.Round * 3 });
        Assert.True(Life(starved) > Life(well) * 2);

        static TimeSpan Life(Watch watch)
        {
            watch.Run(TimeSpan.FromSeconds(10));
            var stopped = watch.Now;
            watch.Dead = true;
            watch.RunUntil(HealthVerdict.Dead);
            return watch.Now - stopped;
        }
    }

    [Fact]
    public void Round_trips_of_seconds_are_no_reason_for_suspicion_and_a_liar_gains_a_bounded_time()
    {
        var slow = new Watch { RoundTrip = new RoundTrip(default, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(0.5), default, 9), Dead = true };
        slow.RunUntil(HealthVerdict.Suspect);
        Assert.InRange((slow.Now - default(Instant)).TotalSeconds, 7.5, 8.5);
        var liar = new Watch { RoundTrip = new RoundTrip(default, TimeSpan.FromHours(3), TimeSpan.FromHours(1), default, 9), Dead = true };
        liar.RunUntil(HealthVerdict.Dead);
        Assert.InRange((liar.Now - default(Instant)).TotalSeconds, 14, 18);
    }

    [Fact]
    public void A_round_trip_during_which_time_was_lost_is_worth_nothing()
    {
        foreach (var lost in new[] { false, true })
        {
            var watch = new Watch { Dead = true };
            watch.RunUntil(HealthVerdict.Ping);
            if (lost) watch.Sleep(TimeSpan.FromSeconds(5));
            Assert.Equal(lost, !watch.Core.Answered(watch.Target));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Under_any_schedule_of_pauses_loads_and_sleeps_only_the_dead_are_given_up_and_all_of_them_are(int seed)
    {
        for (var run = 0; run < 50; run++)
        {
            var name = $"seed {(seed * 1000) + run}";
            var random = RandomSource.Seeded((ulong)((seed * 1000) + run));
            var watch = new Watch();
            for (var step = 0; step < 30; step++)
            {
                switch (random.Next(4))
                {
                    case 0:
                        watch.Sleep(random.Jitter(TimeSpan.FromSeconds(20), 0, 3));
                        break;
                    case 1:
                        watch.RoundLength = random.Jitter(Limits.Round, 1, 5);
                        break;
                    case 2:
                        watch.Dead = true;
                        watch.Run(random.Jitter(TimeSpan.FromSeconds(1), 0, 3));
                        watch.Dead = false;
                        watch.Receive();
                        watch.Run(Limits.Interval);
                        break;
                    default:
                        watch.Run(random.Jitter(TimeSpan.FromSeconds(5)));
                        break;
                }
            }

            Assert.False(watch.Seen.Contains(HealthVerdict.Dead), name);
            watch.Dead = true;
            var from = watch.Now;
            watch.RunUntil(HealthVerdict.Dead);
            Assert.True(watch.Now - from < Limits.Timeout * (Limits.LocalMaximum + 1) * 2.6, name);
        }
    }

    [Theory]
    [InlineData(0, 7, 4)]
    [InlineData(7, 7, 4)]
    [InlineData(2, 7, -1)]
    public void Limits_out_of_range_are_refused(double interval, double timeout, int maximum) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new HealthCore(new HealthLimits(TimeSpan.FromSeconds(interval), TimeSpan.FromSeconds(timeout), default, maximum), default));

    /// <summary>A node, one link and a peer that answers at once unless it is dead; one that comes back answers what it was asked meanwhile.</summary>
    private sealed class Watch
    {
        private Instant _lastReceived;
        private bool _asked;

        public Watch(HealthLimits? limits = null)
        {
            Core = new HealthCore(limits ?? Limits, default);
            Target = Core.Add(default);
        }

        public HealthCore Core { get; }

        public HealthTarget Target { get; }

        public Instant Now { get; private set; }

        public bool Dead { get; set; }

        public TimeSpan RoundLength { get; set; } = Limits.Round;

        public RoundTrip? RoundTrip { get; init; }

        public List<HealthVerdict> Seen { get; } = [];

        public TimeSpan Silence => Now - _lastReceived;

        public void Receive() => _lastReceived = Now;

        public void Sleep(TimeSpan span)
        {
            Now += span;
            Round();
        }

        public List<HealthVerdict> Run(TimeSpan span)
        {
            var (end, before) = (Now + span, Seen.Count);
            while (Now < end)
            {
                var left = end - Now;
                Now += left < RoundLength ? left : RoundLength;
                Round();
            }

            return Seen[before..];
        }

        public List<HealthVerdict> RunUntil(HealthVerdict wanted)
        {
            var before = Seen.Count;
            for (var i = 0; i < 10_000; i++)
            {
                Now += RoundLength;
                Round();
                if (Seen.Count > before && Seen[^1] == wanted) return Seen[before..];
            }

            throw new InvalidOperationException($"{wanted} never came after {string.Join(", ", Seen.Take(20))}.");
        }

        private void Round()
        {
            if (_asked && !Dead) Answer();
            Core.BeginRound(Now, TimeSpan.Zero);
            var verdict = Core.Check(Target, _lastReceived, RoundTrip, Now);
            if (verdict == HealthVerdict.None) return;
            Seen.Add(verdict);
            _asked |= verdict == HealthVerdict.Ping;
            if (_asked && !Dead) Answer();
        }

        private void Answer()
        {
            _asked = false;
            _lastReceived = Now;
            Core.Answered(Target);
        }
    }
}
