namespace Starling.Cli.Demo;

/// <summary>Keeps the publisher within a window of the slowest subscriber.</summary>
/// <remarks>So latency shows the way of a message and not the length of a queue. The window is also smaller than a node's queue for a neighbour: nothing is
/// shed on the way, and what is compared at the end is complete and in order.</remarks>
internal sealed class DemoWindow(IReadOnlyList<DemoPeer> subscribers)
{
    private const long Bytes = 256 << 10;
    private const long Messages = 64;
    private TaskCompletionSource? _moved;

    /// <summary>A subscriber took something in.</summary>
    public void Moved() => Interlocked.Exchange(ref _moved, null)?.TrySetResult();

    /// <summary>Waits until every subscriber is within the window of what was sent.</summary>
    public Task WaitForRoomAsync(Tally sent, CancellationToken cancellationToken) =>
        WaitAsync(
            () => subscribers.All(one => sent.Bytes - one.Received.Bytes <= Bytes && sent.Messages - one.Received.Messages < Messages), cancellationToken);

    /// <summary>Waits until every subscriber has as many messages as were sent.</summary>
    public Task WaitForAllAsync(Tally sent, CancellationToken cancellationToken) =>
        WaitAsync(() => subscribers.All(one => one.Received.Messages >= sent.Messages), cancellationToken);

    private async Task WaitAsync(Func<bool> reached, CancellationToken cancellationToken)
    {
        while (!reached())
        {
            var moved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _moved, moved);
            if (reached()) return;
            await moved.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
