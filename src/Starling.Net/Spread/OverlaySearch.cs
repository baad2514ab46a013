using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Starling.Net.Links;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>Finds peers that serve a subject, anywhere in the overlay: the query spreads from neighbour to neighbour, answers come back along its path. Safe for several threads.</summary>
/// <remarks>Neither the asker nor those who answer need to be reachable, or known to anybody but their neighbours. Each node keeps the queries
/// that it has seen, so that none runs in circles. Answers are signed for the query; every node on the way checks them.</remarks>
public sealed class OverlaySearch : IDisposable
{
    private readonly SpreadService _spread;
    private readonly NodeIdentity _identity;
    private readonly OwnPeerRecord _record;
    private readonly OverlaySearchOptions _options;
    private readonly SpreadKind _kind;
    private readonly IDisposable _registration;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Serving>> _served = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<SpreadKey, Search> _searches = new();
    private ImmutableArray<Func<SearchQuery, bool>> _answering = [];
    private readonly CancellationTokenSource _stop = new();
    private int _searching;
    private long _answered;
    private long _malformed;

    /// <summary>Takes part in searches from now on: hands on, and answers what is served.</summary>
    /// <param name="spread">Carries queries and answers; stays the caller's.</param>
    /// <param name="identity">Signs answers; stays the caller's.</param>
    /// <param name="record">What answers tell of this node.</param>
    /// <param name="options">The bounds; null takes the defaults. Not to be changed afterwards.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public OverlaySearch(SpreadService spread, NodeIdentity identity, OwnPeerRecord record, OverlaySearchOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(spread);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(record);
        _options = options ?? new OverlaySearchOptions();
        OptionProblems.ThrowIfAny(_options);
        (_spread, _identity, _record) = (spread, identity, record);
        _kind = new SpreadKind(KindNumber, "starling/search") { Degree = _options.Degree, Relay = _options.Relay };
        _registration = spread.Register(_kind, new SpreadHandlers { OnItem = AnswerAsync, OnReply = TakeAsync, CheckReply = static reply => SearchCodec.TryReadAnswer(reply.To.Id, reply.Payload, out _) });
    }

    /// <summary>The number of search among the kinds of spread.</summary>
    public const uint KindNumber = 1;

    /// <summary>The subjects that this node serves now.</summary>
    public IReadOnlyList<string> Served
    {
        get
        {
            lock (_gate) return [.. _served.Keys];
        }
    }

    /// <summary>Queries that this node has answered.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Queries that were malformed or told of their asker with a record that does not hold. They are not answered.</summary>
    public long Malformed => Interlocked.Read(ref _malformed);

    /// <summary>Answers searches for a subject from now on. Disposing ends that; a subject may be served several times.</summary>
    /// <param name="subject">From 1 to 256 bytes of UTF-8; compared byte by byte.</param>
    /// <param name="answers">Whom to answer; null answers everybody. Returns at once and never throws; called from any thread.</param>
    /// <exception cref="ArgumentException">The subject is empty, too long or no valid Unicode.</exception>
    /// <exception cref="InvalidOperationException">As many subjects are served as may be (<see cref="OverlaySearchOptions.MaxSubjects"/>).</exception>
    public IDisposable Serve(string subject, Func<SearchQuery, bool>? answers = null)
    {
        SearchCodec.CheckSubject(subject);
        var serving = new Serving(this, subject, answers);
        lock (_gate)
        {
            if (!_served.TryGetValue(subject, out var present))
            {
                if (_served.Count >= _options.MaxSubjects) throw new InvalidOperationException($"{_options.MaxSubjects} subjects are served, the most that is allowed ({nameof(OverlaySearchOptions.MaxSubjects)}).");
                _served.Add(subject, present = []);
            }

            present.Add(serving);
        }

        return serving;
    }

    /// <summary>Answers from now on every search that a predicate chooses, whatever its subject. Disposing ends that.</summary>
    /// <param name="answers">Returns at once and never throws; called from any thread.</param>
    public IDisposable ServeWhere(Func<SearchQuery, bool> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ImmutableInterlocked.Update(ref _answering, all => all.Add(answers));
        return new Answering(() => ImmutableInterlocked.Update(ref _answering, all => all.Remove(answers)));
    }

    /// <summary>Yields peers that serve a subject as their answers come, each once, until enough are found or the time is over.</summary>
    /// <param name="subject">What is sought.</param>
    /// <param name="options">How far and how long; null takes the defaults.</param>
    /// <param name="cancellationToken">Ends the search with an exception.</param>
    /// <exception cref="ArgumentException">The subject or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">As many searches run as may (<see cref="OverlaySearchOptions.MaxSearches"/>).</exception>
    /// <exception cref="ObjectDisposedException">The node has stopped, or stops meanwhile.</exception>
    public IAsyncEnumerable<SearchResult> SearchAsync(string subject, SearchOptions? options = null, CancellationToken cancellationToken = default)
    {
        SearchCodec.CheckSubject(subject);
        options ??= new SearchOptions();
        options.Validate();
        return RunAsync(subject, options, cancellationToken);
    }

    /// <summary>Ends every search, and answers nothing any more. Idempotent.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        _stop.Cancel();
    }

    private async IAsyncEnumerable<SearchResult> RunAsync(string subject, SearchOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        using var time = new CancellationTokenSource(options.Timeout, _spread.Clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken, _stop.Token);
        var search = Begin(subject, options.Limit);
        var asking = AskAsync(search, options, end.Token);
        try
        {
            for (var found = 0; found < options.Limit; found++)
            {
                var result = await search.NextAsync(end.Token).ConfigureAwait(false);
                if (result is null) break;
                yield return result;
            }

            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);
            await asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var key in search.Keys) _searches.TryRemove(key, out _);
            Interlocked.Decrement(ref _searching);
        }
    }

    private Search Begin(string subject, int limit)
    {
        if (Interlocked.Increment(ref _searching) > _options.MaxSearches)
        {
            Interlocked.Decrement(ref _searching);
            throw new InvalidOperationException($"{_options.MaxSearches} searches are under way, the most that is allowed ({nameof(OverlaySearchOptions.MaxSearches)}).");
        }

        return new Search(subject, limit);
    }

    /// <summary>Asks, and asks again under a new id with a growing pause: a node answers a query once, and not all were there at the first time.</summary>
    private async Task AskAsync(Search search, SearchOptions options, CancellationToken cancellationToken)
    {
        for (var pause = options.RepeatAfter; ; pause *= 2)
        {
            var id = SpreadId.New(_spread.Random);
            var key = new SpreadKey(id, _identity.PeerId, options.SignQuery);
            search.Keys.Add(key);
            _searches[key] = search;
            var query = SearchCodec.WriteQuery(search.Subject, options.TellAsker ? _record.Envelope.Span : default);
            await _spread.PublishAsync(_kind with { Signed = options.SignQuery }, query, options.Ttl, id, cancellationToken).ConfigureAwait(false);
            await Task.Delay(_spread.Random.Jitter(pause, 0.75, 1.25), _spread.Clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask AnswerAsync(SpreadDelivery item, CancellationToken cancellationToken)
    {
        if (!SearchCodec.TryReadQuery(item.Payload, out var query))
        {
            Interlocked.Increment(ref _malformed);
            return;
        }

        if (!Serves(item.Item.IsSigned ? query with { ProvedAsker = item.Origin } : query)) return;
        var answer = SearchCodec.WriteAnswer(item.Item.Id, query.Subject, _record.Envelope.Span, _identity);

        // Counted before the other side can know of it.
        Interlocked.Increment(ref _answered);
        if (!await _spread.ReplyAsync(item, answer).ConfigureAwait(false)) Interlocked.Decrement(ref _answered);
    }

    private bool Serves(SearchQuery query)
    {
        Serving[] serving;
        lock (_gate) serving = _served.TryGetValue(query.Subject, out var present) ? [.. present] : [];
        return serving.Any(one => one.Answers?.Invoke(query) ?? true) || _answering.Any(answers => answers(query));
    }

    /// <summary>Every answer was checked when it came from its stream.</summary>
    private ValueTask TakeAsync(SpreadAnswer reply, CancellationToken cancellationToken)
    {
        if (_searches.TryGetValue(reply.To, out var search) && SearchCodec.TryReadAnswer(reply.To.Id, reply.Payload, out var answer)) search.Take(answer, reply.From);
        return ValueTask.CompletedTask;
    }

    private void Forget(Serving serving)
    {
        lock (_gate)
        {
            if (_served.TryGetValue(serving.Subject, out var present) && present.Remove(serving) && present.Count == 0) _served.Remove(serving.Subject);
        }
    }

    private sealed class Serving(OverlaySearch search, string subject, Func<SearchQuery, bool>? answers) : IDisposable
    {
        public string Subject => subject;

        public Func<SearchQuery, bool>? Answers => answers;

        public void Dispose() => search.Forget(this);
    }

    private sealed class Answering(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    /// <summary>One search under way: results that wait for their reader, no more than were asked for.</summary>
    private sealed class Search(string subject, int limit)
    {
        private readonly HashSet<PeerId> _found = [];
        private readonly Channel<SearchResult> _results = Channel.CreateBounded<SearchResult>(limit);

        public string Subject => subject;

        /// <summary>The queries that were sent. Used by one task at a time.</summary>
        public List<SpreadKey> Keys { get; } = [];

        public void Take(SearchAnswer answer, PeerId via)
        {
            lock (_found)
            {
                if (answer.Subject == subject && _found.Count < limit && _found.Add(answer.Record.Peer)) _results.Writer.TryWrite(new SearchResult(answer.Record, subject) { Via = via });
            }
        }

        /// <summary>The next result, or null once the search has ended.</summary>
        public async ValueTask<SearchResult?> NextAsync(CancellationToken end)
        {
            if (_results.Reader.TryRead(out var result)) return result;
            try
            {
                return await _results.Reader.ReadAsync(end).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }
    }
}
