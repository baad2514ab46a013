namespace Starling.Protocols.Streams;

/// <summary>Puts the bundles of one topic in order, origin by origin: each message once, gaps recovered or told, restarts understood. One thread at a time.</summary>
/// <remarks>An origin is followed from the first message that was heard of it. Where that is not its first one, neighbours' logs are asked for
/// what they took in since this receiver began, so that a message that overtook others does not hide them.</remarks>
public sealed partial class StreamReceiver
{
    private readonly StreamOptions _options;
    private readonly StreamCounters _counters;
    private readonly Instant _began;
    private readonly Dictionary<PeerId, StreamOrigin> _origins = [];
    private readonly LinkedList<StreamOrigin> _uses = new();
    private readonly HashSet<StreamOrigin> _waiting = [];
    private readonly List<StreamOrigin> _due = [];
    private long _heldBytes;

    /// <summary>Creates the receiver.</summary>
    /// <param name="options">The bounds.</param>
    /// <param name="counters">Counts; several receivers may share one.</param>
    /// <param name="now">When the topic is followed from.</param>
    /// <param name="joining">Whether to hold everything back until <see cref="EndJoin"/>.</param>
    public StreamReceiver(StreamOptions options, StreamCounters counters, Instant now, bool joining = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(counters);
        (_options, _counters, _began) = (options, counters, now);
        _joining = joining ? [] : null;
    }

    /// <summary>When <see cref="Tick"/> has something to do; <see cref="Instant.Never"/> when nothing waits.</summary>
    public Instant NextTick
    {
        get
        {
            var next = Instant.Never;
            foreach (var origin in _waiting)
            {
                if (origin.Deadline < next) next = origin.Deadline;
                if (!origin.IsRecovering && origin.RecoverAt < next) next = origin.RecoverAt;
            }

            return next;
        }
    }

    /// <summary>Bytes that are held back now.</summary>
    public long HeldBytes => _heldBytes;

    /// <summary>Origins whose order is kept now.</summary>
    public int OriginCount => _origins.Count;

    /// <summary>Takes a bundle in.</summary>
    public void Receive(StreamBundle bundle, Instant now, ICollection<StreamEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(effects);
        if (_joining is not null) HoldForJoin(bundle);
        else Take(bundle, now, effects);
    }

    /// <summary>Whether any message of an epoch before a counter is still awaited.</summary>
    public bool IsMissing(PeerId origin, ulong epoch, ulong end) => _origins.TryGetValue(origin, out var state) && state.Epoch == epoch && state.Next < end;

