using Google.Protobuf.WellKnownTypes;
using Starling.Protocols.Messages;

namespace Starling.Tests;

/// <summary>The programs of docs/messages.md.</summary>
public class MessagesGuide
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private sealed record Mood(string Text, int Level);

    [Fact]
    public async Task The_programs_of_the_guide_do_what_it_says()
    {
        await using var node = await StarlingNode.StartAsync();
        await using var other = await StarlingNode.StartAsync(new StarlingOptions { Messages = { Forwarder = { Enabled = true } } });
        var heard = new TaskCompletionSource<Mood>();
        var shared = other.Messages.RegisterValue<Mood>("mood", actions: ["tell", "ask"]);
        other.Messages.On(shared, (message, cancelled) => { heard.SetResult(message.Value); return default; }, "tell");
        await node.ConnectAsync(other.Addresses[0]).WaitAsync(Patience);

        var moods = node.Messages.RegisterValue<Mood>("mood", actions: ["tell", "ask"]);
        node.Messages.On(moods, (message, cancelled) =>
        {
            Console.WriteLine($"{message.Origin} wants to know");
            return default;
        }, action: "ask");
        foreach (var result in await node.Messages.SendAsync(moods.Create(new Mood("fine", 3), "tell")))
        {
            Console.WriteLine($"{result.Peer}: {result.Status} {result.Detail}");
        }

        Assert.Equal(new Mood("fine", 3), await heard.Task.WaitAsync(Patience));

        var models = node.Messages.Register<Int32Value>("model", ["initialization", "update"], model => model.Value == -1 ? 0 : 1);
        node.Messages.Discoverer.About = () => moods.Create(new Mood("here", 1), "tell");
        var propagation = node.Messages.Propagator.Start("initialization", round => models.Create(new Int32Value { Value = -1 }));
        propagation.Cancel();
        Assert.Equal(PropagationEnd.Cancelled, (await propagation.Completion.WaitAsync(Patience)).End);
    }
}
