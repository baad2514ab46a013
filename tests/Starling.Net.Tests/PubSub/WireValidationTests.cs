using System.Text;
using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>Validators on a line of three: what the middle one has not accepted, the last one never sees.</summary>
public sealed class WireValidationTests
{
    private static readonly WireTopic Topic = new(TopicFamily.LibP2P, "songs");

    [Fact]
    public async Task A_message_spreads_when_its_verdict_comes_and_not_before()
    {
        var (nodes, sinks) = await LineAsync();
        var late = new TaskCompletionSource<PubSubVerdict>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var validation = nodes[1].Wire.Validate(Topic, new Judge((text, _) =>
        {
            if (text != "late") return new ValueTask<PubSubVerdict>(PubSubVerdict.Accept);
            asked.TrySetResult();
            return new ValueTask<PubSubVerdict>(late.Task);
        }));

        nodes[0].Say(Topic, "late");
        await asked.Task.Soon();
        nodes[0].Say(Topic, "at once");
        await sinks[2].Received.ReachAsync(1);
        Assert.Equal(["at once"], sinks[1].Texts);
        Assert.Equal(["at once"], sinks[2].Texts);

        late.SetResult(PubSubVerdict.Accept);
        await sinks[2].Received.ReachAsync(2);
        Assert.Equal(["at once", "late"], sinks[2].Texts);
        await EndAsync(nodes);
    }

    [Fact]
    public async Task What_is_rejected_ignored_thrown_at_or_never_judged_goes_nowhere_and_holds_up_nothing()
    {
        var options = new PubSubServiceOptions { Gossip = { ValidationTimeout = TimeSpan.FromMilliseconds(50) } };
        var (nodes, sinks) = await LineAsync(options);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var validation = nodes[1].Wire.Validate(Topic, new Judge(async (text, token) =>
        {
            if (text == "throw") throw new InvalidOperationException("a fault of the user's");
            if (text == "never")
            {
                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                }
                finally
                {
                    cancelled.TrySetResult();
                }
            }

            return text switch { "reject" => PubSubVerdict.Reject, "ignore" => PubSubVerdict.Ignore, _ => PubSubVerdict.Accept };
        }));

        foreach (var text in (string[])["reject", "ignore", "throw", "never", "fine"]) nodes[0].Say(Topic, text);
        await sinks[2].Received.ReachAsync(1);
        await cancelled.Task.Soon();
        nodes[0].Say(Topic, "last");
        await sinks[2].Received.ReachAsync(2);

        Assert.Equal(["fine", "last"], sinks[1].Texts);
        Assert.Equal(["fine", "last"], sinks[2].Texts);
        await EndAsync(nodes);
    }

    [Fact]
    public async Task A_thousand_waiting_verdicts_lose_nothing_once_they_come()
    {
        var (nodes, sinks) = await LineAsync();
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var validation = nodes[1].Wire.Validate(Topic, new Judge(async (_, token) =>
        {
            await open.Task.WaitAsync(token);
            return PubSubVerdict.Accept;
        }));

        for (var i = 0; i < 1000; i++) nodes[0].Say(Topic, $"{i}");
        await nodes[0].Wire.FlushAsync().Soon();
        open.SetResult();
        await sinks[2].Received.ReachAsync(1000);

        Assert.All(sinks[2].Counts, count => Assert.Equal(1, count.Value));
        await EndAsync(nodes);
    }

    private static async Task<(WireNode[] Nodes, CountingSink[] Sinks)> LineAsync(PubSubServiceOptions? options = null)
    {
        WireNode[] nodes = [await WireNode.StartAsync(), await WireNode.StartAsync(options), await WireNode.StartAsync()];
        await nodes[0].Node.ConnectAsync(nodes[1].Node);
        await nodes[1].Node.ConnectAsync(nodes[2].Node);
        var sinks = nodes.Select(_ => new CountingSink()).ToArray();
        for (var i = 0; i < 3; i++) nodes[i].Wire.Follow(Topic, sinks[i]);
        await nodes[0].Wire.WaitForFollowersAsync(Topic, 1, CancellationToken.None).Soon();
        await nodes[1].Wire.WaitForFollowersAsync(Topic, 2, CancellationToken.None).Soon();
        await nodes[1].MeshReached.ReachAsync(2);
        return (nodes, sinks);
    }

    private static async Task EndAsync(WireNode[] nodes)
    {
        foreach (var node in nodes) await node.DisposeAsync();
    }

    private sealed class Judge(Func<string, CancellationToken, ValueTask<PubSubVerdict>> judge) : ITopicValidator
    {
        public ValueTask<PubSubVerdict> ValidateAsync(PubSubMessage message, PeerId from, CancellationToken cancellationToken) => judge(Encoding.UTF8.GetString(message.Data.Span), cancellationToken);
    }
}
