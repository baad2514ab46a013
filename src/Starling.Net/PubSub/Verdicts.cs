using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Asks the user's validators. Never fails: whatever goes wrong is a message ignored.</summary>
internal static class Verdicts
{
    public static async ValueTask<PubSubVerdict> AskAsync(Func<CancellationToken, ValueTask<PubSubVerdict>> ask, string topic, TopicSetting setting, CancellationToken ending)
    {
        try
        {
            using var timeout = new CancellationTokenSource(setting.Options.Gossip.ValidationTimeout, setting.Clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ending);
            var asked = ask(either.Token);
            if (asked.IsCompleted) return await asked.ConfigureAwait(false);
            var answer = asked.AsTask();
            _ = answer.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            return await answer.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (!ending.IsCancellationRequested) setting.Log.ValidatorSlow(topic, setting.Options.Gossip.ValidationTimeout);
        }
#pragma warning disable CA1031 // The user's code may throw anything; it is no reason to end a stream.
        catch (Exception error)
#pragma warning restore CA1031
        {
            setting.Log.ValidatorFailed(topic, error);
        }

        return PubSubVerdict.Ignore;
    }
}
