using System.Collections.Concurrent;
using Starling.Net.Requests;
using Starling.Protocols.Groups;

namespace Starling.Net.PubSub.Groups;

/// <content>Answering.</content>
public sealed partial class TopicRequests
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>For how long anybody may wait for an answer; who says longer is taken at this.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    /// <summary>Answers requests over a topic from now on; dispose the result to stop. The first responder of a group takes requests after <see cref="GroupOptions.SettleTime"/>.</summary>
    /// <param name="topic">The topic; no pattern.</param>
    /// <param name="responder">Called for requests, concurrently.</param>
    /// <param name="options">Null takes the defaults: one of all responders answers.</param>
    /// <exception cref="ArgumentException">The topic or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">This node answers the topic in this group already.</exception>
    public async ValueTask<IAsyncDisposable> RespondAsync(Topic topic, TopicResponder responder, RespondOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentNullException.ThrowIfNull(responder);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (topic.IsPattern) throw new ArgumentException($"'{topic.Name}' is a pattern; answer one topic.", nameof(topic));
        options ??= new RespondOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxInFlight, 1, nameof(options));
        await RepliesAsync(topic).ConfigureAwait(false);
        var member = new TopicResponderMember(this, topic, responder, options);
        _responders.TryAdd(member, 0);
        try
        {
            await member.StartAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            _responders.TryRemove(member, out _);
            throw;
        }

        return member;
    }

    /// <summary>Follows the topic that answers may come over, from the first request or responder on until the node stops.</summary>
    private async ValueTask RepliesAsync(Topic topic)
    {
        var replies = _replies.GetOrAdd(topic, static (topic, self) => new ReplyTopic(self, GroupNames.Replies(topic)), this);
        try
        {
            await replies.Started.ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Such as too many topics: the next request may find room.
            _replies.TryRemove(KeyValuePair.Create(topic, replies));
            throw;
        }
    }

    private async Task AnswerAsync(Topic topic, AskFrame answer)
    {
        var sent = await SendAsync(topic, answer).ConfigureAwait(false);
        if (sent == PublishStatus.TooLarge) sent = await SendAsync(topic, AskFrame.Failed(answer.Id, answer.Asker, $"the answer of {answer.Payload.Length} bytes is larger than a message may be (PubSub:MaxMessageBytes)")).ConfigureAwait(false);
        if (sent != PublishStatus.Sent) _log.AnswerLost(topic.Name, answer.Asker, sent);
    }

    private async Task<PublishStatus> SendAsync(Topic topic, AskFrame answer)
    {
        var bytes = answer.Encode();
        try
        {
            await _requests.RequestAsync(answer.Asker, AnswerName, bytes, AnswerTimeout).ConfigureAwait(false);
            return PublishStatus.Sent;
        }
        catch (RequestException)
        {
            // The asker is no neighbour, or does not take answers so: the topic reaches it where a link does not.
            return (await _topics.PublishAsync(GroupNames.Replies(topic), bytes).ConfigureAwait(false)).Status;
        }
    }

    /// <summary>A topic that answers come over.</summary>
    private sealed class ReplyTopic : IAsyncDisposable
    {
        private readonly TopicRequests _owner;
        private readonly Topic _topic;
        private readonly Lazy<Task<TopicSubscription>> _subscription;
        private Task _reading = Task.CompletedTask;

        public ReplyTopic(TopicRequests owner, Topic topic)
        {
            (_owner, _topic) = (owner, topic);
            _subscription = new Lazy<Task<TopicSubscription>>(SubscribeAsync);
        }

        public Task Started => _subscription.Value;

        public async ValueTask DisposeAsync()
        {
            if (!_subscription.IsValueCreated || _subscription.Value.IsFaulted) return;
            await (await _subscription.Value.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            await _reading.ConfigureAwait(false);
        }

        private async Task<TopicSubscription> SubscribeAsync()
        {
            var subscription = await _owner._topics.SubscribeAsync(_topic).ConfigureAwait(false);
            _reading = Task.Run(async () =>
            {
                await foreach (var said in subscription) _owner.Take(said.Origin, said.Data);
            });
            return subscription;
        }
    }

    /// <summary>One responder of this node.</summary>
    private sealed class TopicResponderMember(TopicRequests owner, Topic topic, TopicResponder responder, RespondOptions options) : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<(PeerId Asker, UInt128 Id), CancellationTokenSource> _running = new();
        private readonly SemaphoreSlim _turns = new(options.MaxInFlight);
        private readonly CancellationTokenSource _stop = new();
        private GroupMember? _member;
        private TopicSubscription? _subscription;
        private Task _reading = Task.CompletedTask;

        public async Task StartAsync()
        {
            var asks = GroupNames.Requests(topic);
            if (options.Group is { } group)
            {
                var joining = options.GroupOptions ?? new GroupJoinOptions { MaxAttempts = 3, MaxInFlight = options.MaxInFlight };
                _member = await owner._groups.JoinAsync(asks, group, (message, cancelled) => new ValueTask(HandleAsync(message.Message, message.IsRedelivered, cancelled)), joining).ConfigureAwait(false);
                return;
            }

            _subscription = await owner._topics.SubscribeAsync(asks).ConfigureAwait(false);
            _reading = Task.Run(ReadAsync);
        }

        public void Withdraw(PeerId asker, UInt128 id)
        {
            if (_running.TryGetValue((asker, id), out var running)) _ = CancelAsync(running);
        }

        public async ValueTask DisposeAsync()
        {
            owner._responders.TryRemove(this, out _);
            if (_member is not null) await _member.DisposeAsync().ConfigureAwait(false);
            if (_subscription is not null) await _subscription.DisposeAsync().ConfigureAwait(false);

            // The reader may be waiting for the turn of a handler that waits for this.
            await _stop.CancelAsync().ConfigureAwait(false);
            foreach (var (asker, id) in _running.Keys) Withdraw(asker, id);
            await _reading.ConfigureAwait(false);
        }

        /// <summary>What a handler has registered with its token runs elsewhere: it may take long, or throw.</summary>
        private async Task CancelAsync(CancellationTokenSource running)
        {
            try
            {
                await running.CancelAsync().ConfigureAwait(false);
            }
            catch (ObjectDisposedException)
            {
                // It ended in this moment, and its answer is on the way.
                return;
            }
            catch (Exception error)
            {
                owner._log.ResponderFailed(topic.Name, error);
            }
        }

        private async Task ReadAsync()
        {
            await foreach (var message in _subscription!)
            {
                await _turns.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (_stop.IsCancellationRequested) return;
                _ = Task.Run(() => TakeTurnAsync(message));
            }
        }

        private async Task TakeTurnAsync(TopicMessage message)
        {
            try
            {
                await HandleAsync(message, isRedelivered: false, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                owner._log.ResponderFailed(topic.Name, error);
            }
            finally
            {
                _turns.Release();
            }
        }

        private async Task HandleAsync(TopicMessage message, bool isRedelivered, CancellationToken cancellationToken)
        {
            // Whoever did not ask cannot have an answer sent to somebody else.
            if (AskFrame.Decode(message.Data) is not { Kind: AskKind.Ask } ask || !ask.Asker.Equals(message.Origin)) return;
            var left = message.ReceivedAt + TimeSpan.FromMilliseconds(Math.Min(ask.Milliseconds, LongestWait.TotalMilliseconds)) - owner._clock.GetUtcNow();
            if (left <= TimeSpan.Zero) return;
            using var until = new CancellationTokenSource(left, owner._clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(until.Token, cancellationToken);
            if (!_running.TryAdd((ask.Asker, ask.Id), either)) return;
            AskFrame answer;
            try
            {
                var data = await responder(new TopicRequest(topic.Name, ask.Asker, ask.Payload, isRedelivered), either.Token).ConfigureAwait(false);
                answer = new AskFrame(AskKind.Answer, ask.Id, ask.Asker, 1, data);
            }
            catch (OperationCanceledException) when (either.IsCancellationRequested)
            {
                // Nobody waits for it any more, or another responder has it now.
                cancellationToken.ThrowIfCancellationRequested();
                return;
            }
            catch (Exception error)
            {
                owner._log.ResponderFailed(topic.Name, error);
                answer = AskFrame.Failed(ask.Id, ask.Asker, error.Message);
            }
            finally
            {
                _running.TryRemove((ask.Asker, ask.Id), out _);
            }

            await owner.AnswerAsync(topic, answer).ConfigureAwait(false);
        }
    }
}
