using System.Collections.Concurrent;
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
    private readonly ITopicWire _wire;
    private readonly OverlaySearch _search;
    private readonly ILinkHost _host;
    private readonly PairingWiring _wiring;
    private readonly PairingMetrics _metrics;
    private readonly PairingLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<long, Pairing> _pairings = new();
    private readonly BackgroundTasks _tasks;
    private readonly IDisposable? _answering;
    private FollowedSubjects _followed = new([]);
    private long _numbers;

    internal TopicPairing(ITopicWire wire, OverlaySearch search, ILinkHost host, PairingWiring wiring)
    {
        (_wire, _search, _host, _wiring) = (wire, search, host, wiring);
        _metrics = new PairingMetrics(wiring.Meters);
        _log = new PairingLog(wiring.Loggers?.CreateLogger<TopicPairing>() ?? NullLogger<TopicPairing>.Instance);
        _tasks = new BackgroundTasks(error => _log.KeeperFailed("a topic", error));
        _answering = wiring.Answer ? search.ServeWhere(Answers) : null;
    }

    /// <summary>The pairings that are under way or kept up.</summary>
    public IReadOnlyList<PairingStatus> Statuses => [.. _pairings.Values.Select(pairing => pairing.Status)];

    /// <summary>Links with others of a topic until as many as are wanted are linked.</summary>
    /// <param name="topic">The topic or pattern.</param>
    /// <param name="options">Null takes the defaults.</param>
    /// <param name="cancellationToken">Ends it; links that were made stay.</param>
    /// <returns>The linked peers that follow the topic.</returns>
    /// <exception cref="TimeoutException">Fewer were found in time; those stay linked, and entry links too.</exception>
    internal async Task<IReadOnlyList<PeerId>> PairAsync(WireTopic topic, PairingOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new PairingOptions();
        options.Validate();
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        using var pairing = Begin(topic, options);
        return await PairOnceAsync(pairing, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes once at least so many linked peers follow the topic; searches for nobody.</summary>
    /// <exception cref="TimeoutException">There are fewer when the time is over.</exception>
    internal async Task<IReadOnlyList<PeerId>> PairedAsync(WireTopic topic, TimeSpan timeout, int wanted = 1, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1);
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        var watch = new PairWatch(topic);
        using var watching = _wire.Observe(watch);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        try
        {
            await watch.WaitAsync(wanted, fewer: false, end.Token).WaitAsync(timeout, _wiring.Clock, CancellationToken.None).ConfigureAwait(false);
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
    internal IDisposable Keep(WireTopic topic, PairingOptions? options = null)
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

    private static TimeoutException TooFew(WireTopic topic, int found, int wanted, TimeSpan timeout) =>
        new($"After {timeout.TotalSeconds:0.###} s, {found} of {wanted} peers that follow '{topic.Name}' are linked. Is there another one within reach, and a link to start from?");

    private Pairing Begin(WireTopic topic, PairingOptions options)
    {
        var number = Interlocked.Increment(ref _numbers);
        var pairing = new Pairing(topic, options, () => _pairings.TryRemove(number, out _), _stop.Token);
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
}

/// <summary>What pairing needs of its node besides links, search and topics.</summary>
/// <param name="Clock">The clock seam.</param>
/// <param name="Random">The randomness seam.</param>
/// <param name="Answer">Whether others find this node by the topics that it follows.</param>
/// <param name="PartAsync">Closes a link that is not to be made again by itself.</param>
/// <param name="News">Told of each change; returns at once and never throws. Null for nobody.</param>
/// <param name="Loggers">Null logs nothing.</param>
/// <param name="Meters">Null makes a meter outside any factory.</param>
internal sealed record PairingWiring(
    TimeProvider Clock,
    RandomSource Random,
    bool Answer,
    Func<PeerId, Task> PartAsync,
    Action<WireTopic, IReadOnlyList<PeerId>, bool>? News = null,
    ILoggerFactory? Loggers = null,
    IMeterFactory? Meters = null);
