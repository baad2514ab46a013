using System.Runtime.CompilerServices;
using Starling.Net.Discovery;

namespace Starling.Tests;

/// <summary>Tells every node of a test of every other one as soon as it listens: a discovery without a network.</summary>
internal sealed class Roster
{
    private readonly Lock _gate = new();
    private readonly List<DiscoveredPeer> _peers = [];
    private readonly List<DiscoveryFeed> _feeds = [];

    /// <summary>Discoveries under the name <c>roster</c>.</summary>
    public DiscoveryRegistry Registry()
    {
        var registry = new DiscoveryRegistry();
        registry.Register("roster", context => new Entry(this, context));
        return registry;
    }

    private void Add(DiscoveredPeer peer, DiscoveryFeed feed)
    {
        lock (_gate)
        {
            foreach (var other in _peers) feed.Found(other);
            foreach (var other in _feeds) other.Found(peer);
            _peers.Add(peer);
            _feeds.Add(feed);
        }
    }

    private sealed class Entry(Roster roster, DiscoveryContext context) : IDiscovery
    {
        private readonly DiscoveryFeed _feed = new(context.Clock, context.Loggers.CreateLogger("roster"));

        public string Name => "roster";

        public bool IsRunning { get; private set; }

        public IReadOnlyList<DiscoveredPeer> Known => _feed.Known;

        public Task StartAsync(CancellationToken cancellationToken = default)
        {
            if (!IsRunning) roster.Add(new DiscoveredPeer(context.Self, context.Addresses(), Name, IsMutual: true), _feed);
            IsRunning = true;
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public IDisposable Observe(IDiscoveryObserver observer) => _feed.Add(observer);

        public async IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask;
            foreach (var peer in Known) yield return peer;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
