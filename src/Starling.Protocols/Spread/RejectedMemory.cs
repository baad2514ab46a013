namespace Starling.Protocols.Spread;

/// <summary>What was rejected, with its fingerprint, bounded by count and time; the oldest makes room.</summary>
internal sealed class RejectedMemory<T>(int max)
    where T : notnull
{
    private readonly Dictionary<T, (UInt128 Fingerprint, Instant Until)> _rejected = [];
    private readonly Queue<(T What, Instant Until)> _order = new();

    public int Count => _rejected.Count;

    public void Add(T what, UInt128 fingerprint, Instant until)
    {
        _rejected[what] = (fingerprint, until);
        _order.Enqueue((what, until));
        if (_order.Count > max) Forget(_order.Dequeue());
    }

    public bool TryGet(T what, out UInt128 fingerprint)
    {
        var found = _rejected.TryGetValue(what, out var rejection);
        fingerprint = rejection.Fingerprint;
        return found;
    }

    public void Expire(Instant now)
    {
        while (_order.TryPeek(out var oldest) && oldest.Until <= now) Forget(_order.Dequeue());
    }

    private void Forget((T What, Instant Until) oldest)
    {
        if (_rejected.TryGetValue(oldest.What, out var present) && present.Until == oldest.Until) _rejected.Remove(oldest.What);
    }
}
