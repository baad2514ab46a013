using Microsoft.Extensions.Logging;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>What happened to an entry of the blocklist.</summary>
public enum BlockChange
{
    /// <summary>It was added, or replaced.</summary>
    Added,

    /// <summary>It was removed.</summary>
    Removed,

    /// <summary>Its time was over.</summary>
    Expired,
}

/// <summary>Keeps peers and addresses away: refuses dials, accepts and links, and closes the links that are open. The shell of <see cref="BlocklistCore"/>. Safe for several threads.</summary>
/// <remarks>As an <see cref="ILinkGate"/> it answers from memory. A blocked address is refused before its handshake; an address that is a name is judged by where it led.</remarks>
public sealed partial class Restrictions : ILinkGate, ILinkObserver, IAsyncDisposable
{
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly BlocklistCore _core;
    private readonly RestrictionsOptions _options;
    private readonly TimeProvider _clock;
    private readonly PeersMetrics _metrics;
    private readonly ILogger _logger;
    private readonly BlocklistFile? _file;
    private readonly Saver? _saver;
    private readonly ITimer _timer;
    private readonly BackgroundTasks _tasks;
    private Action<BlockEntry, BlockChange>[] _observers = [];
    private ILinkHost? _host;
    private Func<PeerId, CloseInfo, Task>? _disconnect;
    private IDisposable? _observing;

