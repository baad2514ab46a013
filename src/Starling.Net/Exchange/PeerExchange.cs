using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Starling.Net.Discovery;
using Starling.Net.Links;
using Starling.Protocols.Discovery;

namespace Starling.Net.Exchange;

/// <summary>Exchanges lists of peers with neighbours over <c>/starling/peer-exchange/1.0.0</c>: signed records only, so that nobody can lie about another. Safe for several threads.</summary>
/// <remarks>It answers and takes lists as soon as it is made. As the discovery <c>peer-exchange</c> it also asks: at random times around
/// <see cref="PeerExchangeOptions.Interval"/>, sooner when a new peer appears, later when a neighbour says that it has just done so.
/// A list holds this node's own record first, then those of peers that it is or was lately linked with; a record that was only heard of is never told on.</remarks>
public sealed partial class PeerExchange : IDiscovery
{
    private readonly ILinkHost _host;
    private readonly IPeerBook _book;
    private readonly OwnPeerRecord _own;
    private readonly PeerExchangeOptions _options;
    private readonly TimeProvider _clock;
    private readonly RandomSource _random;
    private readonly ExchangeMetrics _metrics;
    private readonly ExchangeLog _log;
    private readonly DiscoveryFeed _feed;
    private readonly ConcurrentDictionary<PeerId, Shares> _shares = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IDisposable[] _registrations;
    private int _disposed;

