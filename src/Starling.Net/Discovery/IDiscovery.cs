namespace Starling.Net.Discovery;

/// <summary>A way to find peers, such as multicast DNS or a list of bootstrap addresses.</summary>
/// <remarks>A discovery only finds: <see cref="DiscoveryService"/>, or whoever else observes it, dials. Every member is safe
/// for several threads. It may be started again after it was stopped; disposing stops it.</remarks>
public interface IDiscovery : IAsyncDisposable
{
    /// <summary>The name that it is chosen by, such as <c>mdns</c>; also a metric tag, so one of few.</summary>
    string Name { get; }

    /// <summary>Whether it is started and not stopped.</summary>
    bool IsRunning { get; }

    /// <summary>Starts to look for peers and to announce this node. Does nothing when running already.</summary>
    /// <exception cref="StarlingException">It cannot start, for example for want of an interface or a port; the message says what to change.</exception>
    Task StartAsync(CancellationToken cancellationToken = default);

    /// <summary>Says good-bye where the means has one, stops, and forgets what was found. Does nothing when not running.</summary>
    Task StopAsync(CancellationToken cancellationToken = default);

    /// <summary>Adds an observer; it is first told of every peer that is known already. Disposing removes it.</summary>
    IDisposable Observe(IDiscoveryObserver observer);
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
public sealed record DiscoveredPeer(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses, string Source, bool IsMutual = false);
