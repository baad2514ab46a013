using Starling.Net.Transport;

namespace Starling.Net.Links;

/// <content>Streams: opened, accepted, negotiated, handed to their handlers.</content>
public sealed partial class Swarm
{
    /// <summary>Bytes of a stream whose handler has returned that are read and dropped before it is reset.</summary>
    private const int MaxLingerBytes = 64 << 10;

    internal async ValueTask<IStream> OpenStreamAsync(PeerLink link, IReadOnlyList<string> protocols, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(protocols);
        var known = protocols.FirstOrDefault(link.Speaks);
        var activity = LinkActivities.Stream(Direction.Outbound, link.Peer, known);
        IStream? stream = null;
        try
        {
            stream = await link.Connection.OpenStreamAsync(cancellationToken);
            IReadOnlyList<string> proposals = known is null ? protocols : [known];
            var opened = await MultistreamSelect.OpenAsync(stream, proposals, lazy: known is not null, _options.NegotiationTimeout, Clock, cancellationToken);
            if (activity is null) return opened;
            activity.SetTag("starling.protocol", opened.Protocol);
            return new TracedStream(opened, activity);
        }
        catch (Exception error)
        {
            activity.Fail(error.Message);
            activity?.Dispose();
            if (stream is null) throw;
            stream.Reset();
            await stream.DisposeAsync();
            throw;
        }
    }

    private async Task AcceptStreamsAsync(PeerLink link)
    {
        try
        {
            while (true)
            {
                var stream = await link.Connection.AcceptStreamAsync();
                if (link.TryBeginNegotiation(_options.MaxNegotiatingPerLink))
                {
                    _handlerTasks.Run(() => ServeAsync(link, stream));
                    continue;
                }

                _metrics.Stream(StreamOutcome.TooManyNegotiating);
                stream.Reset();
                await stream.DisposeAsync();
            }
        }
        catch (ConnectionClosedException)
        {
            // The link's end is reported by the one who watches it.
        }
        catch (Exception error)
        {
            LinksLog.TaskFault(_logger, error);
            await CloseAsync(link.Connection, new CloseInfo(CloseReason.InternalError, "The link's streams cannot be accepted.", error));
        }
    }

    private async Task ServeAsync(PeerLink link, IStream stream)
    {
        var handler = await NegotiateAsync(link, stream);
        if (handler is null)
        {
            stream.Reset();
            await stream.DisposeAsync();
            return;
        }

        var outcome = await RunHandlerAsync(link, stream, handler);
        link.Leave(handler.Protocol);
        _metrics.Stream(outcome);
        if (outcome == StreamOutcome.Served) await LingerAsync(stream);
        else stream.Reset();
        await stream.DisposeAsync();
    }

    private async Task<HandlerTable.Handler?> NegotiateAsync(PeerLink link, IStream stream)
    {
        try
        {
            var protocol = await MultistreamSelect.AcceptAsync(stream, _handlers.Serves, () => _handlers.Protocols, _options.NegotiationTimeout, Clock, _stopping.Token);
            if (protocol is null || _handlers.Find(protocol) is not { } handler)
            {
                _metrics.Stream(StreamOutcome.NotNegotiated);
                return null;
            }

            if (link.TryEnter(protocol, handler.MaxPerPeer)) return handler;
            _metrics.Stream(StreamOutcome.TooManyOfProtocol);
            LinksLog.TooManyStreams(_logger, link.Peer, handler.MaxPerPeer, protocol);
        }
        catch (Exception error) when (error is StarlingException or IOException or TimeoutException or OperationCanceledException)
        {
            _metrics.Stream(StreamOutcome.NotNegotiated);
            LinksLog.NegotiationFailed(_logger, link.Peer, error.Message);
        }
        finally
        {
            link.EndNegotiation();
        }

        return null;
    }

    private async Task<StreamOutcome> RunHandlerAsync(PeerLink link, IStream stream, HandlerTable.Handler handler)
    {
        var cancelled = handler.Removed.Token;
        using var activity = LinkActivities.Stream(Direction.Inbound, link.Peer, handler.Protocol);
        try
        {
            if (!handler.BeforeReady && !await link.Ready.WaitAsync(cancelled)) return StreamOutcome.Broken;
            stream.Priority = handler.Lane;
            await handler.Serve(link, stream, cancelled);
            return StreamOutcome.Served;
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            return StreamOutcome.Cancelled;
        }
        catch (Exception error) when (error is StreamResetException { ByRemote: true } or ConnectionClosedException)
        {
            activity.Fail(error.Message);
            return StreamOutcome.Broken;
        }
        catch (Exception error)
        {
            activity.Fail(error.Message);
            LinksLog.HandlerFailed(_logger, handler.Protocol, link.Peer, error);
            return StreamOutcome.Faulted;
        }
    }

    /// <summary>Ends our direction and lets the peer end its own, so that what the handler wrote is not lost to a reset.</summary>
    private async Task LingerAsync(IStream stream)
    {
        using var time = new CancellationTokenSource(_options.LingerTimeout, Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, _stopping.Token);
        try
        {
            await stream.CloseWriteAsync(either.Token);
            var rest = new byte[1024];
            for (var dropped = 0; dropped < MaxLingerBytes;)
            {
                var count = await stream.ReadAsync(rest, either.Token);
                if (count == 0) return;
                dropped += count;
            }
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The handler is done; the stream is reset by the dispose that follows.
        }
    }
}
