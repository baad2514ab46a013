using System.Text;
using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>One hostile peer on a socket beside an honest one: what it does is bounded and counted, and the honest one notices nothing.</summary>
public sealed class TopicAttackTests
{
    private const string Songs = "songs";
    private static readonly WireTopic Plain = new(TopicFamily.LibP2P, Songs);
    private static readonly WireTopic Stream = new(TopicFamily.LibP2P, TopicNames.ToWire("takes", isStream: true));
    private static readonly WireTopic Closed = new(TopicFamily.Starling, TopicNames.ToWire("vault", isStream: true));

    [Fact]
    public async Task A_graft_flood_is_refused_and_answered_within_bounds()
    {
        await using var scene = await Scene.StartAsync(Plain);
        await using var hostile = await RawPeer.StartAsync(scene.Victim);
        await hostile.SubscribeAsync(Songs);
        await hostile.SendAsync(new GossipControl(GossipControlKind.Prune, Songs, default, new PruneDetail(TimeSpan.FromMinutes(1), [])));
        var grafts = Enumerable.Repeat(new GossipControl(GossipControlKind.Graft, Songs), 1000).ToArray();
        for (var i = 0; i < 10; i++) await hostile.SendAsync(grafts);
        await hostile.HeardAsync(scene.Victim);

        Assert.Equal(10_000, scene.Refused(PubSubRefusal.EarlyGraft));
        Assert.Equal(10_000 - new GossipOptions().MaxRefusedGrafts, scene.Refused(PubSubRefusal.GraftFlood));
        Assert.DoesNotContain(hostile.Id, scene.Mesh(Songs));
        await scene.GoesOnAsync();
    }

    [Fact]
    public async Task An_IHAVE_flood_draws_no_more_asks_than_the_bound()
    {
        await using var scene = await Scene.StartAsync(Plain);
        await using var hostile = await RawPeer.StartAsync(scene.Victim);
        for (var i = 0; i < 20; i++) await hostile.SendAsync(new GossipControl(GossipControlKind.IHave, Songs, Ids(hostile.Id, 1000 * i, 1000)));
        await hostile.HeardAsync(scene.Victim);

        Assert.Equal(5000, scene.Counters.Asked);
        Assert.Equal(15, scene.Refused(PubSubRefusal.TooMuchGossip));
        await scene.GoesOnAsync();
    }

    [Fact]
    public async Task Asking_again_and_again_without_reading_fills_a_bounded_queue()
    {
        var options = new PubSubServiceOptions { MaxPeerQueueBytes = 2 << 20, StopTimeout = TimeSpan.FromMilliseconds(100), Gossip = { HeartbeatInterval = TimeSpan.FromHours(1) } };
        await using var scene = await Scene.StartAsync(Plain, options);
        await using var hostile = await RawPeer.StartAsync(scene.Victim, reads: false);
        await hostile.HeardAsync(scene.Victim);
        var ids = new List<MessageId>();
        for (var i = 0; i < 50; i++)
        {
            var sent = scene.Victim.Wire.Publish(Plain, new byte[100_000], waited: true, null);
            ids.Add(sent.Message!.Id);
            await scene.Heard.Received.ReachAsync(i + 1);
        }

        for (var i = 0; i < 20; i++) await hostile.SendAsync(new GossipControl(GossipControlKind.IWant, "", ids.ToArray()));
        await hostile.HeardAsync(scene.Victim);

        Assert.Equal((150, 50 * 17), (scene.Counters.Served, scene.Refused(PubSubRefusal.RepeatedIWant)));
        Assert.InRange(scene.QueueTo(hostile).Bytes, 1, 2 << 20);
        Assert.True(scene.Victim.Setting.Metrics.DroppedFor(DropReason.SlowPeer) > 100);
        await scene.GoesOnAsync();
    }

