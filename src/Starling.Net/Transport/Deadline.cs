namespace Starling.Net.Transport;

/// <summary>A token that is cancelled by the caller's or when a time is over, and knows which it was.</summary>
internal sealed class Deadline : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(49);
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _linked;
    private readonly CancellationToken _caller;

    public Deadline(TimeSpan timeout, TimeProvider clock, CancellationToken caller)
    {
        _caller = caller;
        // A timer counts 49 days at most; what is to take longer has no end that a process would see.
        _timer = new CancellationTokenSource(timeout < Longest ? timeout : Timeout.InfiniteTimeSpan, clock);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, caller);
    }

    public CancellationToken Token => _linked.Token;

    /// <summary>Whether the time ran out before the caller cancelled.</summary>
    public bool IsOver => _timer.IsCancellationRequested && !_caller.IsCancellationRequested;

    public void Dispose()
    {
        _linked.Dispose();
        _timer.Dispose();
    }
}
