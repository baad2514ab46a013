using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <content>Receiving.</content>
public sealed partial class MessageService
{
    private static readonly (MessageRefusal Refusal, string Detail) TakenIn = (MessageRefusal.None, "");
    private readonly SeenMessages _seen;
    private readonly Lock _seenGate = new();
    private readonly byte[] _hello;

    private long Evicted
    {
        get { lock (_seenGate) return _seen.Evicted; }
    }

    /// <summary>Notes a message that came by another way, as a gateway's; false when it had come already, which is told by <see cref="MessageEvent.Duplicate"/>.</summary>
    public bool TryMarkReceived(PeerId origin, MessageUid id, string type = "")
    {
        ArgumentNullException.ThrowIfNull(origin);
        return TryMark(origin, type, new MessageKey(origin, id));
    }

    private async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        var from = stream.Connection.RemotePeer;
        await stream.WriteAsync(_hello, either.Token).ConfigureAwait(false);
        using var reader = new MessageFrameReader(stream, _context.Options.MaxMessageBytes, _context.Options.StallTimeout, _context.Clock);
        while (true)
        {
            var charge = new Charge(_context.Budget);
            try
            {
                if (await reader.ReadAsync(charge, either.Token).ConfigureAwait(false) is not { } body) return;
                var refusal = MessageCodec.Decode(body, out var envelope);
                if (refusal == MessageRefusal.Malformed) throw new MessageRefusedException(refusal, "The bytes are no envelope.");
                (refusal, var detail) = refusal == MessageRefusal.None ? await TakeInAsync(from, envelope, charge, either.Token).ConfigureAwait(false) : (refusal, "Only Brotli and zlib are known.");
                if (refusal != MessageRefusal.None) Refuse(from, envelope, refusal, detail);
                if (envelope.WantsAnswer) await stream.WriteAsync(new MessageReply.Answer(envelope.Id, refusal, detail).Encode(), either.Token).ConfigureAwait(false);
            }
            catch (MessageRefusedException refused)
            {
                Refuse(from, default, refused.Refusal, refused.Message);
                await EndAsync(stream, refused, either.Token).ConfigureAwait(false);
                return;
            }
            finally
            {
                charge.Release();
            }
        }
    }

    /// <summary>Says why nothing more is read and lets the sender come to know it; then resets.</summary>
    private async Task EndAsync(IStream stream, MessageRefusedException refused, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(TimeSpan.FromSeconds(2), _context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
        try
        {
            await stream.WriteAsync(new MessageReply.Answer(default, refused.Refusal, refused.Message).Encode(), either.Token).ConfigureAwait(false);
            var rest = new byte[4096];
            for (var dropped = 0; dropped < 1 << 20;)
            {
                var count = await stream.ReadAsync(rest, either.Token).ConfigureAwait(false);

                // The sender waits for the answer: what follows is an end, not a reset, which would overtake it.
                if (count == 0) return;
                dropped += count;
            }
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            // Whoever has not understood by now does not get to know.
        }

        stream.Reset();
    }

    private async ValueTask<(MessageRefusal Refusal, string Detail)> TakeInAsync(PeerId from, MessageEnvelope envelope, Charge charge, CancellationToken cancellationToken)
    {
        var options = _context.Options;
        if (envelope.Hops == 0 ? envelope.Origin is { } claimed && claimed != from : envelope.Origin is null) return (MessageRefusal.WrongOrigin, "It is not handed on and names another origin, or is and names none.");
        if (envelope.Hops > options.MaxHops) return (MessageRefusal.TooManyHops, $"It was handed on {envelope.Hops} times; at most {options.MaxHops} are accepted.");
        if (envelope.InflatedLength > options.MaxMessageBytes) return (MessageRefusal.TooLarge, $"It would inflate to {envelope.InflatedLength} bytes; at most {options.MaxMessageBytes} are taken.");
        var key = new MessageKey(envelope.Origin ?? from, envelope.Id);
        if (!TryMark(from, envelope.Type, key))
        {
            Forwarder.Heard(key, from);
            return TakenIn;
        }

        if (!_types.TryGetValue(envelope.Type, out var entry)) return (MessageRefusal.UnknownType, "Its type is not registered here.");
        var (refusal, detail, message) = Read(from, ref envelope, entry.Type, charge);
        if (message is not null)
        {
            var size = envelope.Payload.Length + MessageCodec.MaxHeadBytes;
            var inbound = new InboundMessage(message, size, charge.HandOver());
            bool taken;
            try
            {
                taken = await PeerInboxOf(from).EnqueueAsync(inbound, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                inbound.Charge.Release();
                throw;
            }

            if (taken)
            {
                _context.Metrics.Received();
                Forwarder.Offer(key, message, envelope);
                return TakenIn;
            }

            DropInbound(inbound, "Its peer's inbox was full.");
            (refusal, detail) = (MessageRefusal.Busy, "The inbox is full.");
        }

        // It may be sent again when there is room.
        if (refusal == MessageRefusal.Busy)
        {
            lock (_seenGate) _seen.Forget(key);
        }

        return (refusal, detail);
    }

    /// <summary>Reads a message; the envelope's payload is the inflated one afterwards.</summary>
    private (MessageRefusal Refusal, string Detail, ReceivedMessage? Message) Read(PeerId from, ref MessageEnvelope envelope, MessageType type, Charge charge)
    {
        if (!charge.TryRaiseTo((long)envelope.Payload.Length + envelope.InflatedLength + MessageCodec.MaxHeadBytes)) return (MessageRefusal.Busy, "The node's queues are full.", null);
        if (envelope.Compression != MessageCompression.None)
        {
            var refusal = PayloadCompression.Inflate(envelope.Payload, envelope.Compression, envelope.InflatedLength, out var inflated);
            if (refusal != MessageRefusal.None) return (refusal, $"{envelope.Payload.Length} bytes of {envelope.Compression} do not inflate to {envelope.InflatedLength} as declared.", null);
            envelope = envelope with { Payload = inflated, Compression = MessageCompression.None, InflatedLength = 0 };
            charge.LowerTo(inflated.Length + MessageCodec.MaxHeadBytes);
        }

        try
        {
            var message = type.Read(envelope, from, _context.Clock.GetUtcNow());
            return type.HasAction(message.Action) ? (MessageRefusal.None, "", message) : (MessageRefusal.UnknownAction, $"'{type.Name}' has no action {message.Action}.", null);
        }
        catch (PayloadException error)
        {
            return (MessageRefusal.BadPayload, error.Message, null);
        }
    }

    private bool TryMark(PeerId from, string type, MessageKey key)
    {
        bool isNew;
        lock (_seenGate) isNew = key.Origin != _context.Host.LocalPeer && _seen.TryAdd(key, _context.Clock.Now());
        if (isNew) return true;
        _context.Metrics.Duplicate();
        Tell(new MessageEvent.Duplicate(from, type, key.Origin, key.Id));
        return false;
    }

    private PeerInbox PeerInboxOf(PeerId from) => (PeerOf(from) ?? NewPeer(from)).Inbox;

    private async Task HandleAsync(InboundMessage inbound)
    {
        var message = inbound.Message;
        if (_stop.IsCancellationRequested)
        {
            _context.Metrics.Dropped("stopped");
            Drop(message, "The node stopped before its handlers got it.");
            return;
        }

        var handlers = HandlersOf(message);
        if (handlers.Length == 0)
        {
            _context.Metrics.Unhandled();
            Tell(new MessageEvent.Unhandled(message));
        }

        foreach (var handler in handlers)
        {
            try
            {
                await handler.Run(message, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                _context.Metrics.HandlerFailed();
                _context.Log.HandlerFailed(message.Type.Name, error);
                Tell(new MessageEvent.HandlerFailed(message, error));
            }
        }
    }

    private void DropInbound(InboundMessage inbound, string why)
    {
        inbound.Charge.Release();
        _context.Metrics.Dropped("inbox_full");
        Drop(inbound.Message, why);
    }

    private void Drop(ReceivedMessage message, string why)
    {
        _context.Log.Dropped(message.ReceivedFrom, why);
        Tell(new MessageEvent.Dropped(message, why));
    }

    private void Refuse(PeerId from, in MessageEnvelope envelope, MessageRefusal refusal, string detail)
    {
        _context.Metrics.Refused(refusal);
        _context.Log.Refused(from, refusal, detail);
        var payload = envelope.Payload[..Math.Min(envelope.Payload.Length, MessageEvent.MaxPayload)].ToArray();
        Tell(new MessageEvent.Refused(from, envelope.Type ?? "", envelope.Action, refusal, detail, payload, envelope.Payload.Length));
    }
}
