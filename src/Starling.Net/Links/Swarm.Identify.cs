using Starling.Net.Transport;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>Identify and push: what peers are told of this node, and what they tell.</content>
public sealed partial class Swarm
{
    private const int MaxPushes = 16;

    private readonly SemaphoreSlim _changed = new(0);
    private int _description = 1;

    /// <summary>What this node signs of itself: told by identify, and by whatever else hands out the node's addresses.</summary>
    public OwnPeerRecord OwnRecord { get; }

    private void AddOwnHandlers()
    {
        _handlers.Add(new HandlerTable.Handler(PingProtocol.Id, static (_, stream, cancelled) => PingProtocol.ServeAsync(stream, cancelled), PingProtocol.MaxPerPeer, BeforeReady: true, StreamPriority.Control));
        _handlers.Add(new HandlerTable.Handler(IdentifyCodec.IdentifyProtocol, AnswerIdentifyAsync, 4, BeforeReady: true, StreamPriority.Control));
        _handlers.Add(new HandlerTable.Handler(IdentifyCodec.PushProtocol, TakePushAsync, 2, BeforeReady: false, StreamPriority.Control));
        _handlers.Add(new HandlerTable.Handler(LinkFrameCodec.Protocol, ServeControlAsync, 2, BeforeReady: true, StreamPriority.Control));
    }

    private void OnDescriptionChanged()
    {
        Interlocked.Increment(ref _description);
        _changed.Release();
    }

    private byte[] Describe(PeerLink link)
    {
        var addresses = AnnouncedAddresses.Take(IdentifyCodec.MaxAddresses).ToList();
        return IdentifyCodec.Encode(new IdentifyMessage
        {
            PublicKey = _wiring.Identity.PublicKey.Encoded,
            ListenAddresses = addresses,
            Protocols = [.. _handlers.Protocols],
            ObservedAddress = link.Connection.RemoteAddress,
            ProtocolVersion = _options.ProtocolVersion,
            AgentVersion = _options.AgentVersion,
            DisplayName = _options.DisplayName,
            SignedPeerRecord = OwnRecord.Envelope,
            IsTransient = link.Connection.Direction == Direction.Outbound && link.Kind == LinkKind.Transient,
        });
    }

    private async Task AnswerIdentifyAsync(PeerLink link, IStream stream, CancellationToken cancellationToken)
    {
        var version = Volatile.Read(ref _description);
        await stream.WriteAsync(Describe(link), cancellationToken);
        link.Told = Math.Max(link.Told, version);
        await stream.CloseWriteAsync(cancellationToken);
    }

    private async Task TakePushAsync(PeerLink link, IStream stream, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(_options.NegotiationTimeout, Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
        try
        {
            var message = await ReadAsync(link, stream, either.Token);
            _metrics.Identify("push", accepted: true);
            await PostAsync(() =>
            {
                link.Tell(Merge(link.Info, message));
                OnIdentified(link);
            });
        }
        catch (Exception error) when (error is ProtocolViolationException || (error is OperationCanceledException && time.IsCancellationRequested))
        {
            _metrics.Identify("push", accepted: false);
            LinksLog.IdentifyRefused(_logger, link.Peer, error.Message);
            stream.Reset();
        }
    }

    /// <summary>Asks the peer who it is. The core's deadline ends it by closing the link.</summary>
    private async Task IdentifyAsync(PeerLink link)
    {
        string why;
        try
        {
            await using var stream = await OpenIdentifyAsync(link, IdentifyCodec.IdentifyProtocol, CancellationToken.None);
            var message = await ReadAsync(link, stream, CancellationToken.None);
            await stream.CloseWriteAsync();
            _metrics.Identify("answer", accepted: true);
            link.Tell(Merge(link.Info, message));
            link.Kind = !link.Speaks(LinkFrameCodec.Protocol) ? LinkKind.Direct
                : link.Connection.Direction == Direction.Outbound ? link.Kind
                : message.IsTransient ? LinkKind.Transient : LinkKind.Direct;
            await PostAsync(() => _core.LinkIdentified(link.Id, Clock.Now(), _effects));
            return;
        }
        catch (ConnectionClosedException)
        {
            // The link's end is reported by the one who watches it, with its reason.
            return;
        }
        catch (Exception error) when (error is StarlingException or IOException or TimeoutException)
        {
            why = error.Message;
        }

        _metrics.Identify("answer", accepted: false);
        LinksLog.IdentifyRefused(_logger, link.Peer, why);
        await PostAsync(() => _core.IdentifyFailed(link.Id, why, Clock.Now(), _effects));
    }

    private async Task<IdentifyMessage> ReadAsync(PeerLink link, IStream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[1024];
        var length = 0;
        while (await stream.ReadAsync(buffer.AsMemory(length), cancellationToken) is > 0 and var count)
        {
            length += count;
            if (length > IdentifyCodec.MaxTotalLength) throw new ProtocolViolationException($"identify holds more than {IdentifyCodec.MaxTotalLength} bytes");
            if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(length * 4, IdentifyCodec.MaxTotalLength + 1));
        }

        if (!IdentifyCodec.TryDecode(buffer.AsSpan(0, length), out var message, out var error)) throw new ProtocolViolationException(error);
        if (message.PublicKey is { } key && !key.Span.SequenceEqual(link.Connection.RemoteKey.Encoded.Span)
            && !(PublicKey.TryDecode(key.Span, out var decoded, out _) && decoded.ToPeerId().Equals(link.Peer)))
        {
            throw new ProtocolViolationException("identify holds another key than the one that the link was made with");
        }

        if (message.Skipped > 0) _metrics.Skipped(message.Skipped);
        return message;
    }

