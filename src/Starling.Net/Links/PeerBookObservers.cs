using Microsoft.Extensions.Logging;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>Tells observers of changed peers, one call at a time and without any lock, so that an observer may hold its own and use the book. Safe for several threads.</summary>
/// <remarks>Changes of one peer that pile up while an observer runs are told once, as they are then.</remarks>
internal sealed class PeerBookObservers(Func<PeerId, PeerEntry?> find, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly HashSet<PeerId> _waiting = [];
    private readonly Queue<PeerId> _order = new();
    private Action<PeerId, PeerEntry?>[] _observers = [];
    private bool _isTelling;

    public IDisposable Add(Action<PeerId, PeerEntry?> observer)
    {
        lock (_gate) _observers = [.. _observers, observer];
        return new Observation(this, observer);
    }

    public void Tell(IEnumerable<PeerId> changed)
    {
        lock (_gate)
        {
            if (_observers.Length == 0) return;
            foreach (var peer in changed)
            {
                if (_waiting.Add(peer)) _order.Enqueue(peer);
            }

            if (_isTelling) return;
            _isTelling = true;
        }

        while (Next() is var (peer, observers))
        {
            var entry = find(peer);
            foreach (var observer in observers) Guard(observer, peer, entry);
        }
    }

    private (PeerId Peer, Action<PeerId, PeerEntry?>[] Observers)? Next()
    {
        lock (_gate)
        {
            _isTelling = _order.TryDequeue(out var peer);
            if (peer is null) return null;
            _waiting.Remove(peer);
            return (peer, _observers);
        }
    }

    private void Guard(Action<PeerId, PeerEntry?> observer, PeerId peer, PeerEntry? entry)
    {
        try
        {
            observer(peer, entry);
        }
        catch (Exception error)
        {
            PeersLog.ObserverFailed(logger, "peer book", error);
        }
    }

    private sealed class Observation(PeerBookObservers book, Action<PeerId, PeerEntry?> observer) : IDisposable
    {
        public void Dispose()
        {
            lock (book._gate) book._observers = [.. book._observers.Where(one => one != observer)];
        }
    }
}
