namespace Starling.Protocols.Yamux;

/// <summary>The whole of yamux (libp2p specification r0) without any input or output: bytes and the time go in, events and frames come out.</summary>
/// <remarks>
/// <para>Not safe for several threads: every call is made under one lock, the link's. Nothing here waits or does I/O.</para>
/// <para>Receiving: <see cref="Next"/>. Sending: say what a stream has with <see cref="Offer"/>, then take frames with <see cref="TryNextFrame"/> while there are any.</para>
/// </remarks>
public sealed partial class YamuxCore
{
    private readonly YamuxOptions _options;
    private readonly IResourceBudget _budget;
    private readonly bool _dialler;
    private readonly Dictionary<uint, YamuxStreamState> _streams = [];
    private uint _nextId;
    private int _inbound;
    private int _unaccepted;
    private int _unacknowledged;
    private long _extraWindow;
    private YamuxStatistics _statistics;

    /// <summary>Creates the core of one link.</summary>
    /// <param name="dialler">Whether this side dialled: its streams have odd ids.</param>
    /// <param name="options">Limits; read, never changed.</param>
    /// <param name="budget">For streams and window bytes: the peer's scope of the node's budget.</param>
    /// <param name="now">The present.</param>
    public YamuxCore(bool dialler, YamuxOptions options, IResourceBudget budget, Instant now)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(budget);
        options.Validate();
        _options = options;
        _budget = budget;
        _dialler = dialler;
        _nextId = dialler ? 1u : 2u;
        _pings = new FloodMeter(options.PingBurst);
        _waste = new FloodMeter(options.WasteBurst);
        LastReceived = now;
        LastUsed = now;
        _nextPing = now;
    }

    /// <summary>What was counted so far.</summary>
    public YamuxStatistics Statistics => _statistics;

    /// <summary>When anything was received last; the session's beginning before that.</summary>
    public Instant LastReceived { get; private set; }

    /// <summary>When payload of a stream was last received or taken for sending; the session's beginning before that.</summary>
    public Instant LastUsed { get; private set; }

    /// <summary>Streams in the table.</summary>
    public int StreamCount => _streams.Count;

    /// <summary>Every stream in the table.</summary>
    public IEnumerable<YamuxStreamState> Streams => _streams.Values;

    /// <summary>Whether the session is over for one side or the other.</summary>
    public bool Closing => _goAway is not null || _closed;

    /// <summary>Whether the backlog of unacknowledged streams has room.</summary>
    public bool CanOpen => _unacknowledged < (_statistics.FramesIn == 0 ? Math.Min(_options.EarlyBacklog, _options.OutboundBacklog) : _options.OutboundBacklog);

    /// <summary>Opens a stream. Its SYN rides on the first frame that it causes: data, an end, or <see cref="Announce"/>.</summary>
    /// <returns>The stream, or null when the stream budget of the peer or the node is used up.</returns>
    /// <exception cref="InvalidOperationException">The backlog is full, the session is closing or its ids are used up.</exception>
    public YamuxStreamState? Open()
    {
        if (!CanOpen) throw new InvalidOperationException("The backlog of unacknowledged streams is full.");
        if (Closing) throw new InvalidOperationException("The session is closing.");
        if (_nextId > uint.MaxValue - 2) throw new InvalidOperationException("All stream ids of this link are used up; connect anew.");
        if (!_budget.TryAcquire(ResourceKind.Streams)) return null;
        var stream = new YamuxStreamState(_nextId, Direction.Outbound) { OpeningUnsent = true, AckAwaited = true };
        _nextId += 2;
        _unacknowledged++;
        _streams.Add(stream.Id, stream);
        _statistics.StreamsOpened++;
        return stream;
    }

    /// <summary>The application took an inbound stream.</summary>
    public void Accept(YamuxStreamState stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.Unaccepted) return;
        stream.Unaccepted = false;
        _unaccepted--;
    }

    /// <summary>Resets an inbound stream that nobody can take, and counts it as refused.</summary>
    public void Refuse(YamuxStreamState stream, Instant now)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _statistics.StreamsRefused++;
        _flooded |= !_waste.TryCount(now);
        Reset(stream);
    }

    /// <summary>Sends a stream's outstanding SYN or ACK now, on a frame of its own, because nothing that could carry it is about to be sent.</summary>
    public void Announce(YamuxStreamState stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.Gone && (stream.OpeningUnsent || stream.AckDue)) QueueControl(stream);
    }

    /// <summary>Ends our direction. Nothing may be offered any more.</summary>
    public void Finish(YamuxStreamState stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.Gone || stream.LocalEnded) return;
        stream.LocalEnded = true;
        stream.FinDue = true;
        QueueControl(stream);
    }

    /// <summary>Resets the stream. The peer is told unless it never heard of the stream.</summary>
    public void Reset(YamuxStreamState stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.Gone) return;
        Remove(stream);
        stream.Queued = 0;
        if (stream.OpeningUnsent)
        {
            stream.FinDue = false;
            return;
        }

        stream.RstDue = true;
        _statistics.ResetsOut++;
        QueueControl(stream);
    }

    /// <summary>Forgets every stream and gives the budget back. No call but reading statistics makes sense afterwards.</summary>
    public void Release()
    {
        foreach (var stream in _streams.Values.ToArray()) Remove(stream);
    }

    private void Remove(YamuxStreamState stream)
    {
        stream.Gone = true;
        if (stream.InReady) _lanes.Remove(stream);
        _streams.Remove(stream.Id);
        _budget.Release(ResourceKind.Streams);
        var extra = stream.ReceiveWindow - YamuxOptions.InitialWindow;
        if (extra > 0)
        {
            _extraWindow -= extra;
            _budget.Release(ResourceKind.WindowBytes, extra);
        }

        Accept(stream);
        Acknowledged(stream);
        if (stream.Direction == Direction.Inbound) _inbound--;
    }

    private void RemoveIfEnded(YamuxStreamState stream)
    {
        if (stream.LocalEnded && stream.RemoteEnded && !stream.FinDue && !stream.Gone) Remove(stream);
    }

    private void Acknowledged(YamuxStreamState stream)
    {
        if (!stream.AckAwaited) return;
        stream.AckAwaited = false;
        _unacknowledged--;
    }
}
