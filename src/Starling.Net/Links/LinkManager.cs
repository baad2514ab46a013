using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Starling.Net.Discovery;
using Starling.Protocols.Links;
using Starling.Protocols.Links.Policy;

namespace Starling.Net.Links;

/// <summary>What a <see cref="LinkManager"/> is built on. It owns none of it.</summary>
/// <param name="Clock">The clock seam.</param>
/// <param name="Random">The randomness seam.</param>
/// <param name="Budget">The node's budget, whose links it keeps from running out.</param>
/// <param name="Book">Where addresses are remembered, or null.</param>
/// <param name="News">Is told of <see cref="LinkPolicyEffect.Reconnecting"/>, <see cref="LinkPolicyEffect.GaveUp"/> and <see cref="LinkPolicyEffect.Close"/>; must return at once and never throw.</param>
public sealed record LinkManagerWiring(TimeProvider Clock, RandomSource Random, ResourceBudget Budget, IPeerBook? Book = null, Action<LinkPolicyEffect>? News = null);

/// <summary>Keeps a node's links: dials found, lost and wanted peers, prunes, closes what is unused. The shell of <see cref="LinkPolicyCore"/>.</summary>
/// <remarks>Every member is safe for several threads. Discoveries are observed by it, and started and stopped by others.</remarks>
public sealed partial class LinkManager : IDiscoveryObserver, ILinkObserver, IAsyncDisposable
{
    private const string BookName = "book";

    private readonly Lock _gate = new();
    private readonly ILinkHost _host;
    private readonly LinkManagerOptions _options;
    private readonly LinkManagerWiring _wiring;
    private readonly LinkPolicyMetrics _metrics;
    private readonly ILogger _logger;
    private readonly LinkPolicyCore _core;
    private readonly HashSet<string> _persistent;
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ITimer _timer;
    private readonly ITimer _initial;
    private readonly ConcurrentDictionary<PeerId, byte> _noting = new();
    private IDisposable? _observing;
    private IDisposable? _reading;
    private int _neighbours;
    private bool _isStopped;

