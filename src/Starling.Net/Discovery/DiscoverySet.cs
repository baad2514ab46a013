using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>All discoveries of a node as one, and each by its name. More can be added while the node runs.</summary>
public sealed class DiscoverySet : IDiscovery
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly DiscoveryRegistry _registry;
    private readonly DiscoveryContext _context;
    private readonly List<(IDiscoveryObserver Observer, List<IDisposable> At)> _observers = [];
    private IReadOnlyList<IDiscovery> _providers = [];
    private volatile bool _running;
    private volatile bool _disposed;

    /// <summary>Makes the discoveries that are named, all stopped.</summary>
    /// <exception cref="UnknownDiscoveryException">A name is not known.</exception>
    public DiscoverySet(DiscoveryRegistry registry, DiscoveryContext context, IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(names);
        (_registry, _context) = (registry, context);
        _providers = [.. names.Distinct().Select(name => registry.Create(name, context))];
    }

    /// <summary>The discoveries, in the order of their choice.</summary>
    public IReadOnlyList<IDiscovery> Providers => Volatile.Read(ref _providers);

    /// <summary>The names that <see cref="AddAsync"/> can take.</summary>
    public IReadOnlyList<string> KnownNames => _registry.Names;

    /// <inheritdoc/>
    public string Name => "all";

    /// <summary>Whether the set was started and not stopped; each of its discoveries can be started and stopped by itself.</summary>
    public bool IsRunning => _running;

    /// <summary>Everybody that some discovery knows; a peer that several know is there several times.</summary>
    public IReadOnlyList<DiscoveredPeer> Known => [.. Providers.SelectMany(one => one.Known)];

    /// <inheritdoc/>
    public bool CanBeacon => Providers.Any(one => one.CanBeacon);

    /// <summary>Whether any discovery announces this node unasked.</summary>
    public bool IsBeaconing => Providers.Any(one => one.IsBeaconing);

    /// <summary>The shortest time between two announcements of any discovery, or infinite; setting it sets it for all that have a beacon.</summary>
    /// <inheritdoc/>
    public TimeSpan BeaconInterval
    {
        get => Beacons().Select(one => one.BeaconInterval).DefaultIfEmpty(Timeout.InfiniteTimeSpan).Min();
        set
        {
            foreach (var one in RequireBeacons()) one.BeaconInterval = value;
        }
    }

    /// <summary>The discovery of a name.</summary>
    /// <exception cref="UnknownDiscoveryException">The set has none of this name.</exception>
    public IDiscovery this[string name] => Find(name) ?? throw new UnknownDiscoveryException(name, [.. Providers.Select(one => one.Name)]);

    /// <summary>The discovery of a name, or null when the set has none.</summary>
    public IDiscovery? Find(string name) => Providers.FirstOrDefault(one => one.Name == name);

    /// <summary>Adds a discovery, and starts it. Returns the one that is there already, started.</summary>
    /// <exception cref="UnknownDiscoveryException">The name is not known; the message lists those that are.</exception>
    /// <exception cref="StarlingException">It cannot start; it is not added then.</exception>
    public async Task<IDiscovery> AddAsync(string name, CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (Find(name) is { } present)
            {
                await present.StartAsync(cancellationToken).ConfigureAwait(false);
                return present;
            }

            var added = _registry.Create(name, _context);
            try
            {
                await added.StartAsync(cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                await added.DisposeAsync().ConfigureAwait(false);
                throw;
            }

            lock (_gate)
            {
                Volatile.Write(ref _providers, [.. _providers, added]);
                foreach (var (observer, at) in _observers) at.Add(added.Observe(observer));
            }

            return added;
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>Starts every discovery. When one cannot start, those that were started are stopped again.</summary>
    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_running) return;
            try
            {
                foreach (var one in Providers) await one.StartAsync(cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                foreach (var one in Providers) await one.StopAsync(CancellationToken.None).ConfigureAwait(false);
                throw;
            }

            _running = true;
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>Stops every discovery.</summary>
    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _running = false;
            foreach (var one in Providers) await one.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>Adds an observer to every discovery, those to come included; the calls of different discoveries may overlap.</summary>
    /// <inheritdoc/>
    public IDisposable Observe(IDiscoveryObserver observer)
    {
        lock (_gate)
        {
            var entry = (observer, Providers.Select(one => one.Observe(observer)).ToList());
            _observers.Add(entry);
            return new Subscription(this, entry);
        }
    }

    /// <summary>Searches with every discovery that runs; a peer that several find is yielded once.</summary>
    /// <inheritdoc/>
    public IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default)
    {
        var running = Providers.Where(one => one.IsRunning).ToList();
        if (running.Count == 0) throw new StarlingException($"No discovery runs; choose one by Discovery:Providers, or add and start one of {string.Join(", ", KnownNames)}.");
        return FindAsync(running, search ?? new DiscoverySearch(), cancellationToken);
    }

    /// <summary>Announces this node by every discovery that has a beacon.</summary>
    /// <exception cref="NotSupportedException">None has.</exception>
    public void StartBeacon()
    {
        foreach (var one in RequireBeacons()) one.StartBeacon();
    }

    /// <inheritdoc/>
    public void StopBeacon()
    {
        foreach (var one in Beacons()) one.StopBeacon();
    }

    /// <inheritdoc/>
    public void AddressesChanged()
    {
        foreach (var one in Providers) one.AddressesChanged();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // An addition that is under way ends first: nothing is added afterwards that nobody would stop.
        _disposed = true;
        await StopAsync().ConfigureAwait(false);
        foreach (var one in Providers) await one.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Searches with some discoveries at once.</summary>
    internal static IAsyncEnumerable<DiscoveredPeer> FindAsync(List<IDiscovery> discoveries, DiscoverySearch search, CancellationToken cancellationToken)
    {
        search.Validate();
        return discoveries.Count == 1 ? discoveries[0].FindAsync(search, cancellationToken) : MergeAsync(discoveries, search, cancellationToken);
    }

    private static async IAsyncEnumerable<DiscoveredPeer> MergeAsync(List<IDiscovery> discoveries, DiscoverySearch search, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = Channel.CreateBounded<DiscoveredPeer>(64);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var searching = SearchAllAsync(discoveries, search, found.Writer, stop.Token);
        try
        {
            var given = new HashSet<object>();
            await foreach (var peer in found.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                if (!given.Add(peer.Peer is { } id ? id : peer.Addresses[0])) continue;
                yield return peer;
                if (given.Count == search.Limit) yield break;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await searching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SearchAllAsync(List<IDiscovery> discoveries, DiscoverySearch search, ChannelWriter<DiscoveredPeer> found, CancellationToken cancellationToken)
    {
        Exception? wrong = null;
        try
        {
            await Task.WhenAll(discoveries.Select(SearchAsync)).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            wrong = error;
        }

        found.Complete(wrong);

        async Task SearchAsync(IDiscovery discovery)
        {
            await foreach (var peer in discovery.FindAsync(search, cancellationToken).ConfigureAwait(false)) await found.WriteAsync(peer, cancellationToken).ConfigureAwait(false);
        }
    }

    private IEnumerable<IDiscovery> Beacons() => Providers.Where(one => one.CanBeacon);

    private IEnumerable<IDiscovery> RequireBeacons() => CanBeacon ? Beacons()
        : throw new NotSupportedException(_context.Options.Mode == DiscoveryMode.ListenOnly
            ? "This node only listens; set Discovery:Mode to Active to announce it."
            : "No discovery of this node has a beacon; choose one that has, such as mdns, by Discovery:Providers.");

    private sealed class Subscription(DiscoverySet set, (IDiscoveryObserver Observer, List<IDisposable> At) entry) : IDisposable
    {
        public void Dispose()
        {
            lock (set._gate)
            {
                set._observers.Remove(entry);
                entry.At.ForEach(one => one.Dispose());
                entry.At.Clear();
            }
        }
    }
}
