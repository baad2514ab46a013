using System.Text;
using Google.Protobuf.WellKnownTypes;
using Starling.Net.Messages;
using Starling.Net.PubSub;
using Starling.Protocols.Messages;

namespace Starling.Tests;

/// <summary>Messages and topics of values between whole nodes: TCP, TLS, yamux, identify and all.</summary>
public class MessagesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private sealed record Position(string Name, double Latitude, double Longitude);

    [Fact]
    public async Task Protobuf_messages_reach_the_handlers_of_their_action_which_may_come_from_a_field()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        var federation = a.Messages.Register<StringValue>("federation", ["start", "ready"]);
        var heard = new TaskCompletionSource<string>();
        var rounds = new List<string>();
        b.Messages.On(b.Messages.Register<StringValue>("federation", ["start", "ready"]), (message, _) => { heard.SetResult($"{message.ActionName} {message.Value.Value}"); return default; }, "ready");
        b.Messages.On(Model(b), (message, _) => { rounds.Add($"initialization {message.Value.Value}"); return default; }, "initialization");
        b.Messages.On(Model(b, false), (message, _) => { rounds.Add($"update {message.Value.Value}"); return default; }, "update");
        var models = Model(a);
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);

        foreach (var round in new[] { -1, 0, 1 }) Assert.All(await a.Messages.SendAsync(models.Create(new Int32Value { Value = round })).WaitAsync(Patience), result => Assert.True(result.IsSent));
        await a.Messages.SendAsync(b.PeerId, a.Messages.Create("federation", "start", new StringValue { Value = "nobody" })).WaitAsync(Patience);
        await a.Messages.SendAsync(b.PeerId, federation.Create(new StringValue { Value = "all" }, "ready")).WaitAsync(Patience);

        Assert.Equal("ready all", await heard.Task.WaitAsync(Patience));
        Assert.Equal(["initialization -1", "update 0", "update 1"], rounds);
        Assert.Equal(["federation", "model"], a.Messages.Types.Select(type => type.Name).Order());
        Assert.Contains("start, ready", Assert.Throws<ArgumentException>(() => a.Messages.Create("federation", "stop", new StringValue())).Message);
        Assert.Contains("federation, model", Assert.Throws<ArgumentException>(() => a.Messages.Create("fed", null, new StringValue())).Message);
        Assert.Contains("initialization", Assert.Throws<ArgumentException>(() => models.Create(new Int32Value { Value = 3 }, "initialization")).Message);
    }

    [Fact]
    public async Task Trouble_with_messages_is_among_the_events_of_a_node()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await using var events = b.EventsAsync().GetAsyncEnumerator();
        await NextAsync<NodeEvent.Listening>(events);
        b.Messages.On(b.Messages.RegisterBytes("known"), (_, _) => throw new InvalidOperationException("broken handler"));
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await a.Messages.SendAsync(b.PeerId, a.Messages.RegisterBytes("unknown").Create(Encoding.UTF8.GetBytes("bytes"))).WaitAsync(Patience);
        await a.Messages.SendAsync(b.PeerId, a.Messages.RegisterBytes("known").Create(ReadOnlyMemory<byte>.Empty)).WaitAsync(Patience);

        var refused = await NextAsync<NodeEvent.MessageRefused>(events);
        Assert.Equal((a.PeerId, "unknown", MessageRefusal.UnknownType, "bytes"), (refused.From, refused.Type, refused.Refusal, Encoding.UTF8.GetString(refused.Payload.Span)));
        var failed = await NextAsync<NodeEvent.MessageHandlerFailed>(events);
        Assert.Equal(("broken handler", "known"), (failed.Error.Message, failed.Message.Type.Name));
    }

    [Fact]
    public async Task Values_travel_on_topics_and_a_payload_that_is_none_is_an_event_while_the_sequence_goes_on()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await using var events = b.EventsAsync().GetAsyncEnumerator();
        await NextAsync<NodeEvent.Listening>(events);
        await using var positions = await b.SubscribeAsync<Position>("positions");
        await using var raw = await b.SubscribeAsync<byte[]>("positions");
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await a.WaitForSubscribersAsync("positions").WaitAsync(Patience);

        Assert.True((await a.PublishAsync("positions", "no position"u8.ToArray())).IsSent);
        Assert.True((await a.PublishAsync("positions", "null"u8.ToArray())).IsSent);
        Assert.True((await a.PublishAsync("positions", new Position("nest", 48.5, 9.25))).IsSent);

        await using var values = positions.GetAsyncEnumerator();
        Assert.True(await values.MoveNextAsync().AsTask().WaitAsync(Patience));
        Assert.Equal((new Position("nest", 48.5, 9.25), a.PeerId), (values.Current.Value, values.Current.Message.Origin));
        Assert.Equal(2, positions.Unreadable);
        var refused = await NextAsync<NodeEvent.PayloadRefused>(events);
        Assert.Equal(("positions", a.PeerId, "no position"), (refused.Topic, refused.Origin, Encoding.UTF8.GetString(refused.Payload.Span)));
        Assert.Contains("null", (await NextAsync<NodeEvent.PayloadRefused>(events)).Error.Message);
        await using var bytes = raw.GetAsyncEnumerator();
        Assert.True(await bytes.MoveNextAsync().AsTask().WaitAsync(Patience));
        Assert.Equal("no position"u8.ToArray(), bytes.Current.Value);
    }

    [Fact]
    public async Task A_serializer_of_ones_own_writes_and_reads_the_values_of_topics()
    {
        var environment = new NodeEnvironment { Serializer = new Reversed() };
        await using var a = await StarlingNode.StartAsync(new StarlingOptions(), environment);
        await using var b = await StarlingNode.StartAsync(new StarlingOptions(), environment);
        await using var texts = await b.SubscribeAsync<string>("texts");
        await using var raw = await b.SubscribeAsync("texts");
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await a.WaitForSubscribersAsync("texts").WaitAsync(Patience);
        Assert.True((await a.PublishAsync("texts", "song")).IsSent);

        await using var values = texts.GetAsyncEnumerator();
        Assert.True(await values.MoveNextAsync().AsTask().WaitAsync(Patience));
        Assert.Equal("song", values.Current.Value);
        Assert.True(await raw.WaitToReadAsync().AsTask().WaitAsync(Patience));
        Assert.True(raw.TryRead(out TopicMessage message));
        Assert.Equal("gnos", Encoding.UTF8.GetString(message.Data.Span));
    }

    [Fact]
    public async Task Options_of_messages_are_checked_with_their_path()
    {
        var options = new StarlingOptions { Messages = new MessageOptions { MaxMessageBytes = 5, Forwarder = new ForwarderOptions { MessagesPerCycle = 0 } } };
        var error = await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(options));
        Assert.Contains("Messages:MaxMessageBytes: '5' is out of range", error.Message);
        Assert.Contains("Messages:Forwarder:MessagesPerCycle", error.Message);
    }

    private static MessageType<Int32Value> Model(StarlingNode node, bool register = true) => register
        ? node.Messages.Register<Int32Value>("model", ["initialization", "update"], model => model.Value == -1 ? 0 : 1)
        : (MessageType<Int32Value>)node.Messages.Types.Single(type => type.Name == "model");

    private static async Task<T> NextAsync<T>(IAsyncEnumerator<NodeEvent> events)
        where T : NodeEvent
    {
        while (true)
        {
            Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
            if (events.Current is T wanted) return wanted;
        }
    }

    private sealed class Reversed : IPayloadSerializer
    {
        public void Serialize<T>(T value, System.Buffers.IBufferWriter<byte> output) => System.Buffers.BuffersExtensions.Write(output, Encoding.UTF8.GetBytes(new string([.. $"{value}".Reverse()])));

        public T? Deserialize<T>(ReadOnlySpan<byte> payload) => (T)(object)new string([.. Encoding.UTF8.GetString(payload).Reverse()]);
    }
}
