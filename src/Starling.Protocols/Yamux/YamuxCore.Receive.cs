namespace Starling.Protocols.Yamux;

public sealed partial class YamuxCore
{
    private readonly byte[] _partial = new byte[YamuxHeader.Size];
    private FloodMeter _waste;
    private int _partialCount;
    private uint _bodyLeft;
    private YamuxStreamState? _body;
    private YamuxStreamState? _endAfterBody;
    private bool _closed;
    private bool _flooded;

    /// <summary>Takes input up to the next event, at any split of the bytes.</summary>
    /// <param name="input">What was received; what is used up is cut off its front.</param>
    /// <param name="now">The present.</param>
    /// <param name="happened">The event, when there is one.</param>
    /// <param name="payload">For <see cref="YamuxEventKind.Data"/>, the bytes: a part of the input.</param>
    /// <returns>False when all input is used up and nothing more happened.</returns>
    public bool Next(scoped ref ReadOnlySpan<byte> input, Instant now, out YamuxEvent happened, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        happened = default;
        if (!input.IsEmpty) LastReceived = now;
        while (!_closed)
        {
            if (_bodyLeft > 0)
            {
                if (input.IsEmpty) return false;
                payload = input[..(int)Math.Min(_bodyLeft, (uint)input.Length)];
                input = input[payload.Length..];
                if (TakeBody(payload.Length))
                {
                    happened = new YamuxEvent(YamuxEventKind.Data, _body);
                    return true;
                }

                payload = default;
                continue;
            }

            if (_endAfterBody is { } ended)
            {
                _endAfterBody = null;
                if (ended.Gone) continue;
                ended.RemoteEnded = true;
                RemoveIfEnded(ended);
                happened = new YamuxEvent(YamuxEventKind.Ended, ended);
                return true;
            }

            if (!TakeHeader(ref input, out var header)) return false;
            if (OnHeader(header, now) is { } made)
            {
                happened = made;
                return true;
            }
        }

        input = default;
        return false;
    }

    private bool TakeBody(int count)
    {
        _bodyLeft -= (uint)count;
        if (_body is { Gone: false })
        {
            _statistics.BytesIn += count;
            LastUsed = LastReceived;
            return true;
        }

        _statistics.BytesDropped += count;
        return false;
    }

    private bool TakeHeader(ref ReadOnlySpan<byte> input, out YamuxHeader header)
    {
        if (_partialCount == 0 && input.Length >= YamuxHeader.Size)
        {
            header = YamuxHeader.Read(input);
            input = input[YamuxHeader.Size..];
            return true;
        }

        var count = Math.Min(input.Length, YamuxHeader.Size - _partialCount);
        input[..count].CopyTo(_partial.AsSpan(_partialCount));
        input = input[count..];
        _partialCount += count;
        header = default;
        if (_partialCount < YamuxHeader.Size) return false;
        _partialCount = 0;
        header = YamuxHeader.Read(_partial);
        return true;
    }

    private YamuxEvent? OnHeader(YamuxHeader header, Instant now)
    {
        _statistics.FramesIn++;
        if (_flooded) return Violation("more refused streams than are tolerated");
        if (header.Version != 0) return Violation($"version {header.Version} instead of 0");
        switch (header.Type)
        {
            case YamuxFrameType.Ping when header.StreamId == 0: return OnPing(header, now);
            case YamuxFrameType.GoAway when header.StreamId == 0: return OnGoAway(header.Length);
            case YamuxFrameType.Data or YamuxFrameType.WindowUpdate when header.StreamId != 0: return OnStreamFrame(header, now);
            case <= YamuxFrameType.GoAway: return Violation($"a {header.Type} frame for stream {header.StreamId}");
            default: return Violation($"unknown frame type {(byte)header.Type}");
        }
    }

