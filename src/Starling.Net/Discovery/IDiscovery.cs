namespace Starling.Net.Discovery;

/// <summary>A way to find peers and to be found, such as multicast DNS or a list of bootstrap addresses.</summary>
/// <remarks>A discovery only finds: whoever observes it dials. Every member is safe for several threads. It may be started again
/// after it was stopped; disposing stops it. <see cref="DiscoveryFeed"/> holds what every implementation needs.</remarks>
public interface IDiscovery : IAsyncDisposable
{
    /// <summary>The name that it is chosen by, such as <c>mdns</c>; also a metric tag, so one of few.</summary>
    string Name { get; }

    /// <summary>Whether it is started and not stopped.</summary>
    bool IsRunning { get; }

    /// <summary>The peers that are known now.</summary>
    IReadOnlyList<DiscoveredPeer> Known { get; }

    /// <summary>Starts to look for peers and, with a beacon, to announce this node. Does nothing when running already.</summary>
    /// <exception cref="StarlingException">It cannot start, for example for want of an interface or a port; the message says what to change.</exception>
    Task StartAsync(CancellationToken cancellationToken = default);

    /// <summary>Says good-bye where the means has one, stops, and forgets what was found. Does nothing when not running.</summary>
    Task StopAsync(CancellationToken cancellationToken = default);

    /// <summary>Adds an observer; it is first told of every peer that is known already. Disposing removes it.</summary>
    IDisposable Observe(IDiscoveryObserver observer);

    /// <summary>Asks for peers now, and yields each that is heard of, once, until enough are found or the time is over.</summary>
    /// <remarks>Nobody is yielded who was not heard of since the search began, or shortly before it (<see cref="DiscoverySearch.MaxAge"/>).
    /// Many searches at once share their questions.</remarks>
    /// <param name="search">How many, and for how long; null takes the defaults.</param>
    /// <param name="cancellationToken">Ends the search with an exception.</param>
    /// <exception cref="StarlingException">The discovery is not running.</exception>
    IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default);

    /// <summary>Whether it can announce this node unasked. The default implementation cannot, and the next four members say so.</summary>
    bool CanBeacon => false;

    /// <summary>Whether it announces this node unasked while it runs. Questions are answered either way.</summary>
    bool IsBeaconing => false;

    /// <summary>The time between two announcements, before jitter. A change takes effect at once.</summary>
    /// <exception cref="NotSupportedException">It is set where there is no beacon.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is shorter than a second, or longer than a day.</exception>
    TimeSpan BeaconInterval
    {
        get => Timeout.InfiniteTimeSpan;
        set => throw NoBeacon(Name);
    }

    /// <summary>Announces this node now and from now on. Does nothing when it does so already.</summary>
    /// <exception cref="NotSupportedException">It has no beacon.</exception>
    void StartBeacon() => throw NoBeacon(Name);

    /// <summary>Ends announcements, and nothing else: who asks is still answered. Does nothing when there are none.</summary>
    void StopBeacon()
    {
    }

    /// <summary>The addresses that this node announces have changed: tell at once what is told.</summary>
    void AddressesChanged()
    {
    }

    private static NotSupportedException NoBeacon(string name) => new($"The discovery '{name}' has no beacon: it announces nothing, or may not; look at {nameof(CanBeacon)} first.");
}

/// <summary>Is told of peers as they are found and lost. Calls come one at a time per discovery, in order; they must return at once and never throw.</summary>
public interface IDiscoveryObserver
{
    /// <summary>A peer was found, or what is known of it changed; replaces what this source said of it before.</summary>
    void OnFound(DiscoveredPeer peer);

    /// <summary>The source no longer vouches for the peer. Says nothing of links to it.</summary>
    void OnLost(DiscoveredPeer peer);
}

/// <summary>Where a peer may be reached: a claim until a handshake proves it.</summary>
/// <param name="Peer">Who should answer; null when the source does not know.</param>
/// <param name="Addresses">Where, without peer id; at least one.</param>
/// <param name="Source">The <see cref="IDiscovery.Name"/> of the discovery that found it.</param>
/// <param name="IsMutual">Whether the peer is likely to find this node by the same means at the same time, so that one of the two may well wait to be dialled.</param>
public sealed record DiscoveredPeer(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses, string Source, bool IsMutual = false)
{
    /// <summary>Whether other nodes told of the peer, rather than the peer itself or this node's user: it does not bring back a peer that was given up. Default false.</summary>
    public bool IsHearsay { get; init; }
}

/// <summary>How many peers to find, and for how long.</summary>
public sealed record DiscoverySearch
{
    /// <summary>The search ends when so many are found. Default no limit; at least 1.</summary>
    public int Limit { get; init; } = int.MaxValue;

    /// <summary>The search ends then. Default 5 s; from zero, which yields only who is fresh already, up to a day.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Peers that were heard of so recently before the search count as well. Default 1 s, within which peers do not repeat an answer; up to a day.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Limit, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Timeout, TimeSpan.FromDays(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxAge, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxAge, TimeSpan.FromDays(1));
    }
}
