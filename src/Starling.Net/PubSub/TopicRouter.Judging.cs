using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Validators run outside the router's lock; their verdict is a turn of its own.</content>
internal sealed partial class TopicRouter
{
    private readonly Lock _judgingGate = new();
    private TaskCompletionSource? _fewJudging;
    private int _judging;

    /// <summary>Judges a message. A validator that answers at once is done when this returns.</summary>
    public void Judge(PubSubMessage message, PeerId from)
    {
        ITopicValidator? validator;
        using (BeginTurn()) validator = FindValidator(message.Topic);
        Interlocked.Increment(ref _judging);
        _ = JudgeAsync(message, from, validator);
    }

    /// <summary>Completes when so few messages wait for their verdict that the next RPC may be read.</summary>
    public Task FewJudgedAsync()
    {
        lock (_judgingGate) return Volatile.Read(ref _judging) <= MostJudging ? Task.CompletedTask : (_fewJudging ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>Asks about a message that came another way than by gossip.</summary>
    public ValueTask<bool> IsAcceptedAsync(PubSubMessage message, PeerId from)
    {
        ITopicValidator? validator;
        using (BeginTurn()) validator = FindValidator(message.Topic);
        return validator is null ? new ValueTask<bool>(true) : AskAsync();

        async ValueTask<bool> AskAsync() => await VerdictAsync(validator, message, from).ConfigureAwait(false) == PubSubVerdict.Accept;
    }

    private ValueTask<PubSubVerdict> VerdictAsync(ITopicValidator validator, PubSubMessage message, PeerId from) =>
        Verdicts.AskAsync(token => validator.ValidateAsync(message, from, token), message.Topic, _setting, _ending.Token);

    private int MostJudging => Options.Gossip.MaxValidations / 2;

    private async Task JudgeAsync(PubSubMessage message, PeerId from, ITopicValidator? validator)
    {
        var verdict = validator is null ? PubSubVerdict.Accept : await VerdictAsync(validator, message, from).ConfigureAwait(false);
        var full = new List<ITopicSink>();
        using (BeginTurn())
        {
            if (!_stopped)
            {
                _full = full;
                Core.Judge(message, verdict, Clock.Now(), _effects);
                CarryOut();
                _full = null;
            }
        }

        // Readers wait for those that are being judged: this one is until there is room behind it.
        foreach (var sink in full) await sink.RoomAsync().ConfigureAwait(false);
        if (Interlocked.Decrement(ref _judging) != MostJudging) return;
        lock (_judgingGate)
        {
            _fewJudging?.TrySetResult();
            _fewJudging = null;
        }
    }

    /// <summary>The validator of a topic, or of a pattern that matches it.</summary>
    private ITopicValidator? FindValidator(string topic)
    {
        if (_validators.TryGetValue(topic, out var validator)) return validator;
        foreach (var (pattern, judge) in _validators)
        {
            if (TopicNames.Matches(pattern, topic)) return judge;
        }

        return null;
    }
}