    private YamuxEvent? OnStreamFrame(YamuxHeader header, Instant now)
    {
        YamuxStreamState? opened = null;
        if (header.Flags.HasFlag(YamuxFlags.Syn))
        {
            if ((header.StreamId % 2 == 1) == _dialler) return Violation($"the peer opened stream {header.StreamId}, an id of this side");
            if (_streams.ContainsKey(header.StreamId)) return Violation($"the peer opened stream {header.StreamId} twice");
            opened = AcceptOrRefuse(header);
            if (opened is null && !_waste.TryCount(now)) return Violation("more refused streams than are tolerated");
        }

        _body = null;
        _bodyLeft = header.Type == YamuxFrameType.Data ? header.Length : 0;
        if (!_streams.TryGetValue(header.StreamId, out var stream)) return Drop(header, now);
        if (header.Flags.HasFlag(YamuxFlags.Ack)) Acknowledged(stream);
        if (header.Flags.HasFlag(YamuxFlags.Rst)) return OnReset(stream, now);
        var fault = header.Type == YamuxFrameType.Data ? OnData(stream, header, now) : OnWindowUpdate(stream, header, now);
        if (fault is not null) return fault;
        if (header.Flags.HasFlag(YamuxFlags.Fin) && !stream.RemoteEnded) _endAfterBody = stream;
        return opened is null ? null : new YamuxEvent(YamuxEventKind.Opened, opened);
    }

    private YamuxStreamState? AcceptOrRefuse(YamuxHeader header)
    {
        if (header.Flags.HasFlag(YamuxFlags.Rst)) return null;
        if (Closing) return null;
        if (_inbound >= _options.MaxInboundStreams || _unaccepted >= _options.AcceptBacklog || !_budget.TryAcquire(ResourceKind.Streams))
        {
            _statistics.StreamsRefused++;
            _statistics.ResetsOut++;
            QueueControl(new YamuxStreamState(header.StreamId, Direction.Inbound) { Gone = true, RstDue = true });
            return null;
        }

        var stream = new YamuxStreamState(header.StreamId, Direction.Inbound) { AckDue = true, Unaccepted = true };
        _inbound++;
        _unaccepted++;
        _streams.Add(stream.Id, stream);
        _statistics.StreamsAccepted++;
        return stream;
    }

    private YamuxEvent? Drop(YamuxHeader header, Instant now)
    {
        _statistics.FramesDropped++;
        var ours = (header.StreamId % 2 == 1) == _dialler;
        var neverWas = ours && header.StreamId >= _nextId;
        var empty = header.Length == 0 && header.Flags is YamuxFlags.None;
        return (neverWas || empty) && !_waste.TryCount(now) ? Violation("more frames of streams that do not exist than are tolerated") : null;
    }

    private YamuxEvent? OnReset(YamuxStreamState stream, Instant now)
    {
        _statistics.ResetsIn++;
        if (!_waste.TryCount(now)) return Violation("more resets than are tolerated");
        Remove(stream);
        stream.Queued = 0;
        return new YamuxEvent(YamuxEventKind.Reset, stream);
    }

    private YamuxEvent? OnData(YamuxStreamState stream, YamuxHeader header, Instant now)
    {
        if (header.Length == 0)
            return header.Flags == YamuxFlags.None && !_waste.TryCount(now) ? Violation("more empty frames than are tolerated") : null;
        if (header.Length > stream.ReceiveLeft)
            return Violation($"stream {stream.Id} announced {header.Length} bytes with a window of {stream.ReceiveLeft}");
        if (stream.RemoteEnded)
        {
            Reset(stream);
            return new YamuxEvent(YamuxEventKind.Reset, stream);
        }

        stream.ReceiveLeft -= header.Length;
        stream.Unread += header.Length;
        _body = stream;
        return null;
    }

    private YamuxEvent? OnWindowUpdate(YamuxStreamState stream, YamuxHeader header, Instant now)
    {
        if (header.Length == 0)
            return header.Flags == YamuxFlags.None && !_waste.TryCount(now) ? Violation("more empty frames than are tolerated") : null;
        if (stream.SendWindow + header.Length > uint.MaxValue)
            return Violation($"stream {stream.Id} was given a window of more than {uint.MaxValue} bytes");
        stream.SendWindow += header.Length;
        QueueReady(stream);
        return null;
    }

    private YamuxEvent Violation(string what) => Close(CloseReason.ProtocolError, $"yamux: {what}");

    private YamuxEvent Close(CloseReason reason, string detail)
    {
        _closed = true;
        return new YamuxEvent(YamuxEventKind.Closed, Close: new CloseInfo(reason, detail));
    }
}
