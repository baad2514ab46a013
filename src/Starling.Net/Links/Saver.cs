using Microsoft.Extensions.Logging;

namespace Starling.Net.Links;

/// <summary>Saves something that changes often, not more often than once per pause and never twice at once. Safe for several threads.</summary>
/// <param name="what">What it is called in the log.</param>
/// <param name="save">Saves the present state; called on the pool.</param>
/// <param name="pause">From a change to its save.</param>
/// <param name="clock">The node's clock.</param>
/// <param name="onSaved">Told whether a save succeeded.</param>
/// <param name="logger">Told of failures.</param>
internal sealed class Saver(string what, Func<CancellationToken, ValueTask> save, TimeSpan pause, TimeProvider clock, Action<bool> onSaved, ILogger logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private ITimer? _timer;
    private bool _isDirty;
    private bool _isStopped;

    /// <summary>Something has changed.</summary>
    public void Touch()
    {
        lock (_gate)
        {
            if (_isDirty || _isStopped) return;
            _isDirty = true;
            _timer ??= clock.CreateTimer(static saver => _ = Task.Run(() => ((Saver)saver!).FlushAsync(CancellationToken.None)), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(pause, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Saves now what has changed, after a save under way.</summary>
    /// <returns>False when it failed; it is logged, and tried again after the pause.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; it is tried again after the pause.</exception>
    public async Task<bool> FlushAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            lock (_gate)
            {
                if (!_isDirty) return true;
                _isDirty = false;
            }

            await save(cancellationToken).ConfigureAwait(false);
            onSaved(true);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Touch();
            throw;
        }
        catch (Exception error)
        {
            // A store may be the user's own: whatever it throws, what is unsaved stays so and is tried again.
            onSaved(false);
            PeersLog.SaveFailed(logger, what, error);
            Touch();
            return false;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Saves a last time what has changed, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        lock (_gate)
        {
            _isStopped = true;
            _timer?.Dispose();
        }
    }
}
