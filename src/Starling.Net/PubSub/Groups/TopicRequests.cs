using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Requests;
using Starling.Protocols.Groups;

namespace Starling.Net.PubSub.Groups;

/// <summary>Requests over topics: asked of whoever answers a topic, without knowing who that is. Safe for several threads.</summary>
/// <remarks>A request travels on a topic of its own beside the named one, so subscribers of that never meet it. Answers come over the link to the asker
/// where there is one, else over another such topic, where others who answer or ask see them as well.</remarks>
public sealed partial class TopicRequests : IAsyncDisposable
{
    private const string AnswerName = "starling.answer";
    private const int MaxWaiting = 4096;
    private readonly ConcurrentDictionary<UInt128, PendingAsk> _waiting = new();
    private readonly ConcurrentDictionary<Topic, ReplyTopic> _replies = new();
    private readonly ConcurrentDictionary<TopicResponderMember, byte> _responders = new();
    private readonly PeerId _local;
    private readonly PubSubService _topics;
    private readonly TopicGroups _groups;
    private readonly RequestService _requests;
    private readonly TimeProvider _clock;
    private readonly RandomSource _random;
    private readonly GroupLog _log;
    private readonly IDisposable _answering;
    private int _disposed;

    /// <summary>Starts: takes answers in.</summary>
    /// <param name="local">This node.</param>
    /// <param name="topics">Carries requests; stays the caller's, as all of these, and must outlive this.</param>
    /// <param name="groups">Shares requests among responders.</param>
    /// <param name="requests">Carries answers between neighbours.</param>
    /// <param name="clock">The clock; null takes the system's.</param>
    /// <param name="random">Null takes the system's.</param>
    /// <param name="logger">Null logs nothing.</param>
    public TopicRequests(PeerId local, PubSubService topics, TopicGroups groups, RequestService requests, TimeProvider? clock = null, RandomSource? random = null, ILogger<TopicRequests>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(topics);
        ArgumentNullException.ThrowIfNull(groups);
        ArgumentNullException.ThrowIfNull(requests);
        (_local, _topics, _groups, _requests) = (local, topics, groups, requests);
        (_clock, _random) = (clock ?? TimeProvider.System, (random ?? RandomSource.System).Fork("asks"));
        _log = new GroupLog(logger ?? NullLogger<TopicRequests>.Instance);
        _answering = requests.HandleBuiltIn(AnswerName, (request, _) =>
        {
            Take(request.Peer, request.Payload);
            return new ValueTask<ReadOnlyMemory<byte>>(ReadOnlyMemory<byte>.Empty);
        });
    }

    /// <summary>Requests that wait for answers now.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Completes once at least so many neighbours answer requests of a topic.</summary>
    /// <exception cref="ObjectDisposedException">The node stopped while waiting.</exception>
    public Task WaitForRespondersAsync(Topic topic, int count = 1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(topic);
        return _topics.WaitForSubscribersAsync(GroupNames.Requests(topic), count, cancellationToken);
    }

