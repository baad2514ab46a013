using Starling.Net.Spread;
using Starling.Net.Tests.Links;
using Starling.Protocols.Spread;

namespace Starling.Net.Tests.Spread;

public sealed class SpreadTimerTests
{
    [Fact]
    public async Task A_validation_ends_in_time_though_the_timer_fires_early()
    {
        var (cancelled, _) = await ValidateAsync(TimeSpan.FromMilliseconds(10.9), TimeSpan.FromMilliseconds(10));
        Assert.True(cancelled);
    }

    [Fact]
    public async Task A_validation_may_take_longer_than_a_timer_counts()
    {
        var (cancelled, spread) = await ValidateAsync(TimeSpan.FromDays(60), TimeSpan.FromDays(59));
        Assert.True(cancelled);
        Assert.Equal(1, spread.TimedOut);
    }

    /// <summary>Lets an item wait for a verdict that never comes, and the clock pass that time after a first part of it.</summary>
    private static async Task<(bool Cancelled, SpreadCounters Counters)> ValidateAsync(TimeSpan timeout, TimeSpan first)
    {
        var clock = new ManualClock();
        var judged = SpreadKind.Named("test/judged") with { ValidationTimeout = timeout };
        await using var sender = await TestNode.StartAsync();
        await using var judge = await TestNode.StartAsync();
        await using var from = new SpreadService(sender.Swarm, sender.Identity);
        await using var to = new SpreadService(judge.Swarm, judge.Identity, clock: new WholeMilliseconds(clock));
        var (began, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var registration = to.Register(judged, new SpreadHandlers
        {
            OnItem = static (_, _) => ValueTask.CompletedTask,
            Validate = async (_, cancelled) =>
            {
                using var noted = cancelled.UnsafeRegister(static ended => ((TaskCompletionSource)ended!).TrySetResult(), ended);
                began.TrySetResult();
                await ended.Task;
                return SpreadVerdict.Ignore;
            },
        });
        await sender.ConnectAsync(judge);
        await from.PublishAsync(judged, new byte[] { 1 }).Soon();
        await began.Task.Soon();

        // Each flush is a turn: what came before it has been done.
        await to.FlushAsync().Soon();
        clock.Advance(first);
        await to.FlushAsync().Soon();
        clock.Advance(timeout - first);
        for (var i = 0; i < 5; i++)
        {
            await to.FlushAsync().Soon();
            clock.Advance(TimeSpan.FromMilliseconds(2));
        }

        try
        {
            await ended.Task.WaitAsync(TimeSpan.FromSeconds(5));
        }
        catch (TimeoutException)
        {
            ended.TrySetResult();
            return (false, to.Counters);
        }

        return (true, to.Counters);
    }
}
