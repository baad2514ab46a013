using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Net.PubSub;
using Starling.Net.Spread;
using Starling.Protocols.Spread;

namespace Starling.Net.Pairing;

/// <summary>Finds others of a topic anywhere in the overlay and links with them; answers those who look for the topics of this node. Safe for several threads.</summary>
/// <remarks>A search spreads from neighbour to neighbour with a bounded number of hops, each node hands it on once, and whoever follows the topic answers
/// along its path with its own signed addresses. It is then linked with directly.</remarks>
public sealed partial class TopicPairing : IAsyncDisposable
{
    private readonly PubSubService _topics;
    private readonly ITopicWire _wire;
    private readonly OverlaySearch _search;
    private readonly ILinkHost _host;
    private readonly PairingServiceOptions _options;
    private readonly TimeProvider _clock;
    private readonly RandomSource _random;
    private readonly Func<PeerId, Task> _partAsync;
    private readonly PairingMetrics _metrics;
    private readonly PairingLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<long, Pairing> _pairings = new();
    private readonly BackgroundTasks _tasks;
    private readonly IDisposable? _answering;
    private ImmutableArray<Action<PairingChange>> _observers = [];
    private FollowedSubjects _followed = new([]);
    private long _numbers;

    /// <summary>Answers searches for what the node follows from now on, unless its options say otherwise.</summary>
    /// <param name="topics">The node's topics; stay the caller's.</param>
    /// <param name="search">Searches; stays the caller's.</param>
    /// <param name="host">Makes the links; stays the caller's.</param>
    /// <param name="options">Null takes the defaults.</param>
    /// <param name="part">Closes an entry link so that nothing makes it again by itself; null closes it through the host.</param>
    /// <param name="clock">The clock; null takes the system's.</param>
    /// <param name="random">Spreads pauses; null takes the system's.</param>
    /// <param name="logger">Null logs nothing.</param>
    /// <param name="meters">Makes the meter; null makes one outside any factory.</param>
    public TopicPairing(
        PubSubService topics,
        OverlaySearch search,
        ILinkHost host,
        PairingServiceOptions? options = null,
        Func<PeerId, Task>? part = null,
        TimeProvider? clock = null,
        RandomSource? random = null,
        ILogger<TopicPairing>? logger = null,
        IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(topics);
        ArgumentNullException.ThrowIfNull(search);
        ArgumentNullException.ThrowIfNull(host);
        _options = options ?? new PairingServiceOptions();
        OptionProblems.ThrowIfAny(_options);
        (_topics, _wire, _search, _host) = (topics, topics.Wire, search, host);
        _clock = clock ?? TimeProvider.System;
        _random = (random ?? RandomSource.System).Fork("pairing");
        _partAsync = part ?? (peer => host.DisconnectAsync(peer));
        _metrics = new PairingMetrics(meters);
        _log = new PairingLog(logger ?? NullLogger<TopicPairing>.Instance);
        _tasks = new BackgroundTasks(error => _log.KeeperFailed(error));
        topics.KeepPaired = Keep;
        _answering = _options.Answer ? search.ServeWhere(Answers) : null;
    }

    /// <summary>The pairings that are under way or kept up.</summary>
    public IReadOnlyList<PairingStatus> Statuses => [.. _pairings.Values.Select(pairing => pairing.Status)];

    /// <summary>Tells an observer of pairings that are made and lost from now on. Disposing ends that.</summary>
    /// <param name="observer">Called from any thread; must return at once and never throw.</param>
    public IDisposable Observe(Action<PairingChange> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        ImmutableInterlocked.Update(ref _observers, all => all.Add(observer));
        return new Observation(() => ImmutableInterlocked.Update(ref _observers, all => all.Remove(observer)));
    }

