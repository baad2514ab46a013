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

    private int MostJudging => Options.Gossip.MaxValidations / 2;

    private async Task JudgeAsync(PubSubMessage message, PeerId from, ITopicValidator? validator)
    {
        var verdict = validator is null ? PubSubVerdict.Accept : await AskAsync(validator, message, from).ConfigureAwait(false);
        using (BeginTurn())
        {
            if (!_stopped) Core.Judge(message.Id, verdict, Clock.Now(), _effects);
        }

        if (Interlocked.Decrement(ref _judging) != MostJudging) return;
        lock (_judgingGate)
        {
            _fewJudging?.TrySetResult();
            _fewJudging = null;
        }
    }

    /// <summary>Asks a validator. Never fails: whatever goes wrong is a message ignored.</summary>
    private async ValueTask<PubSubVerdict> AskAsync(ITopicValidator validator, PubSubMessage message, PeerId from)
    {
        try
        {
            using var timeout = new CancellationTokenSource(Options.Gossip.ValidationTimeout, Clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _ending.Token);
            var asked = validator.ValidateAsync(message, from, either.Token);
            if (asked.IsCompleted) return await asked.ConfigureAwait(false);
            var answer = asked.AsTask();
            _ = answer.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            return await answer.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (!_ending.IsCancellationRequested) Log.ValidatorSlow(message.Topic, Options.Gossip.ValidationTimeout);
        }
#pragma warning disable CA1031 // The user's code may throw anything; it is no reason to end a stream.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Log.ValidatorFailed(message.Topic, error);
        }

        return PubSubVerdict.Ignore;
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
