namespace Starling.Core.Tests.Budget;

public sealed class ResourceBudgetTests
{
    [Fact]
    public void What_is_taken_is_counted_up_to_the_limit_and_refusals_are_counted_too()
    {
        var budget = new ResourceBudget(new ResourceBudgetOptions { MaxLinks = 2, MaxQueueBytes = 100 });
        Assert.True(budget.TryAcquire(ResourceKind.Links));
        Assert.True(budget.TryAcquire(ResourceKind.Links));
        Assert.False(budget.TryAcquire(ResourceKind.Links));
        Assert.Equal((2, 2, 1), (budget.Used(ResourceKind.Links), budget.Limit(ResourceKind.Links), budget.Refused(ResourceKind.Links)));
        budget.Release(ResourceKind.Links);
        Assert.True(budget.TryAcquire(ResourceKind.Links));
        Assert.False(budget.TryAcquire(ResourceKind.QueueBytes, 101));
        Assert.False(budget.TryAcquire(ResourceKind.QueueBytes, long.MaxValue));
        Assert.True(budget.TryAcquire(ResourceKind.QueueBytes, 100));
        Assert.Equal(0, budget.Used(ResourceKind.Streams));
    }

    [Fact]
    public async Task Threads_that_race_never_exceed_the_limit()
    {
        var budget = new ResourceBudget(new ResourceBudgetOptions { MaxStreams = 10 });
        var most = 0L;
        var won = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                if (!budget.TryAcquire(ResourceKind.Streams, 3)) continue;
                InterlockedMax(ref most, budget.Used(ResourceKind.Streams));
                Interlocked.Increment(ref won);
                budget.Release(ResourceKind.Streams, 3);
            }
        }))).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.InRange(most, 3, 10);
        Assert.Equal(0, budget.Used(ResourceKind.Streams));
        Assert.Equal(80_000, won + budget.Refused(ResourceKind.Streams));
    }

    [Fact]
    public void A_limit_that_is_not_positive_is_named() =>
        Assert.Contains(nameof(ResourceBudgetOptions.MaxLinks), Assert.Throws<ArgumentOutOfRangeException>(() => new ResourceBudget(new ResourceBudgetOptions { MaxLinks = 0 })).Message, StringComparison.Ordinal);

    private static void InterlockedMax(ref long target, long value)
    {
        var seen = Volatile.Read(ref target);
        while (value > seen && Interlocked.CompareExchange(ref target, value, seen) is var before && before != seen) seen = before;
    }
}
