using System.Security.Cryptography;
using Starling.Net.Messages;
using Starling.Protocols.Messages;

namespace Starling.Net.Tests.Messages;

/// <summary>Messages over real sockets.</summary>
public sealed class MessageServiceTests
{
    private sealed record Mood(string Text, int Level);

    [Fact]
    public async Task Three_types_with_actions_reach_the_handlers_of_their_type_and_action_and_no_others()
    {
        var (one, other) = await MessageNode.PairAsync();
        await using var first = one;
        await using var second = other;
        var sent = one.Messages.RegisterValue<Mood>("mood", actions: ["tell", "ask"]);
        var moods = other.Messages.RegisterValue<Mood>("mood", actions: ["tell", "ask"]);
        var told = new Heard<Mood>(other, moods, "tell");
        var asked = new Heard<Mood>(other, moods, "ask");
        var all = new Heard<Mood>(other, moods);
        var rawSent = one.Messages.RegisterBytes("raw");
        var raw = new Heard<ReadOnlyMemory<byte>>(other, other.Messages.RegisterBytes("raw"));

        Assert.Equal(new SendResult(other.Id, SendStatus.Sent), await one.Messages.SendAsync(other.Id, sent.Create(new Mood("well", 3), "tell")).Soon());
        Assert.True((await one.Messages.SendAsync(other.Id, one.Messages.Create("mood", "ask", new Mood("you", 0))).Soon()).IsSent);
        Assert.All(await one.Messages.SendAsync(rawSent.Create("bytes".Bytes(), 77)).Soon(), result => Assert.True(result.IsSent));

        var first1 = await told.NextAsync();
        Assert.Equal((new Mood("well", 3), "tell", one.Id, one.Id, 0), (first1.Value, first1.ActionName, first1.Origin, first1.ReceivedFrom, first1.Hops));
        Assert.Equal(new Mood("you", 0), (await asked.NextAsync()).Value);
        Assert.Equal("tell", (await all.NextAsync()).ActionName);
        Assert.Equal("ask", (await all.NextAsync()).ActionName);
        var bytes = await raw.NextAsync();
        Assert.Equal(("bytes", 77), (bytes.Value.Text(), bytes.Action));
        Assert.Equal((0, 0), (told.Count, asked.Count));
    }

    [Fact]
    public async Task A_large_message_arrives_identical_and_compressed_and_is_acknowledged()
    {
        var (one, other) = await MessageNode.PairAsync();
        await using var first = one;
        await using var second = other;
        var type = one.Messages.RegisterBytes("model");
        var models = new Heard<ReadOnlyMemory<byte>>(other, other.Messages.RegisterBytes("model"));
        var noise = RandomNumberGenerator.GetBytes(3 << 20);
        var text = new byte[3 << 20];
        for (var i = 0; i < text.Length; i++) text[i] = (byte)(i * i / 1000);

        foreach (var payload in new[] { noise, text })
        {
            var result = await one.Messages.SendAsync(other.Id, type.Create(payload)).Soon();
            Assert.Equal(new SendResult(other.Id, SendStatus.Sent), result);
            Assert.True((await models.NextAsync()).Value.Span.SequenceEqual(payload));
        }

        Assert.Equal((0, 0), (one.Budget.Used(ResourceKind.QueueBytes), one.Told().Count));
    }

    [Fact]
    public async Task Ten_thousand_messages_sent_at_once_arrive_in_order_and_none_is_lost()
    {
        const int count = 10_000;
        var (one, other) = await MessageNode.PairAsync(new MessageOptions { MaxPeerQueueBytes = 16 << 20 });
        await using var first = one;
        await using var second = other;
        var type = one.Messages.RegisterBytes("number");
        var numbers = new Heard<ReadOnlyMemory<byte>>(other, other.Messages.RegisterBytes("number"));

        var sends = Enumerable.Range(0, count).Select(i => one.Messages.SendAsync(other.Id, type.Create(BitConverter.GetBytes(i)))).ToList();

        Assert.All(await Task.WhenAll(sends).Soon(), result => Assert.True(result.IsSent, result.ToString()));
        for (var i = 0; i < count; i++) Assert.Equal(i, BitConverter.ToInt32((await numbers.NextAsync()).Value.Span));
    }

    [Fact]
    public async Task A_throwing_handler_is_told_and_the_others_run_in_order()
    {
        var (one, other) = await MessageNode.PairAsync();
        await using var first = one;
        await using var second = other;
        var type = other.Messages.RegisterBytes("x");
        var order = new List<string>();
        other.Messages.On(type, (_, _) => { order.Add("first"); return default; });
        other.Messages.On(type, (_, _) => throw new InvalidOperationException("no"));
        var last = new Heard<ReadOnlyMemory<byte>>(other, type);

        await one.Messages.SendAsync(other.Id, one.Messages.RegisterBytes("x").Create("?".Bytes())).Soon();

        await last.NextAsync();
        var failed = await other.NextAsync<MessageEvent.HandlerFailed>();
        Assert.Equal(("no", "x", "first"), (failed.Error.Message, failed.Message.Type.Name, Assert.Single(order)));
    }

    [Fact]
    public async Task Unknown_types_and_payloads_that_cannot_be_read_are_told_with_their_bytes_and_break_nothing()
    {
        var (one, other) = await MessageNode.PairAsync();
        await using var first = one;
        await using var second = other;
        var moods = new Heard<Mood>(other, other.Messages.RegisterValue<Mood>("mood"));
        var raw = one.Messages.RegisterBytes("mood");

        Assert.True((await one.Messages.SendAsync(other.Id, one.Messages.RegisterBytes("strange").Create("what".Bytes(), 5)).Soon()).IsSent);
        Assert.True((await one.Messages.SendAsync(other.Id, raw.Create("no json".Bytes())).Soon()).IsSent);
        Assert.True((await one.Messages.SendAsync(other.Id, raw.Create("{\"text\":\"fine\",\"level\":1}".Bytes())).Soon()).IsSent);

        Assert.Equal(new Mood("fine", 1), (await moods.NextAsync()).Value);
        var unknown = await other.NextAsync<MessageEvent.Refused>();
        Assert.Equal((one.Id, "strange", 5, MessageRefusal.UnknownType, "what", 4), (unknown.From, unknown.Type, unknown.Action, unknown.Refusal, unknown.Payload.Text(), unknown.Length));
        var bad = await other.NextAsync<MessageEvent.Refused>();
        Assert.Equal((MessageRefusal.BadPayload, "no json"), (bad.Refusal, bad.Payload.Text()));
        Assert.Contains("Mood", bad.Detail);
    }
}