    /// <summary>The neighbours that were asked by <see cref="StreamEffectKind.Recover"/> have answered, or none could be asked.</summary>
    public void RecoveryEnded(PeerId origin, ulong epoch, Instant now, ICollection<StreamEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_origins.TryGetValue(origin, out var state) || state.Epoch != epoch || !state.IsRecovering) return;
        var helped = state.Next > state.AskedFrom;
        state.IsRecovering = false;
        state.Attempts = helped ? 0 : Math.Min(state.Attempts + 1, 10);
        state.RecoverAt = helped ? now : now + (_options.RecoveryDelay * (1 << state.Attempts));
        if (state.IsFirstContact) BeginAtHead(state, now, effects);
    }

    /// <summary>Does what has become due: asks for recovery, gives gaps up.</summary>
    public void Tick(Instant now, ICollection<StreamEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        foreach (var state in _waiting)
        {
            if (state.Deadline <= now || (state.RecoverAt <= now && !state.IsRecovering)) _due.Add(state);
        }

        foreach (var state in _due)
        {
            if (state.Deadline <= now) GiveUp(state, now, effects);
            else AskRecovery(state, effects);
        }

        _due.Clear();
    }

    private void Take(StreamBundle bundle, Instant now, ICollection<StreamEffect> effects)
    {
        var header = bundle.Header;
        var state = Find(bundle, now, effects, out var isNew);
        if (header.Epoch < state.Epoch)
        {
            _counters.CountStale();
            if (state.IsToldStale || bundle.IsReplayed || !bundle.ReceivedFrom.Equals(bundle.Origin)) return;
            state.IsToldStale = true;
            effects.Add(new StreamEffect(StreamEffectKind.Stale, state.Id, header.Epoch, header.First, (ulong)header.Count, bundle));
            return;
        }

        if (header.Epoch > state.Epoch)
        {
            while (state.HasGap) SkipGap(state, now, effects);
            state.BeginEpoch(header.Epoch);
        }

        if (isNew && header.First > 0)
        {
            // An empty bundle says where its origin stands, and nothing before it was ever promised.
            if (header.Count == 0) state.Next = header.First;
            else state.IsFirstContact = true;
        }

        state.Learn(header.End);
        if (header.Count > 0 && header.End <= state.Next)
        {
            _counters.CountDuplicate();
            return;
        }

        var before = state.Next;
        if (!state.IsFirstContact && header.Count > 0 && header.First <= state.Next) Deliver(state, bundle, effects);
        else if (header.Count > 0) Hold(state, bundle);
        Advance(state, before, bundle.IsReplayed, now, effects);
        if (state.IsFirstContact && !state.IsRecovering) AskRecovery(state, effects);
    }

    private void Hold(StreamOrigin state, StreamBundle bundle)
    {
        if (_heldBytes + bundle.Size > _options.MaxHeldBytes)
        {
            // It is known to exist: once what comes before it is there, it is the next gap, and asked for.
            _counters.CountHeldFull();
            if (!state.IsFirstContact || state.Head is not null) return;
            state.IsFirstContact = false;
            state.Next = bundle.Header.First;
        }
        else if (state.Hold(bundle))
        {
            _heldBytes += bundle.Size;
        }
        else
        {
            _counters.CountDuplicate();
        }
    }

    /// <summary>Delivers what has no gap before it any more, and sets the times of what has.</summary>
    private void Advance(StreamOrigin state, ulong before, bool isReplayed, Instant now, ICollection<StreamEffect> effects)
    {
        while (!state.IsFirstContact && state.TakeDue() is { } bundle)
        {
            _heldBytes -= bundle.Size;
            Deliver(state, bundle, effects);
        }

        if (!state.HasGap && !state.IsFirstContact)
        {
            state.Deadline = state.RecoverAt = Instant.Never;
            state.Attempts = 0;
            _waiting.Remove(state);
            return;
        }

        var isNewGap = _waiting.Add(state) || state.Next != before;
        if (isNewGap || isReplayed) state.Deadline = now + _options.ReorderTimeout;
        if (isNewGap) state.RecoverAt = now + _options.RecoveryDelay;
    }

    private void Deliver(StreamOrigin state, StreamBundle bundle, ICollection<StreamEffect> effects)
    {
        var end = bundle.Header.End;
        if (end <= state.Next) return;
        var first = Math.Max(state.Next, bundle.Header.First);
        effects.Add(new StreamEffect(StreamEffectKind.Deliver, state.Id, state.Epoch, first, end - first, bundle, state.MissedBefore));
        _counters.CountDelivered(end - first);
        if (bundle.IsReplayed) _counters.CountRecovered(end - first);
        state.MissedBefore = 0;
        state.Next = end;
    }

    private void AskRecovery(StreamOrigin state, ICollection<StreamEffect> effects)
    {
        state.IsRecovering = true;
        state.AskedFrom = state.Next;
        state.RecoverAt = Instant.Never;
        effects.Add(new StreamEffect(
            StreamEffectKind.Recover, state.Id, state.Epoch, state.Next, state.GapEnd - state.Next, state.Head, Heard: state.IsFirstContact ? _began : null));
    }

    private void GiveUp(StreamOrigin state, Instant now, ICollection<StreamEffect> effects)
    {
        if (state.IsFirstContact) BeginAtHead(state, now, effects);
        else SkipGap(state, now, effects);
    }

    /// <summary>Nothing earlier is known to have come since this receiver began: the origin is followed from here on.</summary>
    private void BeginAtHead(StreamOrigin state, Instant now, ICollection<StreamEffect> effects)
    {
        var before = state.Next;
        state.IsFirstContact = false;
        state.Next = state.GapEnd;
        Advance(state, before, isReplayed: false, now, effects);
    }

    private void SkipGap(StreamOrigin state, Instant now, ICollection<StreamEffect> effects)
    {
        var (before, end) = (state.Next, state.GapEnd);
        if (state.IsFirstContact)
        {
            BeginAtHead(state, now, effects);
            return;
        }

        effects.Add(new StreamEffect(StreamEffectKind.Missed, state.Id, state.Epoch, before, end - before));
        _counters.CountMissed(end - before);
        state.MissedBefore += end - before;
        state.Next = end;
        state.IsRecovering = false;
        Advance(state, before, isReplayed: false, now, effects);
    }

    private StreamOrigin Find(StreamBundle bundle, Instant now, ICollection<StreamEffect> effects, out bool isNew)
    {
        isNew = !_origins.TryGetValue(bundle.Origin, out var state);
        if (state is null)
        {
            if (_origins.Count >= _options.MaxOrigins) Evict(now, effects);
            state = new StreamOrigin(bundle.Origin, bundle.Header.Epoch);
            state.Use = _uses.AddLast(state);
            _origins.Add(bundle.Origin, state);
        }
        else if (!ReferenceEquals(_uses.Last, state.Use))
        {
            _uses.Remove(state.Use!);
            _uses.AddLast(state.Use!);
        }

        return state;
    }

    private void Evict(Instant now, ICollection<StreamEffect> effects)
    {
        var oldest = _uses.First!.Value;
        while (oldest.HasGap) SkipGap(oldest, now, effects);
        _uses.RemoveFirst();
        _origins.Remove(oldest.Id);
        _waiting.Remove(oldest);
        _counters.CountOriginEvicted();
    }
}
