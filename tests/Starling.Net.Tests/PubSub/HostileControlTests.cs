using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>Neighbours that send control messages or subscriptions without measure.</summary>
public sealed class HostileControlTests
{
    private static readonly Topic Songs = Topic.Plain("songs");

    [Fact]
    public async Task Ten_thousand_control_entries_in_one_rpc_end_the_stream_and_nothing_else()
    {
        var controls = Enumerable.Range(0, 10_000).Select(i => new GossipControl(GossipControlKind.Graft, $"topic {i}")).ToList();
        var length = controls.Sum(control => RpcCodec.SizeOfControlEntry(control, MessageIdForm.PeerId));
        var body = new byte[RpcCodec.SizeOfControl(length)];
        var at = RpcCodec.WriteControlHead(body, length);
        foreach (var control in controls) at += RpcCodec.WriteControlEntry(body.AsSpan(at), control, MessageIdForm.PeerId);

        await RefusedAsync(Framed(body), PubSubRefusal.TooManyControls);
    }

    [Fact]
    public async Task Ten_thousand_subscriptions_in_one_rpc_end_the_stream_and_nothing_else()
    {
        var body = new byte[Enumerable.Range(0, 10_000).Sum(i => RpcCodec.SizeOfSubscription($"topic {i}"))];
        var at = 0;
        for (var i = 0; i < 10_000; i++) at += RpcCodec.WriteSubscription(body.AsSpan(at), $"topic {i}", subscribe: true);

        await RefusedAsync(Framed(body), PubSubRefusal.TooManySubscriptions);
    }

    [Fact]
    public async Task Ten_thousand_subscriptions_in_many_rpcs_are_taken_up_to_the_bound_and_the_rest_counted()
    {
        await using var net = TopicNetwork.Create(1);
        await using var greedy = new StuckPeer(net.Hosts[0]);
        for (var i = 0; i < 10_000; i++)
        {
            var body = new byte[RpcCodec.SizeOfSubscription($"topic {i}")];
            RpcCodec.WriteSubscription(body, $"topic {i}", subscribe: true);
            await greedy.SendAsync(Framed(body));
        }

        // What comes behind them on the same stream is read after them.
        await greedy.SendAsync(Framed(Unsubscription("topic 0")));
        await greedy.SubscribeAsync("songs");
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();

        Assert.Equal(10_000 - new PubSubOptions().MaxTopicsPerPeer, net.Topics[0].Counters.Refused(PubSubRefusal.TooManyTopics));
    }

    private static byte[] Unsubscription(string topic)
    {
        var body = new byte[RpcCodec.SizeOfSubscription(topic)];
        RpcCodec.WriteSubscription(body, topic, subscribe: false);
        return body;
    }

    private static async Task RefusedAsync(byte[] frame, PubSubRefusal reason)
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        await using var heard = await net.Topics[1].SubscribeAsync(Songs).Soon();
        await net.Topics[0].WaitForSubscribersAsync(Songs).Soon();
        await using var hostile = new StuckPeer(net.Hosts[1]);

        await hostile.SendAsync(frame);
        await hostile.RefusedAsync();

        Assert.Equal(1, net.Topics[1].Counters.Refused(reason));
        Assert.True((await net.Topics[0].Say(Songs, "still here").Soon()).IsSent);
        Assert.Equal(["still here"], await heard.TakeAsync(1));
    }

    private static byte[] Framed(byte[] body)
    {
        var head = new byte[5];
        var length = RpcCodec.WriteVarint(head, body.Length);
        return [.. head.AsSpan(0, length), .. body];
    }
}