    /// <summary>Links with others of a topic until as many as are wanted are linked.</summary>
    /// <param name="topic">The topic or pattern.</param>
    /// <param name="options">Null takes the defaults.</param>
    /// <param name="cancellationToken">Ends it; links that were made stay.</param>
    /// <returns>The linked peers that follow the topic.</returns>
    /// <exception cref="InvalidOperationException">As many pairings are under way as may (<see cref="PairingServiceOptions.MaxPairings"/>).</exception>
    /// <exception cref="TimeoutException">Fewer were found in time; those stay linked, and entry links too.</exception>
    public async Task<IReadOnlyList<PeerId>> PairAsync(Topic topic, PairingOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new PairingOptions();
        options.Validate();
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        using var pairing = Begin(topic, options);
        return await PairOnceAsync(pairing, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes once at least so many linked peers follow the topic; searches for nobody.</summary>
    /// <exception cref="TimeoutException">There are fewer when the time is over.</exception>
    public async Task<IReadOnlyList<PeerId>> PairedAsync(Topic topic, TimeSpan timeout, int wanted = 1, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1);
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        var wired = _topics.Meet(topic);
        var watch = new PairWatch(wired);
        using var watching = _wire.Observe(watch);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        try
        {
            await watch.WaitAsync(wanted, fewer: false, end.Token).WaitAsync(timeout, _clock, CancellationToken.None).ConfigureAwait(false);
            return watch.Peers;
        }
        catch (TimeoutException)
        {
            await end.CancelAsync().ConfigureAwait(false);
            throw TooFew(topic, watch.Peers.Count, wanted, timeout);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(TopicPairing), "The node stopped while this was waited for.");
        }
    }

    /// <summary>Keeps a topic paired until the result is disposed: searches now, and again whenever fewer peers are linked than are wanted.</summary>
    public IDisposable Keep(Topic topic, PairingOptions? options = null)
    {
        options ??= new PairingOptions();
        options.Validate();
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        var pairing = Begin(topic, options);
        _tasks.Run(() => KeepAsync(pairing));
        return pairing;
    }

    /// <summary>Ends searches and answers nothing any more. Links stay. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        _answering?.Dispose();
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var pairing in _pairings.Values) pairing.Dispose();
        await _tasks.WhenEmpty().ConfigureAwait(false);
        _metrics.Dispose();
    }

    private static TimeoutException TooFew(Topic topic, int found, int wanted, TimeSpan timeout) =>
        new($"After {timeout.TotalSeconds:0.###} s, {found} of {wanted} peers that follow '{topic.Name}' are linked. Is there another one within reach, and a link to start from?");

    private Pairing Begin(Topic topic, PairingOptions options)
    {
        var number = Interlocked.Increment(ref _numbers);
        if (_pairings.Count >= _options.MaxPairings) throw new InvalidOperationException($"{_options.MaxPairings} pairings are under way or kept up, the most that is allowed ({nameof(PairingServiceOptions.MaxPairings)}).");
        var pairing = new Pairing(topic, _topics.Meet(topic), options, () => _pairings.TryRemove(number, out _), _stop.Token);
        _pairings[number] = pairing;
        pairing.Watch(_wire);
        return pairing;
    }

    /// <summary>Whether this node follows what is searched for, and may say so.</summary>
    private bool Answers(SearchQuery query)
    {
        var followed = Followed();
        if (followed.Find(query.Subject) is not { } topic) return false;
        return topic.Family == TopicFamily.LibP2P || (query.ProvedAsker is { } asker && (_wire.MembersOf(topic)?.Contains(asker) ?? false));
    }

    private FollowedSubjects Followed()
    {
        var known = Volatile.Read(ref _followed);
        var followed = _wire.Followed;
        if (ReferenceEquals(known.Followed, followed)) return known;
        known = new FollowedSubjects(followed);
        Volatile.Write(ref _followed, known);
        return known;
    }

    private void Tell(PairingChange change)
    {
        foreach (var observer in _observers) observer(change);
    }

    private sealed class Observation(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
