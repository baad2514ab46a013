namespace Starling.Protocols.PubSub.Scoring;

/// <summary>What is known of a message.</summary>
internal enum DeliveryState
{
    /// <summary>It is being validated.</summary>
    Open,

    /// <summary>It was found valid.</summary>
    Valid,

    /// <summary>It was found invalid.</summary>
    Invalid,

    /// <summary>It was left aside without blame.</summary>
    Ignored,
}

/// <summary>One message and who brought copies of it.</summary>
internal sealed class Delivery
{
    private List<PeerId>? _senders;

    public DeliveryState State { get; set; }

    /// <summary>When it was found valid.</summary>
    public Instant ValidAt { get; set; }

    public IReadOnlyList<PeerId> Senders => _senders ?? (IReadOnlyList<PeerId>)[];

    public bool HasSender(PeerId peer) => _senders?.Contains(peer) == true;

    public void AddSender(PeerId peer) => (_senders ??= []).Add(peer);

    public void ForgetSenders() => _senders = null;
}

/// <summary>The messages of the last while, bounded by time and by count.</summary>
internal sealed class Deliveries(PeerScoreOptions options, PeerScoreCounters counters)
{
    private readonly Dictionary<MessageId, Delivery> _all = [];
    private readonly Queue<(MessageId Id, Instant Until)> _order = new();

    public int Count => _all.Count;

    public Delivery? Find(MessageId id) => _all.GetValueOrDefault(id);

    public Delivery Ensure(MessageId id, Instant now)
    {
        if (_all.TryGetValue(id, out var known)) return known;
        Expire(now);
        if (_all.Count >= options.MaxDeliveries)
        {
            _all.Remove(_order.Dequeue().Id);
            counters.CountDeliveryEvicted();
        }

        var made = new Delivery();
        _all.Add(id, made);
        _order.Enqueue((id, now + options.DeliveryTime));
        return made;
    }

    public void Expire(Instant now)
    {
        while (_order.TryPeek(out var oldest) && oldest.Until <= now) _all.Remove(_order.Dequeue().Id);
    }
}