    /// <summary>Asks the responders of a topic and returns the first answer.</summary>
    /// <param name="topic">The topic; no pattern.</param>
    /// <param name="payload">Copied.</param>
    /// <param name="timeout">For how long to wait; the responder is told. Null waits 10 seconds.</param>
    /// <param name="cancellationToken">Gives the request up; responders are told.</param>
    /// <exception cref="TopicRequestException">There is no answer; <see cref="TopicRequestException.Failure"/> says why.</exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    public async ValueTask<TopicAnswer> RequestAsync(Topic topic, ReadOnlyMemory<byte> payload, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var pending = new PendingAsk(1);
        await foreach (var answer in AskAsync(topic, payload, pending, timeout ?? DefaultTimeout, cancellationToken).ConfigureAwait(false)) return answer;
        if (pending.Failure is { } words) throw new TopicRequestException(TopicRequestFailure.Failed, $"The responder of '{topic.Name}' failed: {words}");
        throw new TopicRequestException(TopicRequestFailure.Timeout, $"Nobody answered the request to '{topic.Name}' within {timeout ?? DefaultTimeout}.");
    }

    /// <summary>Asks the responders of a topic and returns answers as they come, until there are enough or the time is over.</summary>
    /// <param name="topic">The topic; no pattern.</param>
    /// <param name="payload">Copied when the sequence is first asked for an item; one request each time it is enumerated.</param>
    /// <param name="count">Answers wanted at most, from 1 to 10,000.</param>
    /// <param name="timeout">For how long to gather; null gathers for 10 seconds.</param>
    /// <param name="cancellationToken">Ends the sequence; responders are told.</param>
    /// <exception cref="TopicRequestException">The request could not be sent, or nobody is there to answer; thrown to the reader.</exception>
    public IAsyncEnumerable<TopicAnswer> GatherAsync(Topic topic, ReadOnlyMemory<byte> payload, int count, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 10_000);
        return AskAsync(topic, payload, null, timeout ?? DefaultTimeout, cancellationToken, count);
    }

    /// <summary>Stops: no more answers are given or taken.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _answering.Dispose();
        await Task.WhenAll(_responders.Keys.Select(responder => responder.DisposeAsync().AsTask())).ConfigureAwait(false);
        foreach (var topic in _replies.Values) await topic.DisposeAsync().ConfigureAwait(false);
    }

    private static TimeSpan DefaultTimeout { get; } = TimeSpan.FromSeconds(10);

    private async IAsyncEnumerable<TopicAnswer> AskAsync(Topic topic, ReadOnlyMemory<byte> payload, PendingAsk? pending, TimeSpan timeout, [EnumeratorCancellation] CancellationToken cancellationToken, int wanted = 1)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeout, LongestWait);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (topic.IsPattern) throw new ArgumentException($"'{topic.Name}' is a pattern; ask one topic.", nameof(topic));
        if (_waiting.Count >= MaxWaiting) throw new TopicRequestException(TopicRequestFailure.Busy, $"{MaxWaiting} requests over topics wait for answers, as many as may.");
        var asks = GroupNames.Requests(topic);
        if (_topics.Subscribers(asks).Count == 0) throw new TopicRequestException(TopicRequestFailure.NoResponders, $"No neighbour answers requests of '{topic.Name}'.");
        pending ??= new PendingAsk(wanted);
        var id = new UInt128(_random.NextUInt64(), _random.NextUInt64());
        await RepliesAsync(topic).ConfigureAwait(false);
        _waiting.TryAdd(id, pending);
        var isOver = false;
        using var until = new CancellationTokenSource(timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(until.Token, cancellationToken);
        try
        {
            var frame = new AskFrame(AskKind.Ask, id, _local, (uint)Math.Ceiling(timeout.TotalMilliseconds), payload);
            var sent = await _topics.PublishAsync(asks, frame.Encode(), null, cancellationToken).ConfigureAwait(false);
            Check(sent, topic);
            for (var got = 0; got < wanted; got++)
            {
                if (await NextAsync(pending, either.Token, cancellationToken).ConfigureAwait(false) is not { } answer) yield break;
                isOver = got + 1 == wanted;
                yield return answer;
            }
        }
        finally
        {
            _waiting.TryRemove(id, out _);
            if (!isOver && pending.Failure is null) Withdraw(topic, id);
        }
    }

    /// <summary>The next answer; null when the time is over or no more come.</summary>
    private static async ValueTask<TopicAnswer?> NextAsync(PendingAsk pending, CancellationToken until, CancellationToken cancellationToken)
    {
        try
        {
            return await pending.Answers.WaitToReadAsync(until).ConfigureAwait(false) && pending.Answers.TryRead(out var answer) ? answer : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (OperationCanceledException over)
        {
            throw new OperationCanceledException("The request was cancelled.", over, cancellationToken);
        }
    }

    private static void Check(PublishResult sent, Topic topic)
    {
        switch (sent.Status)
        {
            case PublishStatus.NoPeers: throw new TopicRequestException(TopicRequestFailure.NoResponders, $"No neighbour answers requests of '{topic.Name}'.");
            case PublishStatus.TooLarge: throw new TopicRequestException(TopicRequestFailure.TooLarge, "The request is larger than a message may be (PubSub:MaxMessageBytes).");
            case PublishStatus.Rejected: throw new TopicRequestException(TopicRequestFailure.NotSent, "The node is stopping; the request was not sent.");
            case PublishStatus.Backpressured when sent.Recipients == 0: throw new TopicRequestException(TopicRequestFailure.NotSent, $"The queues to all responders of '{topic.Name}' are full.");
        }
    }

    private void Withdraw(Topic topic, UInt128 id)
    {
        var frame = new AskFrame(AskKind.Withdrawal, id, _local, 1, default).Encode();
        if (Volatile.Read(ref _disposed) == 0) _topics.TryPublish(GroupNames.Replies(topic), frame, out _);
    }

    /// <summary>An answer came, from whom the link or the topic says.</summary>
    private void Take(PeerId from, ReadOnlyMemory<byte> bytes)
    {
        if (AskFrame.Decode(bytes) is not { } frame) return;
        if (frame.Kind == AskKind.Withdrawal)
        {
            if (frame.Asker.Equals(from)) foreach (var responder in _responders.Keys) responder.Withdraw(from, frame.Id);
        }
        else if (frame.Asker.Equals(_local) && _waiting.TryGetValue(frame.Id, out var pending))
        {
            if (frame.Kind == AskKind.Answer) pending.Take(new TopicAnswer(from, frame.Payload.ToArray()));
            else if (frame.Kind == AskKind.Failure) pending.Fail(frame.Words);
        }
    }
}
