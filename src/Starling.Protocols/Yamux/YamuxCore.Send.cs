namespace Starling.Protocols.Yamux;

public sealed partial class YamuxCore
{
    /// <summary>Payload of a frame when one stream sends alone: four TLS records of 16 KiB, as a usual bulk write of 64 KiB fills them.</summary>
    public const int FramePayload = 64 << 10;

    /// <summary>Payload of a frame when several streams take turns: with its header it fills one TLS record.</summary>
    public const int SharedFramePayload = (16 << 10) - YamuxHeader.Size;

    private readonly Queue<YamuxStreamState> _control = new();
    private readonly SendLanes _lanes = new();

    /// <summary>Whether payload may be ready to send.</summary>
    public bool HasData => !_lanes.IsEmpty && !Closing;

    /// <summary>Whether <see cref="TryNextFrame"/> may have a frame.</summary>
    public bool HasWork => !_goAwaySent && (_control.Count > 0 || _pongs.Count > 0 || _pingDue || _goAway is not null || HasData);

    /// <summary>Says how many bytes the application has waiting on a stream, in all; 0 withdraws the offer.</summary>
    public void Offer(YamuxStreamState stream, int bytes)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.Gone) return;
        stream.Queued = bytes;
        if (bytes == 0 && stream.InReady) _lanes.Remove(stream);
        else QueueReady(stream);
    }

    /// <summary>Moves a stream to another lane, for what is sent from now on.</summary>
    public void SetPriority(YamuxStreamState stream, StreamPriority priority)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!Enum.IsDefined(priority)) throw new ArgumentOutOfRangeException(nameof(priority), priority, "This is no lane.");
        if (priority == stream.Priority) return;
        var waits = stream.InReady;
        if (waits) _lanes.Remove(stream);
        stream.Priority = priority;
        if (waits) _lanes.Add(stream);
    }

    /// <summary>Takes the next frame: control before data, data by lane, the streams of a lane in turn.</summary>
    /// <param name="now">The present.</param>
    /// <param name="header">What to send first.</param>
    /// <param name="stream">The stream whose next <paramref name="payload"/> offered bytes follow the header, or null.</param>
    /// <param name="payload">How many; at most <see cref="FramePayload"/>.</param>
    /// <returns>False when there is nothing to send now.</returns>
    public bool TryNextFrame(Instant now, out YamuxHeader header, out YamuxStreamState? stream, out int payload)
    {
        header = default;
        stream = null;
        payload = 0;
        if (_goAwaySent) return false;
        if (!TryNextControl(now, out header) && !TryNextData(out header, out stream, out payload)) return false;

        _statistics.FramesOut++;
        _statistics.BytesOut += payload;
        if (payload > 0) LastUsed = now;
        return true;
    }

    private bool TryNextControl(Instant now, out YamuxHeader header)
    {
        if (_pongs.TryDequeue(out var value))
        {
            header = new YamuxHeader(YamuxFrameType.Ping, YamuxFlags.Ack, 0, value);
            return true;
        }

        if (_pingDue)
        {
            _pingDue = false;
            _pingAwaited = true;
            _pingSent = _waitingSince = now;
            header = new YamuxHeader(YamuxFrameType.Ping, YamuxFlags.Syn, 0, ++_pingValue);
            return true;
        }

        while (_control.TryDequeue(out var stream))
        {
            if (TryCompose(stream, out header)) return true;
        }

        header = default;
        if (_goAway is not { } code) return false;
        _goAwaySent = true;
        header = new YamuxHeader(YamuxFrameType.GoAway, YamuxFlags.None, 0, (uint)code);
        return true;
    }

    /// <summary>One window update carries all that a stream has to say: its opening, its acknowledgement, credit, its end.</summary>
    private bool TryCompose(YamuxStreamState stream, out YamuxHeader header)
    {
        stream.InControl = false;
        header = default;
        if (stream.RstDue && !stream.FinDue)
        {
            stream.RstDue = false;
            header = new YamuxHeader(YamuxFrameType.WindowUpdate, YamuxFlags.Rst, stream.Id, 0);
            return true;
        }

        if (stream.Gone && !stream.FinDue) return false;
        var flags = TakeOpeningFlags(stream);
        if (stream.FinDue)
        {
            // An end that is still to be told comes before a reset: it says that everything before it is whole.
            stream.FinDue = false;
            flags |= YamuxFlags.Fin;
            if (stream.RstDue) QueueControl(stream);
        }

        if (flags == YamuxFlags.None && stream.CreditDue == 0) return false;
        header = new YamuxHeader(YamuxFrameType.WindowUpdate, flags, stream.Id, stream.CreditDue);
        stream.CreditDue = 0;
        RemoveIfEnded(stream);
        return true;
    }

    private bool TryNextData(out YamuxHeader header, out YamuxStreamState? stream, out int payload)
    {
        header = default;
        payload = 0;
        stream = _lanes.Next();
        if (stream is null) return false;
        var most = _lanes.IsEmpty ? FramePayload : SharedFramePayload;
        payload = (int)Math.Min(Math.Min(stream.Queued, most), stream.SendWindow);
        stream.Queued -= payload;
        stream.SendWindow -= payload;
        header = new YamuxHeader(YamuxFrameType.Data, TakeOpeningFlags(stream), stream.Id, (uint)payload);
        QueueReady(stream);
        _lanes.Sent(stream.Priority, payload);
        return true;
    }

    private static YamuxFlags TakeOpeningFlags(YamuxStreamState stream)
    {
        var flags = YamuxFlags.None;
        if (stream.OpeningUnsent) flags |= YamuxFlags.Syn;
        if (stream.AckDue) flags |= YamuxFlags.Ack;
        stream.OpeningUnsent = false;
        stream.AckDue = false;
        return flags;
    }

    private void QueueControl(YamuxStreamState stream)
    {
        if (stream.InControl || _goAway is not null) return;
        stream.InControl = true;
        _control.Enqueue(stream);
    }

    private void QueueReady(YamuxStreamState stream)
    {
        if (stream.InReady || stream.Gone || stream.Queued == 0 || stream.SendWindow == 0) return;
        _lanes.Add(stream);
    }
}
