using Starling.Net.Links;

namespace Starling.Net;

/// <summary>How a long-lived stream is kept.</summary>
/// <param name="Protocols">The protocol ids that are opened, best first.</param>
/// <param name="OpenTimeout">How long opening may take.</param>
/// <param name="StopTimeout">How long the close waits until the neighbour has read everything.</param>
/// <param name="MaxReopenDelay">Longest pause before a lost stream is opened again; the first is a 64th of it, and each failure doubles it.</param>
internal readonly record struct OutboundStreamOptions(IReadOnlyList<string> Protocols, TimeSpan OpenTimeout, TimeSpan StopTimeout, TimeSpan MaxReopenDelay);

/// <summary>The one long-lived stream to a neighbour: opened when it is needed, watched while nothing is written, opened anew when it is lost, closed so that the neighbour reads everything.</summary>
internal abstract class OutboundStream(OutboundStreamOptions options, TimeProvider clock, RandomSource random) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private CancellationTokenSource? _ended;

    /// <summary>The link, or null when the peer's stream came before the host said that its link is ready.</summary>
    public IPeerLink? Link { get; private set; }

    /// <summary>The task that keeps the stream; completes after <see cref="Stop"/>.</summary>
    public Task Writing { get; private set; } = Task.CompletedTask;

    /// <summary>Begins to write to a link. Called once.</summary>
    public void Start(IPeerLink link)
    {
        Link = link;
        Writing = Task.Run(() => RunAsync(link));
    }

    /// <summary>Ends the present stream; a new one is opened.</summary>
    public void Restart() => Cancel(Volatile.Read(ref _ended));

    /// <summary>Ends writing at once; what waits is dropped. Also after <see cref="Dispose"/>: the end of a link and that of its service meet in any order.</summary>
    public void Stop()
    {
        Cancel(_stop);
        if (Link is null) Drop();
    }

    public virtual void Dispose() => _stop.Dispose();

    /// <summary>Completes when there is something to open a stream for.</summary>
    protected virtual ValueTask NeededAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Writes until the token is cancelled or the stream fails. Nothing is being written any more when it returns or throws.</summary>
    protected abstract Task WriteAsync(IStream stream, CancellationToken ended);

    /// <summary>Whether nothing that was begun is unwritten: then the stream is closed, else reset.</summary>
    protected abstract bool IsBetweenFrames { get; }

    /// <summary>Frames written so far. When a stream took none, the next one is opened later.</summary>
    protected abstract long Frames { get; }

    /// <summary>A new stream is about to be opened in place of one that was lost.</summary>
    protected virtual void Reopening()
    {
    }

    /// <summary>The neighbour does not serve the protocol; nothing more is tried.</summary>
    protected abstract ValueTask UnsupportedAsync();

    /// <summary>Nothing will be written any more: what waits is dropped and counted. Idempotent.</summary>
    protected abstract void Drop();

    /// <summary>The stream is lost and will be opened anew.</summary>
    protected abstract void Lost(string why);

    /// <summary>Writing has ended because it was told to.</summary>
    protected abstract void Stopped();

    /// <summary>Writing has ended through a fault of this program.</summary>
    protected abstract void Failed(Exception error);

    /// <summary>Cancels, unless what would be cancelled has ended and is disposed of.</summary>
    private static void Cancel(CancellationTokenSource? what)
    {
        try
        {
            what?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Whoever held it has ended, and drops what is left.
        }
    }

    private static bool IsLoss(Exception error) => error is StarlingException or IOException or TimeoutException or OperationCanceledException;

    private async Task RunAsync(IPeerLink link)
    {
        try
        {
            for (var failures = 0; ;)
            {
                await NeededAsync(_stop.Token).ConfigureAwait(false);
                var before = Frames;
                if (!await TryStreamAsync(link).ConfigureAwait(false)) break;
                failures = Frames > before ? 0 : Math.Min(failures + 1, 6);
                await Task.Delay(random.Jitter(options.MaxReopenDelay / (64 >> failures)), clock, _stop.Token).ConfigureAwait(false);
                Reopening();
            }
        }
        catch (Exception error) when (error is ObjectDisposedException || (error is OperationCanceledException && _stop.IsCancellationRequested))
        {
            Stopped();
        }
#pragma warning disable CA1031 // The end of the writer's task: nobody above would see it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Failed(error);
        }
        finally
        {
            Drop();
        }
    }

    /// <summary>Opens a stream and writes until it ends. False when this neighbour is not to be tried again.</summary>
    private async Task<bool> TryStreamAsync(IPeerLink link)
    {
        Exception? seen = null;
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            await using var stream = await OpenAsync(link).ConfigureAwait(false);
            Volatile.Write(ref _ended, ended);
            var watching = WatchAsync(stream, ended);
            try
            {
                await WriteAsync(stream, ended.Token).ConfigureAwait(false);
            }
            finally
            {
                Volatile.Write(ref _ended, null);
                await ended.CancelAsync().ConfigureAwait(false);
                seen = await watching.ConfigureAwait(false);
                if (IsBetweenFrames) await CloseAsync(stream).ConfigureAwait(false);
                else stream.Reset();
            }
        }
        catch (Exception error) when (error is ProtocolNotSupportedException || seen is ProtocolNotSupportedException)
        {
            await UnsupportedAsync().ConfigureAwait(false);
            return false;
        }
        catch (ConnectionClosedException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            Lost(seen?.Message ?? "it ended, or did not open in time");
        }
        catch (Exception error) when (error is not OperationCanceledException && IsLoss(error))
        {
            Lost(error.Message);
        }

        return true;
    }

    private async Task<IStream> OpenAsync(IPeerLink link)
    {
        using var timeout = new CancellationTokenSource(options.OpenTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
        return await link.OpenStreamAsync(options.Protocols, either.Token).ConfigureAwait(false);
    }

    /// <summary>Nothing is expected on this stream; its reset is noticed here even while nothing is written.</summary>
    private static async Task<Exception?> WatchAsync(IStream stream, CancellationTokenSource ended)
    {
        try
        {
            await stream.ReadAsync(Memory<byte>.Empty, ended.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception error) when (IsLoss(error))
        {
            await ended.CancelAsync().ConfigureAwait(false);
            return error is OperationCanceledException ? null : error;
        }
    }

    /// <summary>Ends the stream and waits until the neighbour has ended its direction, which it does when it has read everything: a reset before that
    /// would take away what it has not read yet.</summary>
    private async Task CloseAsync(IStream stream)
    {
        try
        {
            using var timeout = new CancellationTokenSource(options.StopTimeout, clock);
            await stream.CloseWriteAsync(timeout.Token).ConfigureAwait(false);
            await stream.ReadAsync(new byte[1], timeout.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (IsLoss(error))
        {
            stream.Reset();
        }
    }
}
