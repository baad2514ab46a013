namespace Starling.Net.Links;

/// <summary>Counts tasks that nobody awaits one by one, reports their faults and can wait until none is left. Safe for several threads.</summary>
internal sealed class BackgroundTasks(Action<Exception> onFault)
{
    private readonly Lock _gate = new();
    private int _count;
    private TaskCompletionSource? _empty;

    public int Count
    {
        get { lock (_gate) return _count; }
    }

    /// <summary>Starts the work on the pool.</summary>
    public void Run(Func<Task> work)
    {
        lock (_gate) _count++;
        _ = GuardAsync(work);
    }

    /// <summary>Completes when no task is left.</summary>
    public Task WhenEmpty()
    {
        lock (_gate)
        {
            if (_count == 0) return Task.CompletedTask;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _empty.Task;
        }
    }

    private async Task GuardAsync(Func<Task> work)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await work();
        }
        catch (Exception error)
        {
            onFault(error);
        }
        finally
        {
            lock (_gate)
            {
                if (--_count == 0)
                {
                    _empty?.SetResult();
                    _empty = null;
                }
            }
        }
    }
}
