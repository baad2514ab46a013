using System.Net;
using Microsoft.Extensions.Logging;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>Finds peers on the local link by multicast DNS and announces this node there: the shell of <see cref="MdnsCore"/>.</summary>
/// <remarks>One loop feeds the core; each interface has a socket and a receive loop that survives every error. What waits is bounded,
/// and a packet that finds the queue full is dropped and counted.</remarks>
public sealed partial class MdnsDiscovery : IDiscovery
{
    private static readonly IPAddress Group = IPAddress.Parse("224.0.0.251");

    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly DiscoveryFeed _feed;
    private readonly PeerId _self;
    private readonly Func<IReadOnlyList<Multiaddr>> _listening;
    private readonly MdnsDiscoveryOptions _options;
    private readonly TimeProvider _clock;
    private readonly RandomSource _random;
    private readonly DiscoveryMetrics _metrics;
    private readonly ILogger _logger;
    private volatile Session? _session;

    /// <summary>Creates a stopped discovery.</summary>
    /// <param name="self">This node's id.</param>
    /// <param name="listening">The addresses that this node listens on, without peer id; asked again before each announcement.</param>
    /// <param name="options">Interfaces, port, names and limits; not changed afterwards.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="random">Names and jitter.</param>
    /// <param name="metrics">Counts; owned by the caller.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MdnsDiscovery(
        PeerId self,
        Func<IReadOnlyList<Multiaddr>> listening,
        MdnsDiscoveryOptions options,
        TimeProvider clock,
        RandomSource random,
        DiscoveryMetrics metrics,
        ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _self = self;
        _listening = listening;
        _options = options;
        _clock = clock;
        _random = random;
        _metrics = metrics;
        _logger = logger;
        _feed = new DiscoveryFeed(logger);
    }

    /// <inheritdoc/>
    public string Name => "mdns";

    /// <inheritdoc/>
    public bool IsRunning => _session is not null;

    /// <summary>The random name of this node in DNS while it runs, or null.</summary>
    public string? PeerName => _session?.Core.PeerName;

    /// <summary>The peers that are known now.</summary>
    public IReadOnlyList<DiscoveredPeer> Known => _feed.Known;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _session ??= new Session(this);
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
            if (_session is not { } session) return;
            _session = null;
            await session.DisposeAsync().ConfigureAwait(false);
            _feed.Clear();
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <inheritdoc/>
    public IDisposable Observe(IDiscoveryObserver observer) => _feed.Add(observer);

    /// <summary>Tells the core that the listen addresses changed, so that the new ones are announced at once.</summary>
    public void AddressesChanged() => _session?.Wake();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);
}
