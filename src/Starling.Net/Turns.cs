using System.Threading.Channels;

namespace Starling.Net;

/// <summary>Runs what is posted one at a time and in order: the loop of a shell around its core.</summary>
/// <param name="capacity">Turns that may wait in line.</param>
/// <param name="onFault">Is told of a posted turn that threw; the loop goes on.</param>
internal sealed class Turns(int capacity, Action<Exception> onFault)
{
    private readonly Channel<Action> _line = Channel.CreateBounded<Action>(new BoundedChannelOptions(capacity) { SingleReader = true });

    /// <summary>Runs turns until <see cref="Stop"/>, then those that were in line already.</summary>
    public async Task RunAsync()
    {
        await foreach (var turn in _line.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                turn();
            }
#pragma warning disable CA1031 // The loop outlives any turn; whoever watches is told.
            catch (Exception error)
#pragma warning restore CA1031
            {
                onFault(error);
            }
        }
    }

    /// <summary>Puts a turn in line, or says that the line is full or ended.</summary>
    public bool TryPost(Action turn) => _line.Writer.TryWrite(turn);

    /// <summary>Puts a turn in line, waits for room and then until it has run. Returns what it returned.</summary>
    /// <exception cref="ObjectDisposedException">The turns have been stopped.</exception>
    public async ValueTask<T> RunAsync<T>(Func<T> turn)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _line.Writer.WriteAsync(() => Complete(done, turn)).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(Turns), "This part of the node has been stopped.");
        }

        return await done.Task.ConfigureAwait(false);
    }

    /// <summary>No further turn is taken.</summary>
    public void Stop() => _line.Writer.TryComplete();

    private static void Complete<T>(TaskCompletionSource<T> done, Func<T> turn)
    {
        try
        {
            done.SetResult(turn());
        }
#pragma warning disable CA1031 // Whoever waits for the turn gets its error.
        catch (Exception error)
#pragma warning restore CA1031
        {
            done.SetException(error);
        }
    }
}
