using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Starling.Net.Discovery;

/// <summary>The peers that one discovery knows, those who want to hear of them, and searches under way; part of every <see cref="IDiscovery"/>.</summary>
/// <remarks>Safe for several threads. Observers are called one at a time, under the feed's lock, which keeps what a new one is
/// told first in step with what follows. Bounded by what its discovery keeps.</remarks>
public sealed class DiscoveryFeed(TimeProvider clock, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<object, Entry> _known = [];
    private readonly List<IDiscoveryObserver> _observers = [];
    private readonly List<SemaphoreSlim> _searches = [];

    /// <summary>The peers that are known now.</summary>
    public IReadOnlyList<DiscoveredPeer> Known
    {
        get
        {
            lock (_gate) return [.. _known.Values.Select(one => one.Peer)];
        }
    }

    /// <summary>Adds an observer and tells it of every known peer.</summary>
    public IDisposable Add(IDiscoveryObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        lock (_gate)
        {
            _observers.Add(observer);
            foreach (var known in _known.Values) Tell(observer, known.Peer, found: true);
        }

        return new Subscription(this, observer);
    }

    /// <summary>A peer was heard of. Observers are told when it is new, or its addresses are.</summary>
    /// <returns>Whether they were told.</returns>
    public bool Found(DiscoveredPeer peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        lock (_gate)
        {
            var key = KeyOf(peer);
            var isNews = !_known.TryGetValue(key, out var before) || !before.Peer.Addresses.SequenceEqual(peer.Addresses);
            _known[key] = new Entry(peer, clock.Now());
            if (isNews) TellAll(peer, found: true);
            foreach (var search in _searches.Where(one => one.CurrentCount == 0)) search.Release();
            return isNews;
        }
    }

    /// <summary>Forgets a peer.</summary>
    /// <returns>Whether it was known.</returns>
    public bool Lost(PeerId peer) => Remove(peer);

    /// <summary>Forgets a peer, by its id, or by its first address where it has none.</summary>
    /// <inheritdoc cref="Lost(PeerId)"/>
    public bool Lost(DiscoveredPeer peer) => Remove(KeyOf(peer));

    /// <summary>Forgets every peer.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            foreach (var gone in _known.Values) TellAll(gone.Peer, found: false);
            _known.Clear();
        }
    }

    /// <summary>Yields each peer that is heard of, once; the body of <see cref="IDiscovery.FindAsync"/>.</summary>
    /// <param name="search">How many, and for how long; null takes the defaults.</param>
    /// <param name="ask">Called once, when the search listens.</param>
    /// <param name="cancellationToken">Ends it with an exception.</param>
    public async IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search, Action ask, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ask);
        search ??= new DiscoverySearch();
        search.Validate();
        var given = new HashSet<object>();
        var since = clock.Now() - search.MaxAge;
        using var time = new CancellationTokenSource(search.Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
        using var heard = new SemaphoreSlim(0);
        lock (_gate) _searches.Add(heard);
        try
        {
            ask();
            bool isOver;
            do
            {
                isOver = search.Timeout == TimeSpan.Zero || time.IsCancellationRequested;
                foreach (var (key, peer) in Since(since))
                {
                    if (!given.Add(key)) continue;
                    yield return peer;
                    if (given.Count == search.Limit) yield break;
                }

                if (!isOver) await heard.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
            }
            while (!isOver);
        }
        finally
        {
            lock (_gate) _searches.Remove(heard);
        }
    }

    /// <summary>The error of a search where nothing runs.</summary>
    public static StarlingException NotRunning(string name) => new($"The discovery '{name}' is not running; start it before a search.");

    private static object KeyOf(DiscoveredPeer peer) => peer.Peer is { } id ? id : peer.Addresses[0];

    private List<(object Key, DiscoveredPeer Peer)> Since(Instant since)
    {
        lock (_gate) return [.. _known.Where(one => one.Value.Heard >= since).Select(one => (one.Key, one.Value.Peer))];
    }

    private bool Remove(object key)
    {
        lock (_gate)
        {
            if (!_known.Remove(key, out var gone)) return false;
            TellAll(gone.Peer, found: false);
            return true;
        }
    }

    private void TellAll(DiscoveredPeer peer, bool found)
    {
        foreach (var observer in _observers.ToArray()) Tell(observer, peer, found);
    }

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

    private sealed record Entry(DiscoveredPeer Peer, Instant Heard);

    private sealed class Subscription(DiscoveryFeed feed, IDiscoveryObserver observer) : IDisposable
    {
        public void Dispose()
        {
            lock (feed._gate) feed._observers.Remove(observer);
        }
    }
}
