using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>Neighbours that break the RPC's framing: each ends with its named reason, and the others go on.</summary>
public sealed class HostilePeerTests
{
    public static TheoryData<byte[], PubSubRefusal> Frames => new()
    {
        { [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], PubSubRefusal.RpcTooLarge },
        { [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], PubSubRefusal.Malformed },
        { [0x02, 0x12, 0x7F], PubSubRefusal.Malformed },
        { [0x01, 0x00], PubSubRefusal.Malformed },
    };

    [Theory, MemberData(nameof(Frames))]
    public async Task A_broken_frame_ends_its_stream_with_its_reason_and_nobody_elses(byte[] frame, PubSubRefusal reason)
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Topic.Plain("songs")).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Topic.Plain("songs")).Soon();
        await using var hostile = new StuckPeer(net.Hosts[1]);

        await hostile.SendAsync(frame);
        await hostile.RefusedAsync();

        Assert.Equal(1, net.Topics[1].Counters.Refused(reason));
        Assert.True((await net.Topics[0].Say(Topic.Plain("songs"), "still here").Soon()).IsSent);
        Assert.Equal(["still here"], await heard.TakeAsync(1));
    }

    [Fact]
    public async Task An_rpc_may_come_byte_by_byte()
    {
        await using var net = TopicNetwork.Create(1);
        await using var slow = new StuckPeer(net.Hosts[0]);
        var frame = new byte[1 + RpcCodec.SizeOfSubscription("songs")];
        frame[0] = (byte)(frame.Length - 1);
        RpcCodec.WriteSubscription(frame.AsSpan(1), "songs", subscribe: true);

        foreach (var value in frame) await slow.SendAsync([value]);

        await net.Topics[0].WaitForSubscribersAsync(Topic.Plain("songs")).Soon();
        Assert.Equal([slow.Id], net.Topics[0].Subscribers(Topic.Plain("songs")));
    }

    [Fact]
    public async Task Queued_bytes_are_given_back_to_the_budget()
    {
        var budget = new ResourceBudget();
        await using var host = new FakeHost();
        var topics = host.Start(new PubSubServiceOptions { StopTimeout = TimeSpan.FromMilliseconds(50) }, budget: budget);
        await using (var stuck = new StuckPeer(host))
        {
            await stuck.SubscribeAsync("songs");
            await topics.WaitForSubscribersAsync(Topic.Plain("songs")).Soon();
            for (var i = 0; i < 20; i++) Assert.True((await topics.PublishAsync(Topic.Plain("songs"), new byte[10_000]).Soon()).IsSent);
            Assert.InRange(budget.Used(ResourceKind.QueueBytes), 100_000, 220_000);
        }

        await topics.DisposeAsync().Soon();
        Assert.Equal(0, budget.Used(ResourceKind.QueueBytes));
        Assert.True(topics.DroppedWithLinks > 0);
    }
}
