using Starling.Net.Links;

namespace Starling.Net.Messages;

/// <summary>What the parts of a <see cref="MessageService"/> share.</summary>
internal sealed record MessageContext(ILinkHost Host, MessageOptions Options, ResourceBudget Budget, TimeProvider Clock, RandomSource Random, MessageLog Log, MessageMetrics Metrics, BackgroundTasks Tasks, CancellationToken Stopping);

/// <summary>The bytes that one message holds of the node's budget. Has one owner, who releases it.</summary>
internal sealed class Charge(ResourceBudget budget, long amount = 0)
{
    private long _amount = amount;

    public bool TryAdd(long amount)
    {
        if (!budget.TryAcquire(ResourceKind.QueueBytes, amount)) return false;
        _amount += amount;
        return true;
    }

    /// <summary>Takes what is missing to a total.</summary>
    public bool TryRaiseTo(long total) => total <= _amount || TryAdd(total - _amount);

    /// <summary>Gives back what is more than a total.</summary>
    public void LowerTo(long total)
    {
        if (_amount <= total) return;
        budget.Release(ResourceKind.QueueBytes, _amount - total);
        _amount = total;
    }

    /// <summary>All of it, for another owner.</summary>
    public Charge HandOver() => new(budget, Interlocked.Exchange(ref _amount, 0));

    public void Release() => budget.Release(ResourceKind.QueueBytes, Interlocked.Exchange(ref _amount, 0));
}
