using Starling.Net.Discovery;
using Starling.Protocols.Discovery;
using Starling.Protocols.Links;

namespace Starling.Net.Exchange;

/// <content>The discovery <c>peer-exchange</c>: refreshes by its timer, and offers whom it heard of to those who dial.</content>
public sealed partial class PeerExchange
{
    private readonly RefreshCore _timer;
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly Lock _candidateGate = new();
    private readonly Queue<PeerId> _candidates = new();
    private readonly HashSet<PeerId> _offered = [];
    private CancellationTokenSource? _running;
    private Task _loop = Task.CompletedTask;
    private bool _ask;

    /// <inheritdoc/>
    public string Name => "peer-exchange";

    /// <inheritdoc/>
    public bool IsRunning => Volatile.Read(ref _running) is not null;

    /// <inheritdoc/>
    public IReadOnlyList<DiscoveredPeer> Known => _feed.Known;

    /// <summary>When the next refresh is due; never while it is stopped.</summary>
    public Instant NextRefresh
    {
        get
        {
            lock (_timer) return _timer.Next;
        }
    }

    /// <summary>Starts to refresh: first soon after there is a neighbour, then around the interval.</summary>
    /// <inheritdoc/>
    /// <exception cref="StarlingException">Peer exchange is switched off (<see cref="PeerExchangeOptions.Enabled"/>).</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            if (!_options.Enabled) throw new StarlingException("The discovery 'peer-exchange' was chosen and peer exchange is off; set PeerExchange:Enabled, or choose another discovery.");
            if (_running is not null) return;
            var running = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            lock (_timer)
            {
                _timer.Start(_clock.Now());
                _running = running;
            }

            if (_host.Links.Count > 0) OnPeerAppeared(isNews: false);
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
            lock (_timer)
            {
                _running = null;
                _timer.Stop();
            }

            await running.CancelAsync().ConfigureAwait(false);
            await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            running.Dispose();
            lock (_candidateGate)
            {
                _candidates.Clear();
                _offered.Clear();
            }

            _feed.Clear();
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <inheritdoc/>
    public IDisposable Observe(IDiscoveryObserver observer) => _feed.Add(observer);

    /// <summary>Asks neighbours now, and yields each peer that is new by their lists.</summary>
    /// <inheritdoc/>
    public IAsyncEnumerable<DiscoveredPeer> FindAsync(DiscoverySearch? search = null, CancellationToken cancellationToken = default)
    {
        if (!IsRunning) throw DiscoveryFeed.NotRunning(Name);
        return _feed.FindAsync(search, AskNow, cancellationToken);
    }

    /// <summary>This node's addresses have changed: neighbours are told soon.</summary>
    public void AddressesChanged() => OnPeerAppeared();

    private void AskNow()
    {
        Volatile.Write(ref _ask, true);
        Wake();
    }

    private void OnPeerAppeared(bool isNews = true)
    {
        lock (_timer) _timer.PeerAppeared(_clock.Now(), isNews);
        Wake();
    }

    private void OnNeighbourRefreshed()
    {
        lock (_timer) _timer.NeighbourRefreshed(_clock.Now());
        Wake();
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // The loop is about to look anyway.
        }
    }

    private async Task LoopAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            bool isDue;
            TimeSpan pause;
            lock (_timer)
            {
                isDue = _timer.IsDue(_clock.Now());
                pause = _timer.Next - _clock.Now();
            }

            try
            {
                if (isDue) await RefreshAsync(cancellationToken).ConfigureAwait(false);
                else if (Interlocked.Exchange(ref _ask, false)) await AskSomeAsync(cancellationToken).ConfigureAwait(false);
                else await PauseAsync(pause, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (ObjectDisposedException) when (Volatile.Read(ref _disposed) != 0)
            {
                return;
            }
#pragma warning disable CA1031 // The loop outlives a refresh; its fault is logged, and the next comes in its time.
            catch (Exception error)
#pragma warning restore CA1031
            {
                _log.RefreshFailed(error);
            }
        }
    }

    private Task AskSomeAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Partners(_options.AskCount).Select(link => TryAsync(link, async (one, cancelled) => (int?)await AskAsync(one, 0, cancelled).ConfigureAwait(false), cancellationToken)));

    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
        await _wake.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Makes a peer that is not linked known to those who dial, as the book knows it; the oldest gives way.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="isLocal">Whether it was told by somebody on this machine: a peer elsewhere does not mean our loopback by its own.</param>
    private void Offer(PeerId peer, bool isLocal)
    {
        if (!IsRunning || _host.Find(peer) is not null || _book.Find(peer) is not { IsDead: false } entry) return;
        Multiaddr[] reachable = [.. entry.Addresses.Select(one => one.Address).Where(address => isLocal || !address.IsLoopback)];
        if (reachable.Length == 0) return;
        PeerId? gone = null;
        lock (_candidateGate)
        {
            if (_offered.Add(peer)) _candidates.Enqueue(peer);
            if (_candidates.Count > _options.MaxCandidates)
            {
                gone = _candidates.Dequeue();
                _offered.Remove(gone);
            }
        }

        _feed.Found(new DiscoveredPeer(peer, reachable, Name) { IsHearsay = true });
        if (gone is not null) _feed.Lost(gone);
    }

    /// <summary>Whom the book gives up or forgets is no candidate any more.</summary>
    private void OnBookChanged(PeerId peer, PeerEntry? entry)
    {
        if (entry is { IsDead: false }) return;
        lock (_candidateGate)
        {
            if (!_offered.Contains(peer)) return;
        }

        _feed.Lost(peer);
    }
}
