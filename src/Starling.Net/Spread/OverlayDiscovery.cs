using Microsoft.Extensions.Logging;
using Starling.Net.Discovery;
using Starling.Protocols.Discovery;

namespace Starling.Net.Spread;

/// <summary>Finds peers of the same subject anywhere in the overlay, and is found by them: the discovery <c>overlay</c>.</summary>
/// <remarks>It needs a first link, which another discovery or the user makes; searches begin as soon as there is one. It has no beacon: it
/// answers searches, except in a node that only listens. A peer that three searches in a row did not find is lost.</remarks>
public sealed class OverlayDiscovery : IDiscovery
{
    private const int Patience = 3;
    private readonly OverlaySearch _search;
    private readonly OverlaySearchOptions _options;
    private readonly DiscoveryContext _context;
    private readonly DiscoveryFeed _feed;
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly SemaphoreSlim _asked = new(0, 1);
    private readonly Dictionary<PeerId, int> _missed = [];
    private readonly ILogger _logger;
    private CancellationTokenSource? _running;
    private Task _loop = Task.CompletedTask;

    /// <summary>Creates a stopped discovery.</summary>
    /// <param name="search">Searches; stays the caller's.</param>
    /// <param name="options">What to search for, and how often. Checked already.</param>
    /// <param name="context">The node.</param>
    public OverlayDiscovery(OverlaySearch search, OverlaySearchOptions options, DiscoveryContext context)
    {
        ArgumentNullException.ThrowIfNull(search);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(context);
        (_search, _options, _context) = (search, options, context);
        _logger = context.Loggers.CreateLogger<OverlayDiscovery>();
        _feed = new DiscoveryFeed(context.Clock, _logger);
    }

    /// <inheritdoc/>
    public string Name => "overlay";

    /// <inheritdoc/>
    public bool IsRunning => Volatile.Read(ref _running) is not null;

    /// <inheritdoc/>
    public IReadOnlyList<DiscoveredPeer> Known => _feed.Known;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_running is not null) return;
            var running = new CancellationTokenSource();
            _running = running;
            _loop = Task.Run(() => LoopAsync(running.Token), CancellationToken.None);
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
            if (_running is not { } running) return;
            await running.CancelAsync().ConfigureAwait(false);
            await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            running.Dispose();
            _running = null;
            _missed.Clear();
            _feed.Clear();
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <inheritdoc/>
    public IDisposable Observe(IDiscoveryObserver observer) => _feed.Add(observer);

    /// <inheritdoc/>
    public IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default)
    {
        if (!IsRunning) throw DiscoveryFeed.NotRunning(Name);
        return _feed.FindAsync(search, AskNow, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private void AskNow()
    {
        try
        {
            _asked.Release();
        }
        catch (SemaphoreFullException)
        {
            // A search is due already, and serves this asker too.
        }
    }

    private async Task LoopAsync(CancellationToken cancellationToken)
    {
        using var serving = _context.Options.Mode == DiscoveryMode.ListenOnly ? null : _search.Serve(_options.Subject);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await SearchAsync(cancellationToken).ConfigureAwait(false);
                await PauseAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (InvalidOperationException error)
            {
                new SpreadLog(_logger).SearchFailed(error.Message);
                await PauseAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Until the next search is due, or somebody asks for one.</summary>
    private async Task PauseAsync(CancellationToken cancellationToken)
    {
        using var pause = new CancellationTokenSource(_context.Random.Jitter(_options.Interval), _context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(pause.Token, cancellationToken);
        await _asked.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task SearchAsync(CancellationToken cancellationToken)
    {
        var found = new HashSet<PeerId>();
        await foreach (var result in _search.SearchAsync(_options.Subject, new SearchOptions { Limit = _options.Limit }, cancellationToken).ConfigureAwait(false))
        {
            if (result.Addresses.Count == 0 || result.Peer.Equals(_context.Self)) continue;
            found.Add(result.Peer);
            _feed.Found(new DiscoveredPeer(result.Peer, result.Addresses, Name, IsMutual: true) { IsHearsay = true });
        }

        foreach (var peer in _missed.Keys.Where(peer => !found.Contains(peer)).ToArray())
        {
            if (++_missed[peer] < Patience) continue;
            _missed.Remove(peer);
            _feed.Lost(peer);
        }

        foreach (var peer in found) _missed[peer] = 0;
    }
}