    /// <summary>Blocks what the options name.</summary>
    /// <param name="options">The bounds, the file and the first entries; not changed afterwards.</param>
    /// <param name="clock">The node's clock; entries expire by its wall time.</param>
    /// <param name="metrics">Where it counts.</param>
    /// <param name="logger">Where it reports.</param>
    /// <exception cref="ArgumentException">An option is wrong; the message says which and what to do.</exception>
    public Restrictions(RestrictionsOptions options, TimeProvider clock, PeersMetrics metrics, ILogger logger)
    {
        OptionProblems.ThrowIfAny(options);
        (_options, _clock, _metrics, _logger) = (options, clock, metrics, logger);
        _core = new BlocklistCore(options.MaxEntries);
        _tasks = new BackgroundTasks(error => PeersLog.CloseFailed(logger, error));
        _timer = clock.CreateTimer(static restrictions => ((Restrictions)restrictions!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        foreach (var text in options.Block) TryAdd(new BlockEntry(BlockSubject.Parse(text), DateTimeOffset.MinValue));
        if (options.File is not { } path) return;
        _file = new BlocklistFile(path, logger);
        _saver = new Saver("blocklist", SaveAsync, TimeSpan.FromSeconds(1), clock, succeeded => metrics.Saved("blocklist", succeeded), logger);
    }

    /// <summary>What is blocked now.</summary>
    public IReadOnlyList<BlockEntry> Blocked
    {
        get
        {
            var now = _clock.GetUtcNow();
            lock (_gate) return [.. _core.Snapshot().Where(entry => !entry.HasExpired(now))];
        }
    }

    /// <summary>Loads what was saved, and closes the blocked links of a host from then on. Once.</summary>
    /// <param name="host">Whose links.</param>
    /// <param name="disconnect">Closes the link to a peer and completes when it is gone.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="StarlingException">The file cannot be used; the message says what to do.</exception>
    public async Task StartAsync(ILinkHost host, Func<PeerId, CloseInfo, Task> disconnect, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(disconnect);
        cancellationToken.ThrowIfCancellationRequested();
        if (_file is not null)
        {
            var saved = _file.Load();
            var leftOut = saved.Count(entry => !TryAdd(entry));
            PeersLog.BlocklistLoaded(_logger, saved.Count - leftOut, leftOut);
        }

        (_host, _disconnect) = (host, disconnect);
        OnTimer();
        _observing = host.Observe(this);
        await CloseBlockedAsync().ConfigureAwait(false);
    }

    /// <summary>Blocks a peer, an address or a range, at once, and closes the links that it concerns.</summary>
    /// <param name="subject">Who; an entry of the same subject is replaced.</param>
    /// <param name="duration">For how long; null for ever.</param>
    /// <param name="note">Why, for people on this side; at most 256 characters.</param>
    /// <param name="cancellationToken">Ends the wait, not the block.</param>
    /// <returns>Completes when those links are closed and the entry is saved, where it is.</returns>
    /// <exception cref="StarlingException">The list is full.</exception>
    /// <exception cref="ArgumentException">The duration is not positive, or the note is too long or holds control characters.</exception>
    public async Task<BlockEntry> BlockAsync(BlockSubject subject, TimeSpan? duration = null, string note = "", CancellationToken cancellationToken = default) =>
        (await BlockAsync([subject], duration, note, cancellationToken).ConfigureAwait(false))[0];

    /// <summary>Blocks several at once; all of them, or none when there is no room.</summary>
    /// <inheritdoc cref="BlockAsync(BlockSubject, TimeSpan?, string, CancellationToken)"/>
    public async Task<IReadOnlyList<BlockEntry>> BlockAsync(IReadOnlyList<BlockSubject> subjects, TimeSpan? duration = null, string note = "", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(subjects);
        if (duration <= TimeSpan.Zero) throw new ArgumentOutOfRangeException(nameof(duration), duration, "A block lasts longer than zero; leave the duration out to block for ever.");
        if (note.Length > BlockEntry.MaxNoteLength || note.Any(char.IsControl)) throw new ArgumentException($"A note has at most {BlockEntry.MaxNoteLength} characters and no control character.", nameof(note));
        var now = _clock.GetUtcNow();
        var expires = duration is { } span && span < DateTimeOffset.MaxValue - now ? now + span : (DateTimeOffset?)null;
        BlockEntry[] entries = [.. subjects.Distinct().Select(subject => new BlockEntry(subject, now, expires, note))];
        lock (_gate)
        {
            if (_core.Count + entries.Count(entry => _core.Find(entry.Subject) is null) > _options.MaxEntries)
            {
                throw new StarlingException($"The blocklist has {_core.Count} of {_options.MaxEntries} entries, and {entries.Length} more do not fit; remove some, block ranges, or raise Restrictions:MaxEntries.");
            }

            foreach (var entry in entries) TryAdd(entry);
            SetTimer();
        }

        Tell(entries, BlockChange.Added);
        await CloseBlockedAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return entries;
    }

    /// <summary>Takes a subject off the list. Ranges that contain it still hold.</summary>
    /// <returns>Whether it was on the list; completes when that is saved, where it is.</returns>
    public async Task<bool> UnblockAsync(BlockSubject subject, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(subject);
        BlockEntry? removed;
        lock (_gate) removed = _core.Remove(subject);
        if (removed is null) return false;
        _metrics.Blocked(-1);
        Tell([removed], BlockChange.Removed);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Takes everything off the list, also what the options named.</summary>
    /// <returns>How many entries there were.</returns>
    public async Task<int> ClearAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<BlockEntry> removed;
        lock (_gate)
        {
            removed = _core.Snapshot();
            foreach (var entry in removed) _core.Remove(entry.Subject);
        }

        _metrics.Blocked(-removed.Count);
        Tell(removed, BlockChange.Removed);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return removed.Count;
    }

    /// <summary>Tells of every change from now on. Calls return at once and never throw. Disposing ends it.</summary>
    public IDisposable Observe(Action<BlockEntry, BlockChange> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        lock (_gate) _observers = [.. _observers, observer];
        return new Observation(this, observer);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _observing?.Dispose();
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _tasks.WhenEmpty().ConfigureAwait(false);
        if (_saver is not null) await _saver.DisposeAsync().ConfigureAwait(false);
    }

    private bool TryAdd(BlockEntry entry)
    {
        lock (_gate)
        {
            if (entry.HasExpired(_clock.GetUtcNow())) return false;
            var before = _core.Count;
            var added = _core.TryAdd(entry);
            _metrics.Blocked(_core.Count - before);
            return added;
        }
    }

    private void OnTimer()
    {
        var expired = new List<BlockEntry>();
        lock (_gate)
        {
            _core.Expire(_clock.GetUtcNow(), expired);
            SetTimer();
        }

        if (expired.Count == 0) return;
        _metrics.Blocked(-expired.Count);
        Tell(expired, BlockChange.Expired);
    }

    private void SetTimer()
    {
        if (_core.NextExpiry is not { } next) return;
        var wait = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Max(0, (next - _clock.GetUtcNow()).TotalMilliseconds)));
        _timer.Change(wait < LongestTimer ? wait : LongestTimer, Timeout.InfiniteTimeSpan);
    }

    private void Tell(IReadOnlyList<BlockEntry> entries, BlockChange change)
    {
        _saver?.Touch();
        Action<BlockEntry, BlockChange>[] observers;
        lock (_gate) observers = _observers;
        foreach (var entry in entries)
        {
            PeersLog.BlocklistChanged(_logger, entry.Subject, change, entry.Expires, entry.Note);
            foreach (var observer in observers) Guard(observer, entry, change);
        }
    }

    private void Guard(Action<BlockEntry, BlockChange> observer, BlockEntry entry, BlockChange change)
    {
        try
        {
            observer(entry, change);
        }
        catch (Exception error)
        {
            PeersLog.ObserverFailed(_logger, "blocklist", error);
        }
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_saver is not null) await _saver.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private ValueTask SaveAsync(CancellationToken cancellationToken)
    {
        // What the options name is theirs: it must go when they no longer name it.
        _file!.Save([.. Blocked.Where(entry => entry.Added > DateTimeOffset.MinValue)]);
        return ValueTask.CompletedTask;
    }

    private sealed class Observation(Restrictions restrictions, Action<BlockEntry, BlockChange> observer) : IDisposable
    {
        public void Dispose()
        {
            lock (restrictions._gate) restrictions._observers = [.. restrictions._observers.Where(one => one != observer)];
        }
    }
}
