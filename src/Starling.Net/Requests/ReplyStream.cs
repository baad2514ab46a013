using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>A stream that carries one streamed reply at a time. Its reader is held up by nobody but itself, and holds up only its own handler. For one reader.</summary>
internal sealed class ReplyStream(IStream stream, string name, RequestLimits limits, ResourceBudget budget) : IAsyncDisposable
{
    private readonly FrameReceiver _receiver = new(limits, budget);
    private ulong _last;

    /// <summary>The handler that it was used for.</summary>
    public string Name { get; } = name;

    /// <summary>When it was last used.</summary>
    public Instant LastUsed { get; set; }

    /// <summary>Whether a call is not answered to its end, so that the stream cannot serve another.</summary>
    public bool InCall { get; private set; }

    public IStream Stream => stream;

    /// <summary>Sends a call.</summary>
    public ValueTask CallAsync(byte[] name, ulong timeoutMilliseconds, ReadOnlyMemory<byte> traceParent, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        InCall = true;
        var frame = new RequestFrame
        {
            Id = ++_last,
            Kind = RequestFrameKind.Call,
            Name = name,
            TimeoutMilliseconds = timeoutMilliseconds,
            Streaming = true,
            TraceParent = traceParent.Span,
            Payload = payload.Span,
        };
        var bytes = new byte[RequestCodec.SizeOf(frame)];
        RequestCodec.Write(bytes, frame);
        return stream.WriteAsync(bytes, cancellationToken);
    }

    /// <summary>The next item, or null when the reply is complete.</summary>
    /// <exception cref="RequestException">The reply ends with an error.</exception>
    /// <exception cref="ProtocolViolationException">The peer broke the protocol.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken cancellationToken)
    {
        while (InCall)
        {
            if (TryTake(out var item)) return item;
            if (!InCall) return null;
            var count = await stream.ReadAsync(_receiver.Prepare(), cancellationToken);
            if (count == 0) throw new StreamResetException("The stream ended before the answer did.", byRemote: true);
            _receiver.Filled(count);
        }

        return null;
    }

    public ValueTask DisposeAsync()
    {
        _receiver.Dispose();
        return stream.DisposeAsync();
    }

    private bool TryTake(out ReadOnlyMemory<byte>? item)
    {
        item = null;
        switch (_receiver.TryNext(out var frame, out var noMemory))
        {
            case FrameStatus.NeedMore:
                return false;
            case FrameStatus.Malformed:
                throw new ProtocolViolationException("The peer sent bytes that are no request frame.");
            case FrameStatus.TooLarge:
                throw noMemory
                    ? new RequestException(RequestFailure.Busy, "An item was dropped: this node's queue budget is used up.")
                    : new RequestException(RequestFailure.TooLarge, "An item is larger than this node accepts (Requests:MaxPayloadBytes).");
        }

        if (frame.Id != _last || frame.Kind is RequestFrameKind.Call or RequestFrameKind.Cancel) throw new ProtocolViolationException($"A {frame.Kind} frame of number {frame.Id} may not come here.");
        InCall = frame.Kind == RequestFrameKind.Item;
        if (frame.Kind == RequestFrameKind.Error) throw RequestErrors.OfFrame(stream.Connection.RemotePeer, frame);
        if (frame.Kind == RequestFrameKind.End) return false;
        item = frame.Payload.ToArray();
        return true;
    }
}
