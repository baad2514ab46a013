using Starling.Net.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Net.Tests.PubSub.Streams;

/// <summary>Link topics: a closed list of peers, and nobody else in any direction.</summary>
public sealed class LinkTopicTests
{
    private static readonly SubscriptionOptions Lossless = new() { WhenFull = Overflow.Block };

    [Fact]
    public async Task Members_get_what_members_publish_in_order_and_a_stranger_between_them_learns_nothing()
    {
        await using var net = TopicNetwork.Create(4, null, 0, 1, 1, 2, 0, 3, 1, 3);
        var members = Topic.Link("vault", [net.Hosts[0].LocalPeer, net.Hosts[1].LocalPeer, net.Hosts[2].LocalPeer]);
        await using var near = await net.Topics[1].SubscribeAsync(members, Lossless).Soon();
        await using var far = await net.Topics[2].SubscribeAsync(members, Lossless).Soon();
        await using var strange = await net.Topics[3].SubscribeAsync(Topic.Link("vault", net.Hosts.Select(host => host.LocalPeer)), Lossless).Soon();
        await net.Topics[0].WaitForSubscribersAsync(members).Soon();
        await net.Topics[1].WaitForSubscribersAsync(members).Soon();

        for (var i = 0; i < 2000; i++) Assert.True((await net.Topics[0].Say(members, $"{i}").Soon()).IsSent);

        var expected = Enumerable.Range(0, 2000).Select(i => $"{i}").ToList();
        Assert.Equal(expected, await near.TakeAsync(2000).Soon());
        Assert.Equal(expected, await far.TakeAsync(2000).Soon());
        Assert.Equal([net.Hosts[1].LocalPeer], net.Topics[0].Subscribers(members));

        // The stranger believes everybody to be a member, is told nothing, and is not believed.
        await net.Topics[3].Say(Topic.Link("vault", []), "intruder").Soon();
        Assert.True((await net.Topics[0].Say(members, "after").Soon()).IsSent);
        Assert.Equal(["after"], await near.TakeAsync(1).Soon());
        Assert.Equal(0, strange.Count);
        Assert.Empty(net.Topics[3].Subscribers(members));
    }

    [Fact]
    public async Task A_log_is_not_told_to_who_is_no_member()
    {
        await using var net = TopicNetwork.Create(2, null, 0, 1);
        var topic = Topic.Link("vault", [net.Hosts[0].LocalPeer]);
        await net.Topics[0].Say(topic, "secret").Soon();
        var link = net.Hosts[1].Find(net.Hosts[0].LocalPeer)!;

        Assert.Equal(ReplayStatus.Refused, await AskAsync(link, new ReplayRequest(true, "vault", null, 0, 0, 10, null)));
        Assert.Equal(ReplayStatus.Refused, await AskAsync(link, new ReplayRequest(false, "vault", null, 0, 0, 10, null)));
        Assert.Equal(ReplayStatus.Refused, await AskAsync(link, new ReplayRequest(false, "unknown", null, 0, 0, 10, null)));
        await net.Topics[0].Say("open", "told").Soon();
        Assert.Null(await AskAsync(link, new ReplayRequest(false, "open", null, 0, 0, 10, null)));
    }

    [Fact]
    public async Task Members_can_be_changed_while_the_topic_is_in_use_and_from_then_on_the_new_one_receives_and_the_removed_one_does_not()
    {
        await using var net = TopicNetwork.Create(3, null, 0, 1, 0, 2);
        PeerId[] ids = [.. net.Hosts.Select(host => host.LocalPeer)];
        var before = Topic.Link("vault", [ids[0], ids[1]]);
        var hall = Topic.Link("hall", ids);
        await using var first = await net.Topics[1].SubscribeAsync(before).Soon();
        await using var control = await net.Topics[1].SubscribeAsync(hall).Soon();
        await net.Topics[0].WaitForSubscribersAsync(before).Soon();
        await net.Topics[0].WaitForSubscribersAsync(hall).Soon();
        await net.Topics[0].Say(before, "old").Soon();
        Assert.Equal(["old"], await first.TakeAsync(1).Soon());

        net.Topics[0].SetMembers(Topic.Link("vault", [ids[0], ids[2]]));
        Assert.DoesNotContain(ids[1], net.Topics[0].Subscribers(before));
        await using var second = await net.Topics[2].SubscribeAsync(Topic.Link("vault", ids)).Soon();
        await net.Topics[0].WaitForSubscribersAsync(before).Soon();
        Assert.Equal([ids[2]], net.Topics[0].Subscribers(before));
        await net.Topics[0].Say(before, "new").Soon();

        // Gossip may bring the new member what is not old yet; what matters is that it gets what is new.
        var heard = await second.TakeAsync(1).Soon();
        if (heard is ["old"]) heard = await second.TakeAsync(1).Soon();
        Assert.Equal(["new"], heard);

        // The same stream brings both topics: what comes after it shows that the former member got nothing.
        await net.Topics[0].Say(hall, "after").Soon();
        Assert.Equal(["after"], await control.TakeAsync(1).Soon());
        Assert.Equal(0, first.Count);
        Assert.Throws<ArgumentException>(() => net.Topics[0].SetMembers("open"));
    }

    /// <summary>The first frame of the answer, when that ends it.</summary>
    private static async Task<ReplayStatus?> AskAsync(Starling.Net.Links.IPeerLink link, ReplayRequest request)
    {
        await using var stream = await link.OpenStreamAsync([ReplayCodec.Protocol]).Soon();
        await stream.WriteAsync(ReplayCodec.Write(request)).Soon();
        var body = await stream.ReadLengthDelimitedAsync(1 << 20).Soon();
        Assert.True(ReplayCodec.TryReadAnswer(body, out _, out var end));
        return end;
    }

    [Fact]
    public async Task A_topic_that_a_wider_pattern_brought_keeps_to_its_own_members_once_it_is_published_to()
    {
        await using var net = TopicNetwork.Create(3, null, 0, 1, 0, 2, 1, 2);
        PeerId[] ids = [.. net.Hosts.Select(host => host.LocalPeer)];
        var all = Topic.Link("vault.*", ids);
        await using var first = await net.Topics[0].SubscribeAsync(all).Soon();
        await using var second = await net.Topics[1].SubscribeAsync(all).Soon();
        await using var third = await net.Topics[2].SubscribeAsync(all).Soon();
        var wide = Topic.Link("vault.keys", ids);
        await net.Topics[1].WaitForSubscribersAsync(wide, 2).Soon();
        Assert.Equal(2, (await net.Topics[1].Say(wide, "for all").Soon()).Recipients);
        foreach (var heard in (TopicSubscription[])[first, third]) Assert.Equal(["for all"], await heard.TakeAsync(1));

        var narrow = Topic.Link("vault.keys", ids[..2]);
        Assert.Equal(1, (await net.Topics[0].Say(narrow, "for two").Soon()).Recipients);
        Assert.Equal(["for two"], await second.TakeAsync(1));
        Assert.Equal([ids[1]], net.Topics[0].Subscribers(narrow));
    }
}
