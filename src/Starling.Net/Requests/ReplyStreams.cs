using Starling.Net.Links;
using Starling.Net.Transport;

namespace Starling.Net.Requests;

/// <summary>The streams of one link for streamed replies: taken for one reply, kept for the next of the same handler. Safe for several threads.</summary>
internal sealed class ReplyStreams(IPeerLink link, RequestService service)
{
    /// <summary>Streams opened at once, below what a peer negotiates at once.</summary>
    private const int MaxOpening = 16;

    /// <summary>Streams kept without a reply.</summary>
    private const int MaxIdle = 16;

    private readonly Lock _gate = new();
    private readonly List<ReplyStream> _idle = [];
    private bool _ended;

    /// <summary>One for each streamed reply that may be under way.</summary>
    public SemaphoreSlim Turns { get; } = new(Math.Max(1, service.Options.MaxStreamsPerPeer / 2));

    private SemaphoreSlim Opening { get; } = new(MaxOpening);

    /// <summary>Sends a call on a kept stream, or on a new one.</summary>
    public async ValueTask<ReplyStream> CallAsync(string name, Func<ReplyStream, CancellationToken, ValueTask> call, CancellationToken cancellationToken)
    {
        while (TakeIdle(name) is { } kept)
        {
            try
            {
                await call(kept, cancellationToken);
                return kept;
            }
            catch (StreamResetException)
            {
                // Nothing was sent: the peer had ended the stream while nobody used it.
                await kept.DisposeAsync();
            }
            catch
            {
                await kept.DisposeAsync();
                throw;
            }
        }

        await Opening.WaitAsync(cancellationToken);
        try
        {
            return await OpenAsync(name, call, cancellationToken);
        }
        finally
        {
            Opening.Release();
        }
    }

    /// <summary>Keeps a stream whose reply is complete; ends any other.</summary>
    public async ValueTask GiveAsync(ReplyStream stream)
    {
        stream.LastUsed = service.Clock.Now();
        lock (_gate)
        {
            if (!stream.InCall && !_ended && _idle.Count < MaxIdle)
            {
                _idle.Add(stream);
                return;
            }
        }

        await EndAsync(stream);
    }

    /// <summary>Ends the streams that were not used since then.</summary>
    public async Task RetireIdleAsync(Instant since)
    {
        List<ReplyStream> old;
        lock (_gate)
        {
            old = _idle.FindAll(stream => stream.LastUsed <= since);
            _idle.RemoveAll(old.Contains);
        }

        foreach (var stream in old) await EndAsync(stream);
    }

    /// <summary>Ends what is kept, and keeps nothing more.</summary>
    public Task CloseAsync()
    {
        lock (_gate) _ended = true;
        return RetireIdleAsync(Instant.Never);
    }

    private static async Task EndAsync(ReplyStream stream)
    {
        try
        {
            if (!stream.InCall) await stream.Stream.CloseWriteAsync();
        }
        catch (Exception error) when (error is StarlingException or InvalidOperationException)
        {
            stream.Stream.Reset();
        }

        await stream.DisposeAsync();
    }

    private async ValueTask<ReplyStream> OpenAsync(string name, Func<ReplyStream, CancellationToken, ValueTask> call, CancellationToken cancellationToken)
    {
        var raw = await link.OpenStreamAsync(RequestService.Protocols, cancellationToken);
        raw.Priority = StreamPriority.High;
        var stream = new ReplyStream(raw, name, service.Limits, service.Budget);
        try
        {
            await call(stream, cancellationToken);
            if (raw is NegotiatedStream lazy) await lazy.AgreedAsync(cancellationToken);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private ReplyStream? TakeIdle(string name)
    {
        lock (_gate)
        {
            var at = _idle.FindLastIndex(stream => stream.Name == name);
            if (at < 0) return null;
            var found = _idle[at];
            _idle.RemoveAt(at);
            return found;
        }
    }
}
