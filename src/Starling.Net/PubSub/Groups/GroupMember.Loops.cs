using System.Threading.Channels;
using Starling.Protocols.Groups;

namespace Starling.Net.PubSub.Groups;

/// <content>Feeds the core and carries its effects out.</content>
public sealed partial class GroupMember
{
    /// <summary>Frames that wait to be published. More are let go and counted: what they say is asked for again.</summary>
    private const int MaxFrames = 1024;

    /// <summary>What a message costs beside its payload.</summary>
    private const int MessageCost = 256;

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(1);
    private static readonly PublishOptions Impatient = new() { Timeout = TimeSpan.FromSeconds(1) };
    private readonly Channel<ReadOnlyMemory<byte>> _frames = Channel.CreateBounded<ReadOnlyMemory<byte>>(new BoundedChannelOptions(MaxFrames) { SingleReader = true });
    private readonly ITimer _timer;
    private readonly List<Task> _loops = [];
    private Instant _due = Instant.Never;
    private int _roomFor;
    private TopicSubscription? _messages;
    private TopicSubscription? _control;

    /// <summary>Follows the topics and begins. When it completes, every message that this node takes in from now on is in the group.</summary>
    internal async Task StartAsync()
    {
        _control = await _wiring.Topics.SubscribeAsync(ControlTopic, new SubscriptionOptions { WhenFull = Overflow.DropOldest }).ConfigureAwait(false);
        try
        {
            _messages = await _wiring.Topics.SubscribeAsync(Topic, _options.Subscription).ConfigureAwait(false);
        }
        catch (Exception)
        {
            await _control.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        foreach (var loop in new Func<Task>[] { PublishAsync, ListenAsync, TakeAsync }) _loops.Add(Task.Run(() => GuardedAsync(loop)));
        OnTimer();
    }

    private async Task GuardedAsync(Func<Task> loop)
    {
        try
        {
            await loop().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }
        catch (SubscriptionOverflowException error)
        {
            // The options ask to end when this member falls behind.
            _wiring.Log.Fault(Group, Topic.Name, error);
            _ = Task.Run(async () => await DisposeAsync().ConfigureAwait(false));
        }
        catch (Exception error)
        {
            _wiring.Log.Fault(Group, Topic.Name, error);
        }
    }

    private async Task TakeAsync()
    {
        await foreach (var message in _messages!)
        {
            var key = new GroupKey(message.Origin, GroupKey.StreamOf(message.Topic, message.Epoch), message.SequenceNumber);
            while (true)
            {
                var full = Task.CompletedTask;
                var outcome = Turn((core, effects) =>
                {
                    var size = message.Data.Length + MessageCost;
                    var offered = core.Offer(key, size, message, _wiring.Clock.Now(), effects);
                    if (offered == GroupOffer.Full) (_roomFor, full) = (size, (_room ??= NewSignal()).Task);
                    return offered;
                });
                if (outcome != GroupOffer.Full) break;
                await full.WaitAsync(_stop.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task ListenAsync()
    {
        await foreach (var said in _control!)
        {
            if (_options.Members is { } members && !members.Contains(said.Origin)) _core.CountStranger();
            else Turn((core, effects) => core.Receive(said.Origin, said.Data.Span, _wiring.Clock.Now(), effects));
        }
    }

    private async Task PublishAsync()
    {
        await foreach (var frame in _frames.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
        {
            var result = await _wiring.Topics.PublishAsync(ControlTopic, frame, Impatient, _stop.Token).ConfigureAwait(false);
            if (result.Status is not (PublishStatus.Sent or PublishStatus.NoPeers)) _wiring.Metrics.Unsent();
        }
    }

    private void OnTimer()
    {
        lock (_gate) _due = Instant.Never;
        Turn((core, effects) => core.Tick(_wiring.Clock.Now(), effects));
    }

    private void Turn(Action<GroupCore<TopicMessage>, List<GroupEffect<TopicMessage>>> act) => Turn((core, effects) =>
    {
        act(core, effects);
        return true;
    });

    private TResult Turn<TResult>(Func<GroupCore<TopicMessage>, List<GroupEffect<TopicMessage>>, TResult> act, GroupMessage? over = null)
    {
        List<GroupEffect<TopicMessage>> effects = [];
        List<GroupMessage> lost = [];
        TResult result;
        lock (_gate)
        {
            if (over is not null && _handed.GetValueOrDefault(over.Key) == over) Unhand(over);
            result = act(_core, effects);
            foreach (var effect in effects) Do(effect, lost);
            if (_core.Fits(_roomFor)) Signal(ref _room);
            if (_core.InFlight == 0) Signal(ref _idle);
            if (_confirmed is not null && _core.Unconfirmed == 0) Signal(ref _confirmed);
            Schedule();
        }

        foreach (var message in lost) message.Lose();
        foreach (var effect in effects) Tell(effect);
        return result;
    }

    /// <summary>In the turn: queues only.</summary>
    private void Do(in GroupEffect<TopicMessage> effect, List<GroupMessage> lost)
    {
        switch (effect.Kind)
        {
            case GroupEffectKind.Send:
                if (!_frames.Writer.TryWrite(effect.Frame)) _wiring.Metrics.Unsent();
                break;
            case GroupEffectKind.Deliver:
                var message = new GroupMessage(this, effect.Key, effect.Item with { IsRedelivered = effect.IsRedelivered }, effect.Attempt, effect.IsRedelivered);
                _handed[effect.Key] = message;
                message.Place = _unread.AddLast(message);
                Signal(ref _filled);
                break;
            case GroupEffectKind.TakeBack when _handed.TryGetValue(effect.Key, out var handed):
                Unhand(handed);
                lost.Add(handed);
                break;
        }
    }

    /// <summary>After the turn: what calls others.</summary>
    private void Tell(in GroupEffect<TopicMessage> effect)
    {
        switch (effect.Kind)
        {
            case GroupEffectKind.MemberJoined:
                _wiring.Log.MemberJoined(Group, Topic.Name, effect.Peer!);
                break;
            case GroupEffectKind.MemberLeft:
                _wiring.Log.MemberLeft(Group, Topic.Name, effect.Peer!);
                break;
            case GroupEffectKind.GivenUp:
                _wiring.Log.GivenUp(Group, effect.Item.Topic, effect.Key.Origin, effect.Attempt);
                TellGivenUp(effect);
                break;
            case GroupEffectKind.Abandoned:
                TellGivenUp(effect);
                break;
        }
    }

    private void TellGivenUp(in GroupEffect<TopicMessage> effect)
    {
        if (_options.OnGivenUp is not { } tell) return;
        var message = new GroupMessage(this, effect.Key, effect.Item, effect.Attempt, effect.Attempt > 1);
        message.Lose();
        _ = Task.Run(() =>
        {
            try
            {
                tell(message);
            }
            catch (Exception error)
            {
                _wiring.Log.CallbackFailed(Group, Topic.Name, error);
            }
        });
    }

    internal async Task CancelAsync(CancellationTokenSource lost)
    {
        try
        {
            await lost.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            _wiring.Log.CancellationFailed(Group, Topic.Name, error);
        }
    }

    private void Unhand(GroupMessage message)
    {
        _handed.Remove(message.Key);
        if (message.Place is not { } place) return;
        _unread.Remove(place);
        message.Place = null;
    }

    private void Schedule()
    {
        var next = _core.NextTick;
        if (next >= _due) return;
        _due = next;
        var wait = next - _wiring.Clock.Now();
        _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private async Task EndAsync(TimeSpan within)
    {
        var idle = Task.CompletedTask;
        Turn((core, effects) =>
        {
            foreach (var message in _unread.ToList())
            {
                Unhand(message);
                core.Return(message.Key, message.Attempt, _wiring.Clock.Now());
            }

            core.Drain(_wiring.Clock.Now(), effects);
            if (core.InFlight > 0) idle = (_idle ??= NewSignal()).Task;
        });
        await idle.WaitAsync(within, _wiring.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_messages is not null) await _messages.DisposeAsync().ConfigureAwait(false);
        var confirmed = Task.CompletedTask;
        Turn((core, effects) =>
        {
            core.Release(_wiring.Clock.Now(), effects);
            if (core.Unconfirmed > 0) confirmed = (_confirmed ??= NewSignal()).Task;
        });
        await confirmed.WaitAsync(FlushTimeout, _wiring.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Turn((core, effects) =>
        {
            core.Leave(_wiring.Clock.Now(), effects);
            var abandoned = effects.Count(effect => effect.Kind == GroupEffectKind.Abandoned);
            if (abandoned > 0) _wiring.Log.Abandoned(Group, Topic.Name, abandoned);
            _ended = true;
            Signal(ref _filled);
        });
        _frames.Writer.TryComplete();
        if (_loops.Count > 0) await _loops[0].WaitAsync(FlushTimeout, _wiring.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_control is not null) await _control.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(false);
        _stop.Dispose();
    }

    private static void Signal(ref TaskCompletionSource? signal)
    {
        signal?.TrySetResult();
        signal = null;
    }
}
