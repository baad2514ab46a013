using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>Validators of users, on every kind of topic.</summary>
public sealed class ValidatorTests
{
    public static TheoryData<string> Kinds => ["plain", "stream", "pattern"];

    [Theory, MemberData(nameof(Kinds))]
    public async Task What_a_validator_refuses_never_reaches_a_subscriber(string kind)
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        var topic = kind == "plain" ? Topic.Plain("songs.new") : Topic.Stream("songs.new");
        await using var heard = await net.Topics[1].SubscribeAsync(topic).Soon();
        using var judged = net.Topics[1].Validate(kind == "pattern" ? Topic.Stream("songs.*") : topic, (message, _) =>
        {
            Assert.Equal(("songs.new", net.Hosts[0].LocalPeer, net.Hosts[0].LocalPeer), (message.Topic, message.Origin, message.ReceivedFrom));
            return ValueTask.FromResult(message.Data.Span[0] == 'b' ? PubSubVerdict.Reject : PubSubVerdict.Accept);
        });
        await net.Topics[0].WaitForSubscribersAsync(topic).Soon();

        foreach (var text in (string[])["good", "bad", "better not", "great"])
        {
            Assert.True((await net.Topics[0].PublishAsync(topic, System.Text.Encoding.UTF8.GetBytes(text)).Soon()).IsSent);
            await net.Topics[0].FlushAsync().Soon();
        }

        Assert.Equal(["good", "great"], await heard.TakeAsync(2));
        Assert.Throws<InvalidOperationException>(() => net.Topics[1].Validate(kind == "pattern" ? Topic.Stream("songs.*") : topic, (_, _) => default));
    }

    [Fact]
    public async Task An_own_message_that_is_not_accepted_is_rejected_and_sent_to_nobody()
    {
        await using var net = TopicNetwork.Create(2, new PubSubServiceOptions { Gossip = { ValidationTimeout = TimeSpan.FromMilliseconds(50) } }, 0, 1);
        var topic = Topic.Plain("songs");
        await using var heard = await net.Topics[1].SubscribeAsync(topic).Soon();
        await net.Topics[0].WaitForSubscribersAsync(topic).Soon();
        using (net.Topics[0].Validate(topic, async (message, token) =>
        {
            switch (message.Data.Span[0])
            {
                case (byte)'n':
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                    break;
                case (byte)'t':
                    throw new InvalidOperationException("a fault of the user's");
            }

            return message.Data.Span[0] == 'v' ? PubSubVerdict.Reject : PubSubVerdict.Accept;
        }))
        {
            foreach (var text in (string[])["veto", "never", "throw"]) Assert.Equal(new PublishResult(PublishStatus.Rejected), await net.Topics[0].PublishAsync(topic, System.Text.Encoding.UTF8.GetBytes(text)).Soon());
            Assert.True(net.Topics[0].TryPublish(topic, "veto"u8, out var vetoed));
            Assert.Equal(PublishStatus.Rejected, vetoed.Status);
            Assert.False(net.Topics[0].TryPublish(topic, "never"u8, out _));
            Assert.True(net.Topics[0].TryPublish(topic, "fine"u8, out var sent) && sent.IsSent);
        }

        Assert.True((await net.Topics[0].PublishAsync(topic, "veto no more"u8.ToArray()).Soon()).IsSent);
        Assert.Equal(["fine", "veto no more"], await heard.TakeAsync(2));
    }

    [Fact]
    public async Task A_reader_that_blocks_holds_up_what_was_judged_as_well_and_loses_nothing()
    {
        var options = new PubSubServiceOptions { MaxMessageBytes = 2000, MaxPeerQueueBytes = 4000, BatchBytes = 2000, Gossip = { MaxValidations = 64 } };
        await using var net = TopicNetwork.Create(2, options, 0, 1);
        var topic = Topic.Plain("songs");
        await using var slow = await net.Topics[1].SubscribeAsync(topic, new SubscriptionOptions { MaxMessages = 2, WhenFull = Overflow.Block, BlockTimeout = TopicNetwork.Patience }).Soon();
        using var judged = net.Topics[1].Validate(topic, async (_, _) =>
        {
            await Task.Yield();
            return PubSubVerdict.Accept;
        });
        await net.Topics[0].WaitForSubscribersAsync(topic).Soon();

        // Until nothing goes on any more.
        var sent = 0;
        while (sent < 2000 && (await net.Topics[0].PublishAsync(topic, new byte[100], new PublishOptions { Timeout = TimeSpan.FromSeconds(1) }).Soon()).IsSent) sent++;

        Assert.InRange(slow.Count, 2, 100);
        Assert.Equal(sent, (await slow.TakeAsync(sent)).Count);
        Assert.Equal(0, slow.Dropped);
    }
}
