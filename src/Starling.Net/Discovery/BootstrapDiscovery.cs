using Microsoft.Extensions.Logging;

namespace Starling.Net.Discovery;

/// <summary>Peers that are known beforehand: reported when started, and vouched for until stopped.</summary>
/// <remarks>Because they are never lost, whoever dials what discoveries find goes on dialling them for ever, with a growing, jittered
/// pause, whenever they are not linked; names in addresses are resolved anew by each dial. Addresses of one peer id count as one
/// peer; an address without one is a peer by itself. It sends nothing and has no beacon.</remarks>
public sealed class BootstrapDiscovery : IDiscovery
{
    private readonly IReadOnlyList<DiscoveredPeer> _peers;
    private readonly DiscoveryFeed _feed;
    private int _running;

    /// <summary>Creates a stopped discovery.</summary>
    /// <param name="context">The node; <see cref="DiscoveryContext.Bootstrap"/> says where the peers are, with or without peer id.</param>
    public BootstrapDiscovery(DiscoveryContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var all = context.Bootstrap.Distinct().ToList();
        var named = all.Where(one => one.PeerId is not null).GroupBy(one => one.PeerId!)
            .Select(peer => new DiscoveredPeer(peer.Key, [.. peer.Select(one => one.WithoutPeerId())], Name));
        var nameless = all.Where(one => one.PeerId is null).Select(one => new DiscoveredPeer(null, [one], Name));
        _peers = [.. named, .. nameless];
        _feed = new DiscoveryFeed(context.Clock, context.Loggers.CreateLogger<BootstrapDiscovery>());
    }

    /// <inheritdoc/>
    public string Name => "bootstrap";

    /// <inheritdoc/>
    public bool IsRunning => Volatile.Read(ref _running) != 0;

    /// <inheritdoc/>
    public IReadOnlyList<DiscoveredPeer> Known => _feed.Known;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _running, 1) == 0) Vouch();
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

    /// <summary>Yields the peers, and ends: there is nobody to wait for.</summary>
    /// <inheritdoc/>
    public IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default)
    {
        if (!IsRunning) throw DiscoveryFeed.NotRunning(Name);
        return _feed.FindAsync((search ?? new DiscoverySearch()) with { Timeout = TimeSpan.Zero }, Vouch, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private void Vouch()
    {
        foreach (var peer in _peers) _feed.Found(peer);
    }
}
