using Starling.Gateways.Gossip;

namespace Starling.Gateways.Tests;

/// <summary>Nodes that know a bootstrapper and nothing else.</summary>
public sealed class MembershipTests
{
    private const ushort Type = 42;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_node_that_knows_the_bootstrapper_only_links_with_the_others_too()
    {
        await using var bootstrapper = await Member.StartAsync();
        await using var one = await Member.StartAsync(bootstrapper);
        await one.LinkedAsync(bootstrapper.Node.PeerId);
        await using var other = await Member.StartAsync(bootstrapper);

        await other.LinkedAsync(one.Node.PeerId);
    }

    [Fact]
    public async Task News_of_a_peer_found_travel_beyond_the_neighbours_and_are_linked_with()
    {
        // The exchange of lists is off: only updates can tell the far end of the newcomer.
        await using var far = await Member.StartAsync(null, exchange: false);
        await using var middle = await Member.StartAsync(far, exchange: false);
        await middle.LinkedAsync(far.Node.PeerId);
        await using var near = await Member.StartAsync(middle, exchange: false);

        await far.LinkedAsync(near.Node.PeerId);
        Assert.True(far.Api.Counters[GossipCount.PeerUpdatesTaken] > 0);
    }

    [Fact]
    public async Task A_node_that_is_to_know_nobody_else_stays_with_the_peers_it_was_given()
    {
        await using var bootstrapper = await Member.StartAsync(text: "peer_exchange = off");
        await using var one = await Member.StartAsync(bootstrapper, text: "peer_exchange = off");
        await one.LinkedAsync(bootstrapper.Node.PeerId);
        await using var other = await Member.StartAsync(bootstrapper, text: "peer_exchange = off");
        await other.LinkedAsync(bootstrapper.Node.PeerId);
        using var far = await VoidPhoneClient.SubscribeAsync(other.Api, Type);
        using var middle = await VoidPhoneClient.SubscribeAsync(bootstrapper.Api, Type);
        using var announcer = await VoidPhoneClient.ConnectAsync(one.Api.Address);

        await announcer.SendAsync(VoidPhoneClient.Announce(0, Type, 1));
        await middle.JudgeAsync(valid: true, 1);
        await far.JudgeAsync(valid: true, 1);

        Assert.Equal(bootstrapper.Node.PeerId, Assert.Single(one.Node.Links).Peer);
        Assert.Equal(bootstrapper.Node.PeerId, Assert.Single(other.Node.Links).Peer);
        Assert.Equal(0, bootstrapper.Api.Counters[GossipCount.PeerUpdatesSent]);
    }

    [Fact]
    public async Task The_bootstrapper_is_tried_until_it_is_there_and_again_after_it_was_lost()
    {
        using var identity = NodeIdentity.Generate();
        var port = FreePorts.Find();
        await using var member = await Member.StartAsync(text: $"bootstrapper = 127.0.0.1:{port}");
        using var client = await VoidPhoneClient.SubscribeAsync(member.Api, Type);
        for (byte round = 0; round < 2; round++)
        {
            await using var bootstrapper = await Member.StartAsync(text: $"listen_address = 127.0.0.1:{port}", identity: identity);
            await member.LinkedAsync(identity.PeerId);
            using var announcer = await VoidPhoneClient.ConnectAsync(bootstrapper.Api.Address);
            await announcer.SendAsync(VoidPhoneClient.Announce(0, Type, round));
            await client.JudgeAsync(valid: true, round);
        }
    }

    [Fact]
    public async Task No_more_connections_are_kept_than_the_file_allows()
    {
        await using var hub = await Member.StartAsync(text: "max_connections = 2\npeer_exchange = off", grace: TimeSpan.FromMilliseconds(200));
        List<Member> members = [];
        for (var i = 0; i < 4; i++) members.Add(await Member.StartAsync(hub, text: "peer_exchange = off"));

        await foreach (var happened in hub.Node.EventsAsync(new CancellationTokenSource(Patience).Token))
        {
            if (happened is NodeEvent.Disconnected { Why.Reason: CloseReason.Pruned }) break;
        }

        foreach (var member in members) await member.DisposeAsync();
    }

    private sealed class Member : IAsyncDisposable
    {
        private Member(StarlingNode node, GossipApi api) => (Node, Api) = (node, api);

        public StarlingNode Node { get; }

        public GossipApi Api { get; }

        public static async Task<Member> StartAsync(Member? bootstrapper = null, string text = "", bool exchange = true, NodeIdentity? identity = null, TimeSpan? grace = null)
        {
            var entry = bootstrapper is null ? "" : $"bootstrapper = {bootstrapper.Node.Addresses[0]}";
            var config = GossipConfig.Parse($"[gossip]\napi_address = 127.0.0.1:0\n{entry}\n{text}\n", "gossip.ini");
            var options = config.ToNodeOptions();
            options.Links.FirstPause = TimeSpan.FromMilliseconds(200);
            options.Links.LongestPause = TimeSpan.FromMilliseconds(500);
            if (grace is { } time) options.Links.GracePeriod = time;
            if (!exchange) (options.PeerExchange.Enabled, options.Discovery.Providers) = (false, []);
            var node = await StarlingNode.StartAsync(options, new NodeEnvironment { Identity = identity });
            return new Member(node, await GossipApi.StartAsync(node, config.ToApiOptions()));
        }

        public async Task LinkedAsync(PeerId peer)
        {
            using var patience = new CancellationTokenSource(Patience);
            await foreach (var happened in Node.EventsAsync(patience.Token))
            {
                if (happened is NodeEvent.Connected { Link.Peer: var linked } && linked.Equals(peer)) return;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Api.DisposeAsync();
            await Node.DisposeAsync();
        }
    }
}
