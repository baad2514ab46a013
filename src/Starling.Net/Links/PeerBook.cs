using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>The shell of <see cref="PeerBookCore"/>: learns from links, tells observers, ages, and saves through an <see cref="IPeerStore"/>. Safe for several threads.</summary>
/// <remarks>It may be used before it is started; what it is told then is kept beside what the store holds. Disposing saves a last time.</remarks>
public sealed partial class PeerBook : IPeerBook, ILinkObserver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly PeerBookCore _core;
    private readonly PeerBookOptions _options;
    private readonly IPeerStore? _store;
    private readonly TimeProvider _clock;
    private readonly PeersMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Saver? _saver;
    private readonly PeerBookObservers _observers;
    private readonly Channel<(PeerId Peer, bool IsLoopback, ReadOnlyMemory<byte> Envelope)> _records;
    private ITimer? _aging;
    private IDisposable? _observing;
    private Task _verifying = Task.CompletedTask;
    private (int Living, int Dead) _counted;

    /// <summary>Creates an empty book.</summary>
    /// <param name="self">This node, which is never in its own book.</param>
    /// <param name="options">The bounds and the file; not changed afterwards.</param>
    /// <param name="clock">The node's clock; ages follow its wall time.</param>
    /// <param name="metrics">Where it counts.</param>
    /// <param name="logger">Where it reports.</param>
    /// <param name="store">Where it is kept; null takes a <see cref="JsonPeerStore"/> at <see cref="PeerBookOptions.File"/>, or nothing when there is none.</param>
    /// <exception cref="ArgumentException">An option is wrong; the message says which and what to do.</exception>
    public PeerBook(PeerId self, PeerBookOptions options, TimeProvider clock, PeersMetrics metrics, ILogger logger, IPeerStore? store = null)
    {
        OptionProblems.ThrowIfAny(options);
        (_options, _clock, _metrics, _logger) = (options, clock, metrics, logger);
        _core = new PeerBookCore(self, options);
        _store = store ?? (options.File is { } file ? new JsonPeerStore(file, logger) : null);
        if (_store is not null) _saver = new Saver("peer book", SaveAsync, options.SaveDelay, clock, succeeded => metrics.Saved("peers", succeeded), logger);
        _observers = new PeerBookObservers(Find, logger);
        _records = Channel.CreateBounded<(PeerId, bool, ReadOnlyMemory<byte>)>(new BoundedChannelOptions(256) { SingleReader = true });
    }

    /// <summary>Whether only linked peers, and static ones, are kept: what is said of others is not noted, and who is linked no more is forgotten. Default false.</summary>
    public bool LinkedOnly { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<PeerEntry> Peers
    {
        get { lock (_gate) return _core.Snapshot(); }
    }

    /// <inheritdoc/>
    public IReadOnlyList<PeerEntry> DirectNeighbours => [.. Peers.Where(peer => peer.IsNeighbour)];

    private DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>Loads what was saved, and learns from a host's links from then on. Once.</summary>
    /// <exception cref="StarlingException">The file cannot be used; the message says what to do.</exception>
    public async Task StartAsync(ILinkHost host, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (_store is not null) Restore(await _store.LoadAsync(cancellationToken).ConfigureAwait(false));
        _verifying = Task.Run(VerifyAsync, CancellationToken.None);
        _aging = _clock.CreateTimer(static book => ((PeerBook)book!).OnAging(), this, _options.AgingInterval, _options.AgingInterval);
        _observing = host.Observe(this);
    }

    /// <inheritdoc/>
    public PeerEntry? Find(PeerId peer)
    {
        lock (_gate) return _core.Find(peer);
    }

    /// <inheritdoc/>
    public bool Add(PeerId peer, IReadOnlyList<Multiaddr> addresses, AddressSource source)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(addresses);
        return Tell(peer, source, (now, changed) => _core.Note(peer, addresses, source, now, changed));
    }

    /// <inheritdoc/>
    public bool AddRecord(ReadOnlyMemory<byte> envelope)
    {
        if (!PeerRecords.TryOpen(envelope.Span, out var peer, out var sequence, out var addresses))
        {
            _metrics.Told(nameof(AddressSource.SignedRecord), PeerBookOutcome.BadRecord);
            return false;
        }

        var kept = envelope.ToArray();
        return Tell(peer, AddressSource.SignedRecord, (now, changed) => _core.NoteRecord(peer, sequence, addresses, kept, isFirstHand: false, now, changed));
    }

    /// <inheritdoc/>
    public void Succeeded(PeerId peer, Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(address);
        Change((now, changed) => _core.Succeeded(peer, address, now, changed));
    }

    /// <summary>The peer answered first at an address that names nobody; kept with the book, so that another one is refused there after a restart as well.</summary>
    public void Pin(PeerId peer, Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(address);
        Change((now, changed) => _core.Pin(peer, address, now, changed));
    }

    /// <inheritdoc/>
    public void Failed(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        var isGivenUp = false;
        Change((now, changed) => isGivenUp = _core.Failed(peer, now, changed));
        if (isGivenUp) PeersLog.GivenUp(_logger, peer, _options.MaxFailures);
    }

    /// <inheritdoc/>
    public void SetStatic(PeerId peer, bool isStatic)
    {
        ArgumentNullException.ThrowIfNull(peer);
        Change((_, changed) => _core.SetStatic(peer, isStatic, changed));
    }

    /// <inheritdoc/>
    public bool Remove(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        var removed = false;
        Change((_, changed) => removed = _core.Remove(peer, changed));
        return removed;
    }

    /// <inheritdoc/>
    public IDisposable Observe(Action<PeerId, PeerEntry?> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return _observers.Add(observer);
    }

    /// <summary>Saves now what has changed since the last save.</summary>
    /// <returns>False when it failed; the reason is logged.</returns>
    public async Task<bool> FlushAsync(CancellationToken cancellationToken = default) =>
        _saver is null || await _saver.FlushAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _observing?.Dispose();
        _aging?.Dispose();
        _records.Writer.TryComplete();
        await _verifying.ConfigureAwait(false);
        if (_saver is not null) await _saver.DisposeAsync().ConfigureAwait(false);
    }

    private void Restore(IReadOnlyList<PeerEntry> saved)
    {
        int leftOut;
        lock (_gate)
        {
            leftOut = _core.Restore(saved, Now);
            Count();
        }

        PeersLog.BookLoaded(_logger, saved.Count - leftOut, saved.Count(peer => peer.IsNeighbour), leftOut);
    }

    private async ValueTask SaveAsync(CancellationToken cancellationToken) => await _store!.SaveAsync(Peers, cancellationToken).ConfigureAwait(false);

    private void OnAging() => Change((now, changed) => _core.Tick(now, changed));

    private bool Tell(PeerId peer, AddressSource source, Func<DateTimeOffset, ICollection<PeerId>, PeerBookOutcome> step)
    {
        var outcome = PeerBookOutcome.Noted;
        Change((now, changed) => outcome = LinkedOnly && _core.Find(peer) is null ? PeerBookOutcome.Full : step(now, changed));
        _metrics.Told(source.ToString(), outcome);
        if (outcome is not (PeerBookOutcome.Noted or PeerBookOutcome.Known)) PeersLog.NotNoted(_logger, peer, source.ToString(), outcome.ToString());
        return outcome == PeerBookOutcome.Noted;
    }

    private void Change(Action<DateTimeOffset, ICollection<PeerId>> step)
    {
        var changed = new HashSet<PeerId>();
        lock (_gate)
        {
            step(Now, changed);
            if (changed.Count == 0) return;
            Count();
        }

        _saver?.Touch();
        _observers.Tell(changed);
    }

    private void Count()
    {
        _metrics.Known(_core.Count - _counted.Living, _core.DeadCount - _counted.Dead);
        _counted = (_core.Count, _core.DeadCount);
    }
}
