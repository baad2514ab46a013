using System.Runtime.CompilerServices;
using FsCheck;
using FsCheck.Fluent;

namespace Starling.Simulation.Tests;

public sealed class EventQueueTests
{
    private sealed class Nobody : EventTarget
    {
        public static readonly Nobody Instance = new();

        internal override long TraceId => 0;

        internal override void Handle(int kind, object? payload)
        {
        }
    }

    [Fact]
    public void Events_come_in_the_order_of_their_times_and_those_of_one_time_as_they_were_added() =>
        Prop.ForAll(Steps().ToArbitrary(), steps =>
        {
            var queue = new EventQueue();
            var model = new List<(long Time, int Number)>();
            var (now, number) = (0L, 0);
            foreach (var (add, ticks) in steps)
            {
                if (add)
                {
                    queue.Add(now + ticks, Nobody.Instance, number, null);
                    model.Add((now + ticks, number++));
                    continue;
                }

                var limit = now + ticks;
                while (queue.TryTake(limit, out var taken))
                {
                    var first = model.Min();
                    if ((taken.Time, taken.Kind) != first) return false;
                    model.Remove(first);
                    now = taken.Time;
                }

                now = limit;
                if (model.Count > 0 && model.Min().Time <= limit) return false;
                if (queue.Count != model.Count) return false;
            }

            return true;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_event_that_is_added_while_its_slot_is_taken_comes_in_its_turn()
    {
        var queue = new EventQueue();
        queue.Add(100, Nobody.Instance, 1, null);
        queue.Add(300, Nobody.Instance, 3, null);
        Assert.True(queue.TryTake(1000, out _));

        queue.Add(200, Nobody.Instance, 2, null);
        queue.Add(300, Nobody.Instance, 4, null);

        Assert.Equal([2, 3, 4], Rest(queue));
    }

    [Fact]
    public void Taking_an_event_lets_go_of_what_it_held()
    {
        var queue = new EventQueue();
        var held = Fill(queue);
        Take(queue);

        GC.Collect();

        Assert.False(held.IsAlive);
        Assert.Equal(0, queue.Count);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Take(EventQueue queue) => Assert.True(queue.TryTake(long.MaxValue / 2, out _));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Fill(EventQueue queue)
        {
            var payload = new object();
            queue.Add(5, Nobody.Instance, 0, payload);
            return new WeakReference(payload);
        }
    }

    /// <summary>Near and far times, so that every part of the queue is used.</summary>
    private static Gen<List<(bool Add, long Ticks)>> Steps()
    {
        var ticks = Gen.OneOf(Gen.Choose(0, 2000), Gen.Choose(0, 2_000_000), Gen.Choose(0, 100_000_000)).Select(value => (long)value);
        return Gen.Frequency((4, ticks.Select(value => (true, value))), (1, ticks.Select(value => (false, value)))).ListOf(200).Select(list => list.ToList());
    }

    private static List<int> Rest(EventQueue queue)
    {
        var kinds = new List<int>();
        while (queue.TryTake(long.MaxValue / 2, out var taken)) kinds.Add(taken.Kind);
        return kinds;
    }
}
