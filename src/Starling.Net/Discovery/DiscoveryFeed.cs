using Microsoft.Extensions.Logging;

namespace Starling.Net.Discovery;

/// <summary>The peers that one discovery knows, and those who want to hear of them; part of every <see cref="IDiscovery"/>.</summary>
/// <remarks>Safe for several threads. Observers are called one at a time, under the feed's lock, which keeps what a new one is
/// told first in step with what follows. Bounded by what its discovery keeps.</remarks>
public sealed class DiscoveryFeed(ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<object, DiscoveredPeer> _known = [];
    private readonly List<IDiscoveryObserver> _observers = [];

    /// <summary>The peers that are known now.</summary>
    public IReadOnlyList<DiscoveredPeer> Known
    {
        get
        {
            lock (_gate) return [.. _known.Values];
        }
    }

    /// <summary>Adds an observer and tells it of every known peer.</summary>
    public IDisposable Add(IDiscoveryObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        lock (_gate)
        {
            _observers.Add(observer);
            foreach (var peer in _known.Values) Tell(observer, peer, found: true);
        }

        return new Subscription(this, observer);
    }

    /// <summary>Makes a peer known, or replaces what was known of it.</summary>
    public void Found(DiscoveredPeer peer)
    {
        lock (_gate)
        {
            _known[KeyOf(peer)] = peer;
            foreach (var observer in _observers.ToArray()) Tell(observer, peer, found: true);
        }
    }

    /// <summary>Forgets a peer.</summary>
    public void Lost(PeerId peer)
    {
        lock (_gate)
        {
            if (!_known.Remove(peer, out var gone)) return;
            foreach (var observer in _observers.ToArray()) Tell(observer, gone, found: false);
        }
    }

    /// <summary>Forgets every peer.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            foreach (var gone in _known.Values)
            {
                foreach (var observer in _observers.ToArray()) Tell(observer, gone, found: false);
            }

            _known.Clear();
        }
    }

    private static object KeyOf(DiscoveredPeer peer) => peer.Peer is { } id ? id : peer.Addresses[0];

    private void Tell(IDiscoveryObserver observer, DiscoveredPeer peer, bool found)
    {
        try
        {
            if (found) observer.OnFound(peer);
            else observer.OnLost(peer);
        }
        catch (Exception fault)
        {
            DiscoveryLog.ObserverFailed(logger, peer.Source, fault);
        }
    }

    private sealed class Subscription(DiscoveryFeed feed, IDiscoveryObserver observer) : IDisposable
    {
        public void Dispose()
        {
            lock (feed._gate) feed._observers.Remove(observer);
        }
    }
}
