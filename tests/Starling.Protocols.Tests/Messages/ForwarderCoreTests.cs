using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Messages;
using Starling.Protocols.Tests.Links;

namespace Starling.Protocols.Tests.Messages;

public sealed class ForwarderCoreTests
{
    private static readonly PeerId[] Neighbours = [.. Enumerable.Range(1, 5).Select(i => TestPeers.Get((byte)i))];
    private readonly ForwarderOptions _options = new() { Interval = TimeSpan.FromSeconds(1), MessagesPerCycle = 3, MessageGap = TimeSpan.FromMilliseconds(100), MaxQueuedMessages = 10, MaxQueuedBytes = 1000 };

    [Fact]
    public void A_message_that_waits_is_not_taken_in_again()
    {
        var core = new ForwarderCore<string>(_options);
        Assert.True(core.TryAdd(Key(1, origin: 1), Neighbours[1], 10, "song"));
        Assert.True(core.Holds(Key(1, origin: 1)));
        Assert.False(core.TryAdd(Key(1, origin: 1), Neighbours[1], 10, "again"));
        Assert.Equal(["song"], core.Clear());
        Assert.False(core.Holds(Key(1, origin: 1)));
    }

    [Fact]
    public void Each_neighbour_gets_a_message_once_but_not_its_origin_its_sender_or_who_sent_a_copy()
    {
        var core = new ForwarderCore<string>(_options);
        core.TryAdd(Key(1, origin: 1), Neighbours[1], 10, "song");
        core.Heard(Key(1, origin: 1), Neighbours[2]);
        core.Heard(Key(9, origin: 1), Neighbours[3]);

        Assert.True(core.TryTake(At(0), [.. Neighbours, Neighbours[4]], out var item, out var to, out _));

        Assert.Equal("song", item);
        Assert.Equal([Neighbours[3], Neighbours[4]], to);
        Assert.False(core.TryTake(At(50), Neighbours, out _, out _, out var next));
        Assert.Equal(Instant.Never, next);
    }

    [Fact]
    public void A_cycle_has_a_budget_its_messages_a_gap_and_those_that_reach_nobody_cost_neither()
    {
        var core = new ForwarderCore<int>(_options);
        for (var i = 0; i < 5; i++) core.TryAdd(Key(i, 100), TestPeers.Get(99), 10, i);
        core.TryAdd(Key(5, 100), Neighbours[0], 10, 5);
        List<(int Item, double At)> sent = [];
        var now = At(0);
        while (true)
        {
            if (core.TryTake(now, [Neighbours[0]], out var item, out var to, out var next)) sent.Add((to.Count == 0 ? -item : item, TimeSpan.FromTicks(now.Ticks).TotalSeconds));
            else if (next == Instant.Never) break;
            else now = next;
        }

        Assert.Equal([(0, 0), (1, 0.1), (2, 0.2), (3, 1), (4, 1.1), (-5, 1.2)], sent);
    }

    [Fact]
    public void A_full_queue_takes_nothing_more_in_count_or_bytes_but_one_large_message_alone()
    {
        var core = new ForwarderCore<int>(_options);
        Assert.True(core.TryAdd(Key(0, 100), Neighbours[0], 5000, 0));
        Assert.False(core.TryAdd(Key(1, 100), Neighbours[0], 1, 1));
        Assert.Equal([0], core.Clear());
        for (var i = 0; i < 10; i++) Assert.True(core.TryAdd(Key(i, 100), Neighbours[0], 10, i));
        Assert.False(core.TryAdd(Key(10, 100), Neighbours[0], 10, 10));
        Assert.True(core.TryTake(At(0), Neighbours, out _, out _, out _));
        Assert.True(core.TryAdd(Key(10, 100), Neighbours[0], 10, 10));
        Assert.Equal((10, 10), (core.Clear().Count, core.Count + 10));
        Assert.True(core.TryAdd(Key(20, 100), Neighbours[0], 600, 20));
        Assert.False(core.TryAdd(Key(21, 100), Neighbours[0], 600, 21));
    }

    [Fact]
    public void Over_any_course_no_cycle_exceeds_its_budget_and_every_message_goes_once_to_each()
    {
        Prop.ForAll(Gen.Choose(0, 400).NonEmptyListOf().ToArbitrary(), pauses =>
        {
            var core = new ForwarderCore<int>(_options);
            var (now, added, counts) = (At(0), 0, new Dictionary<(int, PeerId), int>());
            List<double> times = [];
            foreach (var pause in pauses)
            {
                now += TimeSpan.FromMilliseconds(pause);
                if (core.TryAdd(Key(added, 100), Neighbours[added % 5], 10, added)) added++;
                Drain(pause % 3 == 0);
            }

            Drain(true);
            Assert.Equal(added * 4, counts.Count);
            Assert.All(counts.Values, count => Assert.Equal(1, count));
            for (var i = 3; i < times.Count; i++) Assert.True(times[i] - times[i - 3] >= 0.3 - 1e-9);

            void Drain(bool whole)
            {
                while (true)
                {
                    if (core.TryTake(now, Neighbours, out var item, out var to, out var next))
                    {
                        times.Add(TimeSpan.FromTicks(now.Ticks).TotalSeconds);
                        foreach (var peer in to) counts[(item, peer)] = counts.GetValueOrDefault((item, peer)) + 1;
                    }
                    else if (!whole || next == Instant.Never)
                    {
                        return;
                    }
                    else
                    {
                        now = next;
                    }
                }
            }
        }).QuickCheckThrowOnFailure();
    }

    private static MessageKey Key(int id, byte origin) => new(TestPeers.Get(origin), new MessageUid((UInt128)id));

    private static Instant At(double seconds) => new(TimeSpan.FromSeconds(seconds).Ticks);
}
