using System.Buffers;
using Starling.Net.Links;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>One large message to its peers: to each on a stream of its own in the lowest lane, compressed once, straight from the caller's memory, acknowledged.</summary>
internal sealed class LargeSend(MessageEnvelope envelope, MessageContext context, PriorityGate gate)
{
    private const int Piece = 256 << 10;
    private readonly Lock _lock = new();
    private readonly Dictionary<MessageCompression, Task<byte[]?>> _deflated = [];

    /// <summary>Sends it to one peer.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; a peer that had not taken it in yet gets nothing of it.</exception>
    public async Task<SendResult> SendAsync(PeerOutbox outbox, IPeerLink link, TimeSpan stall, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, context.Stopping);
        try
        {
            await gate.EnterAsync(link.Priority, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new SendResult(link.Peer, SendStatus.Rejected, "The node has stopped.");
        }

        using var progress = new ProgressTimer(stall, context.Clock, either.Token);
        try
        {
            var (status, detail) = await SendAsync(outbox, link, progress).ConfigureAwait(false);
            return new SendResult(link.Peer, status, detail);
        }
        catch (ProtocolNotSupportedException error)
        {
            return new SendResult(link.Peer, SendStatus.NotSupported, error.Message);
        }
        catch (Exception error) when (error is StarlingException or IOException or TimeoutException)
        {
            return new SendResult(link.Peer, SendStatus.Failed, error.Message);
        }
        catch (OperationCanceledException) when (progress.HasStalled)
        {
            return new SendResult(link.Peer, SendStatus.Backpressured, $"The peer has taken nothing for {stall.TotalSeconds:0.#} s; the message was withdrawn.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new SendResult(link.Peer, SendStatus.Rejected, "The node has stopped.");
        }
        finally
        {
            gate.Exit();
        }
    }

    private async Task<(SendStatus Status, string Detail)> SendAsync(PeerOutbox outbox, IPeerLink link, ProgressTimer progress)
    {
        var stream = await link.OpenStreamAsync([MessageCodec.Protocol], progress.Token).ConfigureAwait(false);
        stream.Priority = StreamPriority.Low;
        var ended = false;
        try
        {
            var replies = new ReplyReader(stream, outbox);
            var hello = outbox.Hello ?? await replies.HelloAsync(progress.Token).ConfigureAwait(false);
            var wire = await PrepareAsync(hello).ConfigureAwait(false);
            if (wire.Payload.Length + MessageCodec.MaxHeadBytes > hello.MaxMessageBytes || envelope.Payload.Length > hello.MaxMessageBytes)
            {
                return (SendStatus.TooLarge, $"The peer takes messages of up to {hello.MaxMessageBytes} bytes.");
            }

            using var answering = CancellationTokenSource.CreateLinkedTokenSource(progress.Token);
            var answer = replies.AnswerAsync(wire.Id, answering.Token);
            try
            {
                await WriteAsync(stream, wire, answer, progress).ConfigureAwait(false);
                progress.Restart();
                var said = await answer.ConfigureAwait(false);
                ended = said.Refusal == MessageRefusal.None;
                if (ended) context.Metrics.Saved(envelope.Payload.Length - wire.Payload.Length);
                return ended ? (SendStatus.Sent, "") : (said.Refusal == MessageRefusal.TooLarge ? SendStatus.TooLarge : SendStatus.Rejected, $"{said.Refusal}: {said.Detail}");
            }
            finally
            {
                await answering.CancelAsync().ConfigureAwait(false);
                await ((Task)answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            if (!ended) stream.Reset();
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Writes head and payload; stops early when the peer has already answered, which then is a refusal.</summary>
    private static async Task WriteAsync(IStream stream, MessageEnvelope wire, Task<MessageReply.Answer> answer, ProgressTimer progress)
    {
        var head = ArrayPool<byte>.Shared.Rent(MessageCodec.MaxHeadBytes);
        try
        {
            await stream.WriteAsync(head.AsMemory(0, MessageCodec.WriteHead(head, wire)), progress.Token).ConfigureAwait(false);
            for (var at = 0; at < wire.Payload.Length && !answer.IsCompleted; at += Piece)
            {
                await stream.WriteAsync(wire.Payload.Slice(at, Math.Min(Piece, wire.Payload.Length - at)), progress.Token).ConfigureAwait(false);
                progress.Restart();
            }

            if (!answer.IsCompleted) await stream.CloseWriteAsync(progress.Token).ConfigureAwait(false);
        }
        catch (StreamResetException) when (answer.IsCompletedSuccessfully)
        {
            // The answer says why.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(head);
        }
    }

    private async Task<MessageEnvelope> PrepareAsync(MessageReply.Hello hello)
    {
        var plain = envelope with { WantsAnswer = true };
        if (envelope.Payload.Length < context.Options.CompressFromBytes) return plain;
        var how = PayloadCompression.Spoken.FirstOrDefault(hello.Compressions.Contains);
        if (how == MessageCompression.None) return plain;
        Task<byte[]?>? deflating;
        lock (_lock)
        {
            if (!_deflated.TryGetValue(how, out deflating)) _deflated[how] = deflating = Task.Run(() => PayloadCompression.TryDeflate(envelope.Payload, how));
        }

        return await deflating.ConfigureAwait(false) is { } deflated
            ? plain with { Compression = how, InflatedLength = envelope.Payload.Length, Payload = deflated }
            : plain;
    }
}

/// <summary>A token that is cancelled when nothing has moved for a time.</summary>
internal sealed class ProgressTimer : IDisposable
{
    private readonly TimeSpan _stall;
    private readonly CancellationToken _outer;
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _either;

    public ProgressTimer(TimeSpan stall, TimeProvider clock, CancellationToken outer)
    {
        (_stall, _outer) = (stall, outer);
        _timer = new CancellationTokenSource(stall, clock);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, outer);
    }

    public CancellationToken Token => _either.Token;

    public bool HasStalled => _timer.IsCancellationRequested && !_outer.IsCancellationRequested;

    public void Restart() => _timer.CancelAfter(_stall);

    public void Dispose()
    {
        _either.Dispose();
        _timer.Dispose();
    }
}

/// <summary>Reads the replies on one stream of its own.</summary>
internal sealed class ReplyReader(IStream stream, PeerOutbox outbox)
{
    public async Task<MessageReply.Hello> HelloAsync(CancellationToken cancellationToken)
    {
        while (outbox.Hello is null) await NextAsync(cancellationToken).ConfigureAwait(false);
        return outbox.Hello;
    }

    /// <summary>The answer to a message, or to one that the peer could not read.</summary>
    public async Task<MessageReply.Answer> AnswerAsync(MessageUid id, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await NextAsync(cancellationToken).ConfigureAwait(false) is MessageReply.Answer answer && (answer.Id == id || answer.Id == default)) return answer;
        }
    }

    private async Task<MessageReply> NextAsync(CancellationToken cancellationToken)
    {
        var frame = await stream.ReadLengthDelimitedAsync(MessageReply.MaxBytes, cancellationToken).ConfigureAwait(false)
            ?? throw new ProtocolViolationException("The peer ended the stream without an answer.");
        var reply = MessageReply.Decode(frame) ?? throw new ProtocolViolationException("The peer's answer is malformed.");
        if (reply is MessageReply.Hello hello) outbox.Hello = hello;
        return reply;
    }
}
