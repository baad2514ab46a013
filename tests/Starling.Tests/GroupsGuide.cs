using Starling.Net.PubSub.Groups;

namespace Starling.Tests;

/// <summary>The programs of docs/groups.md.</summary>
public class GroupsGuide
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task The_programs_of_the_guide_do_what_it_says()
    {
        await using var node = await StarlingNode.StartAsync();
        await using var other = await StarlingNode.StartAsync();
        await node.ConnectAsync(other.Addresses[0]).WaitAsync(Patience);
        var done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task DoAsync(ReadOnlyMemory<byte> job)
        {
            done.TrySetResult(job.Length);
            return Task.CompletedTask;
        }

        await using var member = await node.JoinGroupAsync("jobs", "workers", async (message, cancelled) => await DoAsync(message.Data));
        await other.WaitForSubscribersAsync("jobs").WaitAsync(Patience);
        Assert.True((await other.PublishAsync("jobs", "a job"u8.ToArray())).IsSent);
        Assert.Equal(5, await done.Task.WaitAsync(Patience));

        var (server, client, question) = (node, other, new byte[] { 20 });
        static ValueTask<ReadOnlyMemory<byte>> Twice(ReadOnlyMemory<byte> number) => new(new[] { (byte)(2 * number.Span[0]) });
        var responders = client.TopicRequests.WaitForRespondersAsync("math").WaitAsync(Patience);
        await using var answering = await server.RespondTopicAsync("math", (request, cancelled) => Twice(request.Data));
        await responders;
        TopicAnswer answer = await client.RequestTopicAsync("math", question, timeout: TimeSpan.FromSeconds(20));
        Assert.Equal((server.PeerId, 40), (answer.From, answer.Data.Span[0]));
    }
}
