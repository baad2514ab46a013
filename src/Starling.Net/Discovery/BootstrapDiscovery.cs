using Microsoft.Extensions.Logging;

namespace Starling.Net.Discovery;

/// <summary>Peers that are known beforehand: reported when started, and vouched for until stopped.</summary>
/// <remarks>Because they are never lost, <see cref="DiscoveryService"/> goes on dialling them for ever, with a growing, jittered
/// pause, whenever they are not linked. Addresses of one peer id count as one peer; an address without one is a peer by itself.</remarks>
public sealed class BootstrapDiscovery : IDiscovery
{
    private readonly IReadOnlyList<DiscoveredPeer> _peers;
    private readonly DiscoveryFeed _feed;
    private int _running;

    /// <summary>Creates a stopped discovery.</summary>
    /// <param name="addresses">Where the peers are, with or without peer id.</param>
    /// <param name="logger">Is told of observers that fail.</param>
    public BootstrapDiscovery(IEnumerable<Multiaddr> addresses, ILogger logger)
    {
        var all = addresses.Distinct().ToList();
        var named = all.Where(one => one.PeerId is not null).GroupBy(one => one.PeerId!)
            .Select(peer => new DiscoveredPeer(peer.Key, [.. peer.Select(one => one.WithoutPeerId())], Name));
        var nameless = all.Where(one => one.PeerId is null).Select(one => new DiscoveredPeer(null, [one], Name));
        _peers = [.. named, .. nameless];
        _feed = new DiscoveryFeed(logger);
    }

    /// <inheritdoc/>
    public string Name => "bootstrap";

    /// <inheritdoc/>
    public bool IsRunning => Volatile.Read(ref _running) != 0;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _running, 1) != 0) return Task.CompletedTask;
        foreach (var peer in _peers) _feed.Found(peer);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _running, 0) != 0) _feed.Clear();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public IDisposable Observe(IDiscoveryObserver observer) => _feed.Add(observer);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync();
}