    [Fact]
    public async Task A_backoff_of_all_time_neither_overflows_nor_ends_at_once()
    {
        await using var scene = await Scene.StartAsync(Plain);
        await using var hostile = await RawPeer.StartAsync(scene.Victim);
        byte[] prune = [0x0A, 5, .. "songs"u8, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
        byte[] entry = [0x22, (byte)prune.Length, .. prune];
        await hostile.SubscribeAsync(Songs);
        await hostile.SendAsync([0x1A, (byte)entry.Length, .. entry]);
        await hostile.SendAsync(new GossipControl(GossipControlKind.Graft, Songs));
        await hostile.HeardAsync(scene.Victim);

        Assert.Equal(1, scene.Refused(PubSubRefusal.EarlyGraft));
        Assert.DoesNotContain(hostile.Id, scene.Mesh(Songs));
        await scene.GoesOnAsync();
    }

    [Fact]
    public async Task Names_patterns_and_ids_without_measure_are_counted_or_end_the_stream()
    {
        await using var scene = await Scene.StartAsync(Plain);
        await using var hostile = await RawPeer.StartAsync(scene.Victim);
        for (var i = 0; i < 2000; i++) await hostile.SubscribeAsync($"songs.*.{i}");
        await hostile.HeardAsync(scene.Victim);
        Assert.Equal(2000 - new GossipOptions().MaxPatternsPerPeer, scene.Refused(PubSubRefusal.TooManyPatterns));

        await hostile.SendAsync([.. Enumerable.Range(0, 21).Select(i => new GossipControl(GossipControlKind.IWant, "", Ids(hostile.Id, 1000 * i, 1000)))]);
        await hostile.RefusedAsync();
        Assert.Equal(1, scene.Refused(PubSubRefusal.TooManyIds));
        await scene.GoesOnAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sequence_that_is_replayed_is_delivered_once(bool isStream)
    {
        var topic = isStream ? Stream : Plain;
        await using var scene = await Scene.StartAsync(topic);
        await using var hostile = await RawPeer.StartAsync(scene.Victim);
        var signer = new MessageSigner(hostile.Identity, DateTimeOffset.UnixEpoch);
        var sequence = Enumerable.Range(0, 20).Select(i => signer.Sign(topic.Name, Encoding.UTF8.GetBytes($"{i}"))).ToList();
        for (var round = 0; round < 10; round++)
        {
            foreach (var message in sequence) await hostile.SendMessageAsync(message.Encoded);
        }

        await hostile.HeardAsync(scene.Victim);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), scene.Taken.Texts);
        Assert.Equal(180, scene.Counters.Duplicates);
        await scene.GoesOnAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_speaks_in_anothers_name_is_not_believed_and_does_not_keep_the_other_out(bool isStream)
    {
        var topic = isStream ? Stream : Plain;
        await using var scene = await Scene.StartAsync(topic);
        await using var hostile = await RawPeer.StartAsync(scene.Victim);
        using var origin = NodeIdentity.Generate();
        var real = new MessageSigner(origin, DateTimeOffset.UnixEpoch).Sign(topic.Name, "real"u8);
        var forged = new MessageSigner(hostile.Identity, DateTimeOffset.UnixEpoch).Sign(topic.Name, "fake"u8).Encoded.ToArray();
        origin.PeerId.Bytes.CopyTo(forged.AsSpan(forged.AsSpan().IndexOf(hostile.Id.Bytes)));
        for (var i = 0; i < 50; i++) await hostile.SendMessageAsync(forged);
        await hostile.SendMessageAsync(real.Encoded);
        await hostile.HeardAsync(scene.Victim);

        Assert.Equal(50, scene.Refused(PubSubRefusal.BadSignature));
        Assert.Equal(["real"], scene.Taken.Texts);
        await scene.GoesOnAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_unsigned_message_gets_into_the_family_that_signs(bool isStream)
    {
        var topic = isStream ? Stream : Plain;
        await using var scene = await Scene.StartAsync(topic);
        await using var hostile = await RawPeer.StartAsync(scene.Victim);
        await hostile.SendMessageAsync(new MessageSigner(hostile.Identity, DateTimeOffset.UnixEpoch, OriginPolicy.Link).Sign(topic.Name, "bare"u8).Encoded);
        await hostile.HeardAsync(scene.Victim);

        Assert.Equal(1, scene.Refused(PubSubRefusal.Unsigned));
        Assert.Empty(scene.Taken.Texts);
        await scene.GoesOnAsync();
    }

    [Fact]
    public async Task No_signed_message_gets_into_the_family_that_does_not_sign_even_from_a_member()
    {
        await using var scene = await Scene.StartAsync(Closed);
        await using var hostile = await RawPeer.StartAsync(scene.Victim, PubSubProtocol.StarlingMesh);
        scene.Admit(hostile.Id);
        await hostile.SendMessageAsync(new MessageSigner(hostile.Identity, DateTimeOffset.UnixEpoch).Sign(Closed.Name, "signed"u8).Encoded);
        await hostile.SendMessageAsync(new MessageSigner(hostile.Identity, DateTimeOffset.UnixEpoch, OriginPolicy.Link).Sign(Closed.Name, "bare"u8).Encoded);
        await scene.Taken.Received.ReachAsync(1);

        Assert.Equal(1, scene.Refused(PubSubRefusal.UnexpectedSignature));
        Assert.Equal(["bare"], scene.Taken.Texts);
        await scene.GoesOnAsync();
    }

    [Fact]
    public async Task A_stranger_gets_nothing_out_of_a_link_topic_and_nothing_into_it_whatever_it_tries()
    {
        await using var scene = await Scene.StartAsync(Closed);
        await using var hostile = await RawPeer.StartAsync(scene.Victim, PubSubProtocol.StarlingMesh);
        var secret = scene.Victim.Wire.Publish(Closed, "secret"u8, waited: true, null).Message!;
        await scene.Heard.Received.ReachAsync(1);
        await hostile.SubscribeAsync(Closed.Name);
        await hostile.SubscribeAsync(TopicNames.ToWire(">", isStream: true));
        await hostile.SendAsync(
            new GossipControl(GossipControlKind.Graft, Closed.Name),
            new GossipControl(GossipControlKind.IHave, Closed.Name, Ids(scene.Friend.Id, 0, 10)),
            new GossipControl(GossipControlKind.IWant, "", new[] { secret.Id }),
            new GossipControl(GossipControlKind.Prune, Closed.Name, default, new PruneDetail(TimeSpan.FromMinutes(1), [new ExchangedPeer(scene.Friend.Id, default)])));
        foreach (var origin in (NodeIdentity[])[hostile.Identity, scene.Friend.Node.Identity])
        {
            await hostile.SendMessageAsync(new MessageSigner(origin, DateTimeOffset.UnixEpoch, OriginPolicy.Link).Sign(Closed.Name, "intruder"u8).Encoded);
        }

        // Once it is a member it is told of the topic: by then everything before has been heard, and it was told of nothing.
        while (scene.Refused(PubSubRefusal.NotMember) < 3) await scene.GoesOnAsync();
        Assert.Equal((0L, 0L), (scene.Counters.Served, scene.Counters.Asked));
        Assert.Equal([scene.Friend.Id], scene.Victim.Wire.Followers(Closed));
        Assert.DoesNotContain("intruder", scene.Taken.Texts);
        Assert.Equal((0, 0), (hostile.Told.Value, hostile.Messages.Value));
        scene.Admit(hostile.Id);
        await hostile.Told.ReachAsync(1);
        await scene.GoesOnAsync();
    }

    private static MessageId[] Ids(PeerId origin, int from, int count) => [.. Enumerable.Range(from, count).Select(i => new MessageId(origin, (ulong)i))];

    /// <summary>The node that is attacked, and an honest neighbour; both follow the topic.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private readonly WireTopic _topic;
        private int _said;

        private Scene(WireTopic topic, WireNode victim, WireNode friend) => (_topic, Victim, Friend) = (topic, victim, friend);

        public WireNode Victim { get; }

        public WireNode Friend { get; }

        /// <summary>What the attacked node takes.</summary>
        public CountingSink Taken { get; } = new();

        /// <summary>What the honest neighbour hears.</summary>
        public CountingSink Heard { get; } = new();

        public PubSubCounters Counters => Router.Counters;

        private TopicRouter Router => Victim.Wire.Routers.Single(router => router.Family == _topic.Family);

        public static async Task<Scene> StartAsync(WireTopic topic, PubSubServiceOptions? options = null)
        {
            options ??= new PubSubServiceOptions { Gossip = { HeartbeatInterval = TimeSpan.FromHours(1) } };
            var scene = new Scene(topic, await WireNode.StartAsync(options), await WireNode.StartAsync(options));
            if (topic.Family == TopicFamily.Starling) scene.Admit();
            await scene.Victim.Node.ConnectAsync(scene.Friend.Node);
            scene.Victim.Wire.Follow(topic, scene.Taken);
            scene.Friend.Wire.Follow(topic, scene.Heard);
            await scene.Victim.Wire.WaitForFollowersAsync(topic, 1, CancellationToken.None).Soon();
            await scene.Friend.Wire.WaitForFollowersAsync(topic, 1, CancellationToken.None).Soon();
            return scene;
        }

        public void Admit(params PeerId[] others)
        {
            foreach (var node in (WireNode[])[Victim, Friend]) node.Wire.Admit(_topic, new HashSet<PeerId>([Victim.Id, Friend.Id, .. others]));
        }

        public long Refused(PubSubRefusal reason) => Counters.Refused(reason);

        public IEnumerable<PeerId> Mesh(string topic) => Router.Status().Where(status => status.Name == topic).SelectMany(status => status.Mesh).Select(peer => peer.Peer);

        public PeerQueue QueueTo(RawPeer peer) => Router.AllPeers().Single(one => one.Id.Equals(peer.Id)).Queue;

        /// <summary>Both ways, what is said is heard.</summary>
        public async Task GoesOnAsync()
        {
            var text = $"still here {_said++}";
            Assert.NotEqual(PublishStatus.NoPeers, Friend.Say(_topic, text).Status);
            await HearsAsync(Taken, text);
            Victim.Say(_topic, text);
            await HearsAsync(Heard, text);
        }

        private static async Task HearsAsync(CountingSink sink, string text)
        {
            for (var count = sink.Received.Value; !sink.Texts.Contains(text); count = sink.Received.Value) await sink.Received.ReachAsync(count + 1);
        }

        public async ValueTask DisposeAsync()
        {
            await Victim.DisposeAsync();
            await Friend.DisposeAsync();
        }
    }
}