    private async Task PushChangesAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _changed.WaitAsync(_stopping.Token);
                await Task.Delay(_options.PushDelay, Clock, _stopping.Token);
                while (await _changed.WaitAsync(0)) continue;
                var version = Volatile.Read(ref _description);
                var links = _ready.Values.Where(link => link.Told > 0 && link.Told < version && link.Speaks(IdentifyCodec.PushProtocol));
                await Parallel.ForEachAsync(
                    links,
                    new ParallelOptions { MaxDegreeOfParallelism = MaxPushes, CancellationToken = _stopping.Token },
                    async (link, cancellationToken) => await PushAsync(link, version, cancellationToken));
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                LinksLog.TaskFault(_logger, error);
            }
        }
    }

    private async Task PushAsync(PeerLink link, int version, CancellationToken cancellationToken)
    {
        link.Told = version;
        using var time = new CancellationTokenSource(_options.NegotiationTimeout, Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
        try
        {
            await using var stream = await OpenIdentifyAsync(link, IdentifyCodec.PushProtocol, either.Token);
            await stream.WriteAsync(Describe(link), either.Token);
            await stream.CloseWriteAsync(either.Token);
            await stream.ReadAsync(new byte[1], either.Token);
        }
        catch (Exception error) when (error is StarlingException or IOException or TimeoutException || (error is OperationCanceledException && time.IsCancellationRequested))
        {
            LinksLog.PushFailed(_logger, link.Peer, error);
        }
    }

    /// <summary>Opens a stream for the only protocol that comes into question, without waiting for the peer's agreement.</summary>
    private async ValueTask<IStream> OpenIdentifyAsync(PeerLink link, string protocol, CancellationToken cancellationToken)
    {
        var stream = await link.Connection.OpenStreamAsync(cancellationToken);
        stream.Priority = StreamPriority.Control;
        return await MultistreamSelect.OpenAsync(stream, [protocol], lazy: true, _options.NegotiationTimeout, Clock, cancellationToken);
    }

    internal void CountRoundTrip(TimeSpan time) => _metrics.RoundTrip(time);

    private static PeerInfo Merge(PeerInfo known, IdentifyMessage message) => new(
        message.AgentVersion ?? known.AgentVersion,
        message.ProtocolVersion ?? known.ProtocolVersion,
        message.Protocols.Count > 0 ? message.Protocols : known.Protocols,
        message.ListenAddresses.Count > 0 ? message.ListenAddresses : known.ListenAddresses,
        message.ObservedAddress ?? known.ObservedAddress,
        message.DisplayName ?? known.DisplayName,
        message.SignedPeerRecord.IsEmpty ? known.SignedPeerRecord : message.SignedPeerRecord);
}
