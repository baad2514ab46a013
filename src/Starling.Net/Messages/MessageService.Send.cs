using Starling.Net.Links;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <content>Sending.</content>
public sealed partial class MessageService
{
    private static readonly SendOptions Plain = new();

    /// <summary>Sends a message to one peer.</summary>
    /// <inheritdoc cref="SendAsync(OutgoingMessage, SendTargets?, SendOptions?, CancellationToken)"/>
    public async Task<SendResult> SendAsync(PeerId peer, OutgoingMessage message, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return (await SendAsync(message, SendTargets.To(peer), options, cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>Sends a message and says what became of it for each peer: no loss is silent.</summary>
    /// <param name="message">The message, which every peer takes in once, however often it is sent.</param>
    /// <param name="to">For whom; null for all direct neighbours.</param>
    /// <param name="options">Null sends to all at once and waits as the service's options say.</param>
    /// <param name="cancellationToken">Withdraws what is not sent yet. A message that was being written arrives whole or not at all.</param>
    /// <returns>One result per peer, in the order of sending: links of high priority first. Empty when there is nobody.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task<IReadOnlyList<SendResult>> SendAsync(OutgoingMessage message, SendTargets? to = null, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        return SendEnvelopeAsync(message.Envelope, Resolve(to ?? SendTargets.Neighbours), options ?? Plain, cancellationToken);
    }

    private async Task<IReadOnlyList<SendResult>> SendEnvelopeAsync(MessageEnvelope envelope, IReadOnlyList<PeerId> peers, SendOptions options, CancellationToken cancellationToken)
    {
        var large = new LargeSend(envelope, _context, _largeGate);
        var sends = new List<Task<SendResult>>(peers.Count);
        try
        {
            foreach (var peer in peers)
            {
                if (sends.Count > 0 && options.Interval > TimeSpan.Zero) await Task.Delay(options.Interval, _context.Clock, cancellationToken).ConfigureAwait(false);
                sends.Add(SendOneAsync(peer, envelope, large, options.Timeout, cancellationToken));
            }
        }
        finally
        {
            // A cancelled pause leaves sends under way, which the same token ends.
            if (sends.Count < peers.Count) await ((Task)Task.WhenAll(sends)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var results = await Task.WhenAll(sends).ConfigureAwait(false);
        foreach (var result in results)
        {
            _context.Metrics.Sent(result.Status);
            if (!result.IsSent) _context.Log.NotSent(result.Peer, result.Status, result.Detail);
        }

        return results;
    }

    private Task<SendResult> SendOneAsync(PeerId id, MessageEnvelope envelope, LargeSend large, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        if (_stop.IsCancellationRequested) return Task.FromResult(new SendResult(id, SendStatus.Rejected, "The node has stopped."));
        var size = envelope.Payload.Length + MessageCodec.MaxHeadBytes;
        if (size > _context.Options.MaxMessageBytes) return Task.FromResult(new SendResult(id, SendStatus.TooLarge, $"It takes {size} bytes; at most {_context.Options.MaxMessageBytes} are sent ({nameof(MessageOptions.MaxMessageBytes)})."));
        if (PeerOf(id) is not { } peer || _context.Host.Find(id) is not { } link) return Task.FromResult(new SendResult(id, SendStatus.NoLink));
        if (size > _context.Options.LargeMessageBytes) return large.SendAsync(peer.Outbox, link, timeout ?? _context.Options.StallTimeout, cancellationToken);
        return peer.Outbox.SendAsync(Compress(envelope, peer.Outbox.Hello), timeout ?? _context.Options.SendTimeout, cancellationToken);
    }

    private MessageEnvelope Compress(MessageEnvelope envelope, MessageReply.Hello? hello)
    {
        if (envelope.Payload.Length < _context.Options.CompressFromBytes || hello is null) return envelope;
        var how = PayloadCompression.Spoken.FirstOrDefault(hello.Compressions.Contains);
        if (how == MessageCompression.None || PayloadCompression.TryDeflate(envelope.Payload, how) is not { } deflated) return envelope;
        _context.Metrics.Saved(envelope.Payload.Length - deflated.Length);
        return envelope with { Compression = how, InflatedLength = envelope.Payload.Length, Payload = deflated };
    }

    private IReadOnlyList<PeerId> Resolve(SendTargets to)
    {
        if (to.Peers is { } chosen) return [.. chosen.OrderByDescending(peer => _context.Host.Find(peer)?.Priority ?? LinkPriority.Low)];
        var neighbours = to.Count is { } count ? NeighbourPicker.Pick(_context.Host, _context.Random, count) : [.. _context.Host.Links.Where(link => link.Kind == LinkKind.Direct)];
        return [.. neighbours.OrderByDescending(link => link.Priority).Select(link => link.Peer)];
    }
}