    /// <summary>Creates a manager that does nothing yet.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message says which.</exception>
    public LinkManager(ILinkHost host, LinkManagerOptions options, LinkManagerWiring wiring, LinkPolicyMetrics metrics, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(wiring);
        OptionProblems.ThrowIfAny(options);
        (_host, _options, _wiring, _metrics, _logger) = (host, options, wiring, metrics, logger);
        _core = new LinkPolicyCore(host.LocalPeer, options, wiring.Random);
        _persistent = [.. options.StayLinkedTo.Count > 0 ? options.StayLinkedTo : ["bootstrap"]];
        _tasks = new BackgroundTasks(error => LinkPolicyLog.TaskFault(_logger, error));
        _timer = wiring.Clock.CreateTimer(static manager => ((LinkManager)manager!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _initial = wiring.Clock.CreateTimer(static manager => ((LinkManager)manager!).KeepInitial(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private Instant Now => _wiring.Clock.Now();

    /// <summary>Begins to observe the host's links and to dial; the initial neighbours follow after their delay. Once.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (_isStopped || _observing is not null) return;
            _observing = _host.Observe(this);
            _reading = _wiring.Book?.Observe(OnBook);
        }

        // Former neighbours come first: a restarted node goes back to them as long as it wants neighbours.
        foreach (var entry in (_wiring.Book?.Peers ?? []).OrderByDescending(one => one.IsNeighbour)) OnBook(entry.Peer, entry);
        if (_options.InitialDelay > TimeSpan.Zero) _initial.Change(_options.InitialDelay, Timeout.InfiniteTimeSpan);
        else KeepInitial();
    }

    /// <summary>Dials nobody any more, cancels dials under way and waits for them. Links stay. Idempotent.</summary>
    public async Task StopAsync()
    {
        lock (_gate)
        {
            if (_isStopped) return;
            _isStopped = true;
            _waiters.ForEach(one => one.End.TrySetException(Stopped()));
            _waiters.Clear();
        }

        _reading?.Dispose();
        _observing?.Dispose();
        await _timer.DisposeAsync();
        await _initial.DisposeAsync();
        await _stopping.CancelAsync();
        await _tasks.WhenEmpty();
        _metrics.Neighbours(-_neighbours);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Tells that restrictions have changed: what was refused may be dialled again.</summary>
    public void OnRestrictionsChanged() => Decide((now, effects) => _core.OnRestrictionsChanged(now, effects));

    void IDiscoveryObserver.OnFound(DiscoveredPeer peer)
    {
        if (peer is { IsHearsay: true, Peer: { } told } && _wiring.Book?.Find(told) is { IsDead: true }) return;
        var noted = peer.Peer is { } id && !id.Equals(_host.LocalPeer) ? id : null;

        // The book knows the peer before it is dialled, so that a failure counts; what the book then says of it comes after its source was heard.
        if (noted is not null && _wiring.Book is { } book)
        {
            _noting.TryAdd(noted, 0);
            book.Add(noted, peer.Addresses, peer.IsHearsay ? AddressSource.Hearsay : AddressSource.Discovery);
            _noting.TryRemove(noted, out _);
        }

        Decide((now, effects) => _core.OnFound(peer.Source, peer.Peer, peer.Addresses, peer.IsMutual, _persistent.Contains(peer.Source), now, effects));
        if (noted is not null && _wiring.Book is not null) OnBook(noted, _wiring.Book.Find(noted));
    }

    void IDiscoveryObserver.OnLost(DiscoveredPeer peer) => Decide((now, effects) => _core.OnLost(peer.Source, peer.Peer, peer.Addresses, now, effects));

    void ILinkObserver.OnConnected(IPeerLink link)
    {
        Decide((now, effects) =>
        {
            _core.OnLinkUp(link.Peer, link.Kind, link.Connection.Direction, AddressesOf(link), now, effects);
            if (_core.PriorityOf(link.Peer) is { } wanted) link.Priority = wanted;
        });
    }

    void ILinkObserver.OnIdentified(IPeerLink link) => Decide((_, _) => _core.OnTold(link.Peer, AddressesOf(link)));

    void ILinkObserver.OnKindChanged(IPeerLink link) => Decide((now, effects) => _core.OnKindChanged(link.Peer, link.Kind, now, effects));

    void ILinkObserver.OnDisconnected(IPeerLink link, CloseInfo why) => Decide((now, effects) => _core.OnLinkDown(link.Peer, why, now, effects));

    private static IReadOnlyList<Multiaddr> AddressesOf(IPeerLink link) =>
        link.Connection.Direction == Direction.Outbound ? [link.Connection.RemoteAddress, .. link.Info.ListenAddresses] : link.Info.ListenAddresses;

    /// <summary>The book is a source like others: it vouches for the living, and for static peers whatever number of neighbours there is.</summary>
    private void OnBook(PeerId peer, PeerEntry? entry)
    {
        if (!_noting.ContainsKey(peer)) Decide((now, effects) => Heed(peer, entry, now, effects));
    }

    private void Heed(PeerId peer, PeerEntry? entry, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        if (entry is null or { IsDead: true } or { Addresses.Count: 0 }) _core.OnLost(BookName, peer, [], now, effects);
        else _core.OnFound(BookName, peer, [.. entry.Addresses.Select(one => one.Address)], isMutual: true, isPersistent: entry.IsStatic, now, effects);
    }

    private void KeepInitial()
    {
        foreach (var text in _options.Initial) Keep(Multiaddr.ParseUserInput(text));
    }

    private void OnTimer() => Decide((now, effects) => _core.Tick(now, effects));

    /// <summary>Asks the core under the lock, and carries out what it wants. Nothing that waits happens under the lock.</summary>
    private void Decide(Action<Instant, ICollection<LinkPolicyEffect>> step)
    {
        var effects = new List<LinkPolicyEffect>();
        lock (_gate)
        {
            if (_isStopped) return;
            var now = Now;
            _core.Budget = (_wiring.Budget.Used(ResourceKind.Links), _wiring.Budget.Limit(ResourceKind.Links));
            if (_core.LinkCount >= _core.EffectiveHigh)
            {
                foreach (var link in _host.Links) _core.SetPriority(link.Peer, link.Priority);
            }

            step(now, effects);

            // Answers to what the core asks add effects.
            for (var i = 0; i < effects.Count; i++) CarryOut(effects[i], now, effects);
            if (_core.NeighbourCount != _neighbours) _metrics.Neighbours(_core.NeighbourCount - _neighbours);
            _neighbours = _core.NeighbourCount;
            TellWaiters();
        }

        foreach (var effect in effects) Tell(effect);
    }

    private void CarryOut(LinkPolicyEffect effect, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        switch (effect)
        {
            case LinkPolicyEffect.Dial dial:
                _tasks.Run(() => DialAsync(dial));
                break;
            case LinkPolicyEffect.Close close:
                _metrics.Closed(close.Why.Reason);
                LinkPolicyLog.Closes(_logger, close.Peer, close.Why);
                _tasks.Run(() => _host.DisconnectAsync(close.Peer, close.Why, _stopping.Token));
                break;
            case LinkPolicyEffect.AskUse ask:
                if (_host.Find(ask.Peer) is { } link) _core.OnUsed(ask.Peer, link.Connection.Traffic.LastUsed, now, effects);
                break;
            case LinkPolicyEffect.SetTimer timer:
                // Timers count whole milliseconds; a tick that comes early would find nothing due.
                var wait = timer.At == Instant.Never ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling((timer.At - now).TotalMilliseconds), 0, 86_400_000));
                _timer.Change(wait, Timeout.InfiniteTimeSpan);
                break;
        }
    }

    /// <summary>Brings to log, metrics and whoever listens what the core wants told.</summary>
    private void Tell(LinkPolicyEffect effect)
    {
        switch (effect)
        {
            case LinkPolicyEffect.Reconnecting lost:
                if (lost.Attempt == 1) _metrics.Lost();
                LinkPolicyLog.Reconnects(_logger, lost.Peer, lost.After, lost.Attempt);
                _wiring.News?.Invoke(lost);
                break;
            case LinkPolicyEffect.GaveUp gone:
                _metrics.GaveUp();
                LinkPolicyLog.GaveUp(_logger, Name(gone.Peer, gone.Addresses), gone.Attempts);
                _wiring.News?.Invoke(gone);
                break;
            case LinkPolicyEffect.Close close:
                _wiring.News?.Invoke(close);
                break;
            case LinkPolicyEffect.Refused refused:
                _metrics.Refused(refused.Reason);
                LinkPolicyLog.Refused(_logger, refused.Reason);
                break;
        }
    }

    private async Task DialAsync(LinkPolicyEffect.Dial dial)
    {
        var outcome = DialOutcome.Failed;
        PeerId? answered = null;
        var target = Name(dial.Peer, dial.Addresses);
        LinkPolicyLog.Dials(_logger, target, dial.Why);
        try
        {
            // A link that came up since, of which this part is not told yet, stays of the kind that it is.
            var link = dial.Peer is { } named ? _host.Find(named) : null;
            link ??= await _host.ConnectAsync(dial.Peer, dial.Addresses, _stopping.Token);
            (outcome, answered) = (DialOutcome.Linked, link.Peer);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            outcome = (error as HandshakeException)?.Failure switch
            {
                HandshakeFailure.SelfDial => DialOutcome.Self,
                HandshakeFailure.RefusedLocally => DialOutcome.Refused,
                _ => DialOutcome.Failed,
            };
            LinkPolicyLog.DialFailed(_logger, target, dial.Why, outcome, error);
            if (outcome == DialOutcome.Failed && dial.Peer is { } peer) _wiring.Book?.Failed(peer);
        }

        _metrics.Dialed(outcome);
        Decide((now, effects) => _core.OnDialed(dial, outcome, answered, now, effects));
    }

    private static string Name(PeerId? peer, IReadOnlyList<Multiaddr> addresses) => peer?.ToString() ?? string.Join(", ", addresses);

    private static StarlingException Stopped() => new("The node is stopping; it keeps no links any more.");
}