    /// <summary>Serves the protocol, if <see cref="PeerExchangeOptions.Enabled"/>; as a discovery it is stopped.</summary>
    /// <param name="host">Where links come from; stays the caller's and must outlive this.</param>
    /// <param name="book">What is known of peers: keeps records, refuses those of peers that were given up; stays the caller's.</param>
    /// <param name="own">This node's own record.</param>
    /// <param name="options">The bounds; null takes the defaults. Not to be changed afterwards.</param>
    /// <param name="clock">The clock; null takes the system's.</param>
    /// <param name="random">Spreads times and choices; null takes the system's.</param>
    /// <param name="logger">Null logs nothing.</param>
    /// <param name="meters">Makes the meter; null makes one outside any factory.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public PeerExchange(
        ILinkHost host,
        IPeerBook book,
        OwnPeerRecord own,
        PeerExchangeOptions? options = null,
        TimeProvider? clock = null,
        RandomSource? random = null,
        ILogger<PeerExchange>? logger = null,
        IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(book);
        ArgumentNullException.ThrowIfNull(own);
        _options = options ?? new PeerExchangeOptions();
        OptionProblems.ThrowIfAny(_options);
        logger ??= Microsoft.Extensions.Logging.Abstractions.NullLogger<PeerExchange>.Instance;
        (_host, _book, _own) = (host, book, own);
        _clock = clock ?? TimeProvider.System;
        _random = (random ?? RandomSource.System).Fork("peer-exchange");
        _metrics = new ExchangeMetrics(meters);
        _log = new ExchangeLog(logger);
        _feed = new DiscoveryFeed(_clock, logger);
        _timer = new RefreshCore(_options.Interval, _options.LeastInterval, _random);
        _registrations = _options.Enabled ? [host.Handle(ExchangeCodec.Protocol, ServeAsync, maxInboundPerPeer: 2), host.Observe(new LinkWatcher(this)), book.Observe(OnBookChanged)] : [];
    }

    /// <summary>How many records that neighbours told had this outcome.</summary>
    public long Records(RecordOutcome outcome) => _metrics.Of(outcome);

    /// <summary>Asks one linked peer for the peers that it knows, and takes what holds.</summary>
    /// <param name="peer">Who is asked.</param>
    /// <param name="max">How many records at most; 0 takes <see cref="PeerExchangeOptions.MaxRecords"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many records were new.</returns>
    /// <exception cref="StarlingException">There is no link, the peer does not take part, or it did not answer properly in time.</exception>
    public async Task<int> AskAsync(PeerId peer, int max = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentOutOfRangeException.ThrowIfNegative(max);
        var link = _host.Find(peer) ?? throw new StarlingException($"There is no link to {peer}; connect first.");
        try
        {
            return await AskAsync(link, max, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StarlingException($"{peer} did not answer within {_options.Timeout}.", error);
        }
    }

    /// <summary>Tells every direct neighbour this node's list.</summary>
    /// <returns>How many took it.</returns>
    public Task<int> BroadcastPeersAsync(CancellationToken cancellationToken = default) => BroadcastAsync(Partners(0), cancellationToken);

    /// <summary>Refreshes now, whatever the timer says: pings every direct neighbour, tells them that this node is refreshing, asks some of them for their lists, and tells those that are alive its own.</summary>
    public async Task<RefreshResult> RefreshAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        lock (_timer)
        {
            if (IsRunning) _timer.Start(_clock.Now());
        }

        var neighbours = NeighbourPicker.Pick(_host, _random, 0);
        var alive = (await Task.WhenAll(neighbours.Select(link => TryAsync(link, IsAliveAsync, cancellationToken))).ConfigureAwait(false)).Count(one => one is true);
        var partners = Partners(0);
        await Task.WhenAll(partners.Select(link => TryAsync(link, (one, cancelled) => SendAsync(one, new ExchangeMessage(ExchangeKind.Refreshing), cancelled), cancellationToken))).ConfigureAwait(false);
        var asked = partners.Take(_options.AskCount).ToList();
        var answers = await Task.WhenAll(asked.Select(link => TryAsync(link, async (one, cancelled) => (int?)await AskAsync(one, 0, cancelled).ConfigureAwait(false), cancellationToken))).ConfigureAwait(false);
        var told = await BroadcastAsync(partners, cancellationToken).ConfigureAwait(false);
        var result = new RefreshResult(alive, neighbours.Count - alive, asked.Count, answers.Count(one => one is not null), answers.Sum() ?? 0, told);
        _metrics.Refreshed();
        _log.Refreshed(result);
        return result;
    }

    /// <summary>Stops, and serves the protocol no more. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        foreach (var registration in _registrations) registration.Dispose();
        await _stop.CancelAsync().ConfigureAwait(false);
        await StopAsync().ConfigureAwait(false);
        _metrics.Dispose();
    }

    /// <summary>Direct neighbours that take part, in random order.</summary>
    /// <summary>Peers whose messages are being counted.</summary>
    internal int PeersCounted => _shares.Count;

    private IReadOnlyList<IPeerLink> Partners(int count) => NeighbourPicker.Pick(_host, _random, count, static link => link.Info.Protocols.Contains(ExchangeCodec.Protocol));

    private async Task<int> BroadcastAsync(IReadOnlyList<IPeerLink> partners, CancellationToken cancellationToken)
    {
        var sent = await Task.WhenAll(partners.Select(link => TryAsync(link, (one, cancelled) => SendAsync(one, ListFor(one, _options.MaxRecords), cancelled), cancellationToken))).ConfigureAwait(false);
        return sent.Count(one => one is true);
    }

    private async Task<bool?> IsAliveAsync(IPeerLink link, CancellationToken cancellationToken)
    {
        await link.Connection.PingAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Does something with a neighbour; null when it does not work out in time.</summary>
    private async Task<T?> TryAsync<T>(IPeerLink link, Func<IPeerLink, CancellationToken, Task<T?>> what, CancellationToken cancellationToken)
        where T : struct
    {
        using var time = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken, _stop.Token);
        try
        {
            return await what(link, either.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is StarlingException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _log.Failed(link.Peer, error.Message);
            return null;
        }
    }

    private sealed class Shares(PeerExchangeOptions options)
    {
        public ExchangeShare Messages { get; } = new(options.MaxMessages);

        public ExchangeShare Verifications { get; } = new(options.MaxVerifications);
    }

    private sealed class LinkWatcher(PeerExchange exchange) : ILinkObserver
    {
        public void OnConnected(IPeerLink link) => exchange.OnPeerAppeared();

        public void OnIdentified(IPeerLink link)
        {
        }

        public void OnDisconnected(IPeerLink link, CloseInfo why) => exchange._shares.TryRemove(link.Peer, out _);
    }
}
