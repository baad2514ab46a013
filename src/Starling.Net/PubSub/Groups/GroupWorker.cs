namespace Starling.Net.PubSub.Groups;

/// <summary>Calls a handler for each message of a membership.</summary>
internal sealed class GroupWorker(GroupMember member, GroupHandler handler, GroupLog log, int maxInFlight)
{
    public async Task RunAsync()
    {
        // A handler that does not end when its message is taken away still counts.
        using var turns = new SemaphoreSlim(maxInFlight);
        List<Task> running = [];
        while (true)
        {
            await turns.WaitAsync().ConfigureAwait(false);
            if (await member.ReadAsync().ConfigureAwait(false) is not { } message) break;
            running.RemoveAll(task => task.IsCompleted);
            running.Add(Task.Run(async () =>
            {
                await HandleAsync(message).ConfigureAwait(false);
                turns.Release();
            }));
        }

        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private async Task HandleAsync(GroupMessage message)
    {
        try
        {
            await handler(message, message.Lost).ConfigureAwait(false);
            message.Acknowledge();
        }
        catch (Exception error)
        {
            if (error is not OperationCanceledException || !message.Lost.IsCancellationRequested) log.HandlerFailed(member.Group, message.Topic, message.Attempt, error);
            message.Refuse();
        }
    }
}
