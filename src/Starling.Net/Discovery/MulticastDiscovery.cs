using System.Net;
using Microsoft.Extensions.Logging;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>A discovery by multicast: sockets on the chosen interfaces, and one loop that feeds a core.</summary>
/// <remarks>When the network changes its sockets are opened anew, and it announces and asks again. An interface that was named and has
/// vanished is waited for. What waits to be looked at is bounded; a packet that finds the queue full is dropped and counted.</remarks>
public abstract class MulticastDiscovery : IDiscovery
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly InterfaceFilter _filter;
    private readonly ITimer _settled;
    private readonly Lock _gate = new();
    private IDisposable? _watching;
    private volatile MulticastSession? _session;
    private Task _restart = Task.CompletedTask;
    private bool _isDisposed;
    private volatile bool _running;
    private volatile bool _beaconing;
    private long _beaconInterval;

    private protected MulticastDiscovery(DiscoveryContext context, TimeSpan beaconInterval)
    {
        Context = context;
        Logger = context.Loggers.CreateLogger(GetType());
        Feed = new DiscoveryFeed(context.Clock, Logger);
        _filter = new InterfaceFilter(context.Options.Interfaces);
        _beaconing = CanBeacon && context.Options.Beacon;
        _beaconInterval = (context.Options.BeaconInterval ?? beaconInterval).Ticks;
        _settled = context.Clock.CreateTimer(static self => ((MulticastDiscovery)self!).OnSettled(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public bool IsRunning => _running;

    /// <inheritdoc/>
    public IReadOnlyList<DiscoveredPeer> Known => Feed.Known;

    /// <summary>The addresses of the interfaces that it works on now.</summary>
    public IReadOnlyList<IPAddress> Interfaces => [.. _session?.Faces.Select(one => one.Address) ?? []];

    /// <summary>False for a node that only listens.</summary>
    public bool CanBeacon => Context.Options.Mode != DiscoveryMode.ListenOnly;

    /// <inheritdoc/>
    public bool IsBeaconing => _beaconing && _running;

    /// <inheritdoc/>
    public TimeSpan BeaconInterval
    {
        get => new(Interlocked.Read(ref _beaconInterval));
        set
        {
            RequireBeacon();
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromSeconds(1));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(1));
            Interlocked.Exchange(ref _beaconInterval, value.Ticks);
            _session?.Wake();
        }
    }

    internal DiscoveryContext Context { get; }

    internal DiscoveryFeed Feed { get; }

    internal ILogger Logger { get; }

    /// <summary>Whether the user wants the beacon, whether it runs or not.</summary>
    internal bool WantsBeacon => _beaconing;

    internal abstract IPAddress Group { get; }

    internal abstract int Port { get; }

    /// <summary>How far packets go beyond loopback.</summary>
    internal abstract int TimeToLive { get; }

    /// <summary>Whether each interface has a second socket, which sends and gets answers.</summary>
    internal abstract bool HasReplySocket { get; }

    internal abstract int MaxQueuedPackets { get; }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_running) return;
            Open(_filter.Select(Context.Network.Faces, isStrict: true), null);
            _watching = Context.Network.Watch(OnNetworkChanged);
            _running = true;
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_running) return;
            _running = false;
            _watching?.Dispose();
            _settled.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            await CloseAsync(isEnd: true).ConfigureAwait(false);
            Feed.Clear();
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <inheritdoc/>
    public IDisposable Observe(IDiscoveryObserver observer) => Feed.Add(observer);

    /// <inheritdoc/>
    public IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default)
    {
        if (!_running) throw DiscoveryFeed.NotRunning(Name);
        return Feed.FindAsync(search, () => _session?.Search(), cancellationToken);
    }

    /// <inheritdoc/>
    public void StartBeacon()
    {
        RequireBeacon();
        _beaconing = true;
        _session?.Wake();
    }

    /// <inheritdoc/>
    public void StopBeacon()
    {
        _beaconing = false;
        _session?.Wake();
    }

    /// <inheritdoc/>
    public void AddressesChanged() => _session?.Wake();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _isDisposed = true;
        await _settled.DisposeAsync().ConfigureAwait(false);
        Task restart;
        lock (_gate) restart = _restart;
        await restart.ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Makes the core of a session.</summary>
    private protected abstract IMulticastCore Core(IReadOnlyList<NetworkFace> faces);

    private protected static DiscoveryContext Checked(DiscoveryContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        OptionProblems.ThrowIfAny(context.Options);
        return context;
    }

    private void RequireBeacon()
    {
        if (!CanBeacon) throw new NotSupportedException($"The discovery '{Name}' only listens; set Discovery:Mode to Active to announce this node.");
    }

    private void Open(IReadOnlyList<NetworkFace> faces, IMulticastCore? keep)
    {
        var session = new MulticastSession(this, faces, keep ?? Core(faces));
        DiscoveryLog.Started(Logger, Name, string.Join(", ", faces.Select(one => one.Address)));
        _session = session;
        session.Begin(isNew: keep is null);
    }

    private async Task CloseAsync(bool isEnd)
    {
        if (_session is not { } session) return;
        _session = null;
        session.KeepsCore = !isEnd;
        await session.DisposeAsync().ConfigureAwait(false);
    }

    // Changes come in swarms, and an address is there before it can be used.
    private void OnNetworkChanged() => _settled.Change(SettleTime, Timeout.InfiniteTimeSpan);

    private void OnSettled()
    {
        lock (_gate) _restart = RestartAsync(_restart);
    }

    private async Task RestartAsync(Task earlier)
    {
        await earlier.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _lifecycle.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_running) return;
            var faces = _filter.Select(Context.Network.Faces, isStrict: false);
            var before = _session;
            var isSame = before is not null && before.Faces.SequenceEqual(faces);
            await CloseAsync(isEnd: !isSame).ConfigureAwait(false);
            if (!isSame) Feed.Clear();
            Context.Metrics.Restarted(Name);
            Open(faces, isSame ? before!.Core : null);
        }
        catch (Exception wrong)
        {
            DiscoveryLog.RestartFailed(Logger, Name, wrong);
            _settled.Change(MulticastSession.LongestPause, Timeout.InfiniteTimeSpan);
        }
        finally
        {
            _lifecycle.Release();
        }
    }
}
