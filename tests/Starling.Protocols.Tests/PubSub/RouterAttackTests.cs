using System.Security.Cryptography;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>What one neighbour may make a router do, take or forget.</summary>
public sealed class RouterAttackTests
{
    private const string Mine = "/starling/stream/mine";
    private const string Theirs = "/starling/stream/theirs";

    [Theory]
    [InlineData(1)]
    [InlineData(1_000_000)]
    public void A_member_of_one_link_topic_cannot_silence_an_origin_in_another(ulong ahead)
    {
        var lone = new Lone(policy: OriginPolicy.Link);
        lone.Do(core => core.SetTopicRules(Mine, new TopicRules(Members: new HashSet<PeerId> { Lone.Peer(0), Lone.Peer(200) }), lone.Now, lone.Effects));
        lone.Do(core => core.SetTopicRules(Theirs, new TopicRules(Members: new HashSet<PeerId> { Lone.Peer(1), Lone.Peer(200) }), lone.Now, lone.Effects));
        lone.Follow(Mine).Follow(Theirs);
        lone.Link(0);
        lone.Link(1);
        lone.Brings(0, lone.Message(topic: Mine));

        // Neighbour 1 says in its own topic that the next messages of 200, or much later ones, have come.
        lone.Brings(1, PubSubMessage.WithoutBytes(new MessageId(Lone.Peer(200), 1 + ahead), Theirs, 100));

        lone.Brings(0, lone.Message(topic: Mine));
        Assert.Single(lone.To(PubSubEffectKind.Deliver));
    }

    [Fact]
    public void A_verdict_is_on_the_message_that_was_shown_whatever_else_claims_its_number()
    {
        var lone = new Lone(policy: OriginPolicy.Link);
        lone.Do(core => core.SetTopicRules(Mine, new TopicRules(IsValidated: true, Members: new HashSet<PeerId> { Lone.Peer(0), Lone.Peer(200) }), lone.Now, lone.Effects));
        lone.Do(core => core.SetTopicRules(Theirs, new TopicRules(IsValidated: true, Members: new HashSet<PeerId> { Lone.Peer(1), Lone.Peer(200) }), lone.Now, lone.Effects));
        lone.Follow(Mine).Follow(Theirs);
        lone.Link(0);
        lone.Link(1);
        var forged = lone.Brings(1, PubSubMessage.WithoutBytes(new MessageId(Lone.Peer(200), 7), Theirs, 100));
        var real = lone.Brings(0, PubSubMessage.WithoutBytes(new MessageId(Lone.Peer(200), 7), Mine, 100));

        lone.Do(core => Assert.True(core.Judge(real, PubSubVerdict.Accept, lone.Now, lone.Effects)));
        Assert.Same(real, lone.Of(PubSubEffectKind.Deliver).Single().Message);
        lone.Do(core => Assert.True(core.Judge(forged, PubSubVerdict.Reject, lone.Now, lone.Effects)));
        Assert.Empty(lone.Effects);
        Assert.Equal(0, lone.Core.PendingCount);
    }

    [Fact]
    public void Patterns_that_come_and_go_are_compared_with_all_topics_only_so_often()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxPatternsPerPeer = 4 } });
        lone.Link(0);
        for (var i = 0; i < 100; i++)
        {
            lone.Says(0, "songs.*");
            lone.Says(0, "songs.*", subscribe: false);
        }

        Assert.Equal(92, lone.Refused(PubSubRefusal.TooManyPatterns));
        lone.Beat();
        lone.Says(0, "songs.*");
        Assert.Equal(92, lone.Refused(PubSubRefusal.TooManyPatterns));
        Assert.Equal([Lone.Peer(0)], lone.Core.Followers("songs.new"));
    }

    [Fact]
    public void Of_an_IHAVE_no_more_ids_are_read_than_are_looked_at()
    {
        var lone = new Lone(new PubSubOptions { Gossip = { MaxGossipIds = 10 } }).With(1).Follow();
        byte[] topic = [0x0A, 5, .. "songs"u8];
        var entries = Enumerable.Repeat((byte[])[0x12, 0x01, 0x00], 1000).SelectMany(entry => entry).ToArray();
        byte[] ihave = [.. topic, .. entries];
        Span<byte> length = stackalloc byte[5];
        byte[] entry = [0x0A, .. length[..RpcCodec.WriteVarint(length, ihave.Length)], .. ihave];
        byte[] control = [0x1A, .. length[..RpcCodec.WriteVarint(length, entry.Length)], .. entry];
        var rpc = new Rpc();
        Assert.Equal(PubSubRefusal.None, RpcCodec.Decode(control, lone.Options, rpc));

        lone.Do(core => core.Receive(Lone.Peer(0), rpc, lone.Now, lone.Effects));
        Assert.Equal((10, 1), (lone.Refused(PubSubRefusal.BadMessageId), lone.Refused(PubSubRefusal.TooMuchGossip)));
    }

    [Fact]
    public void An_id_with_a_long_key_is_found_by_the_keys_hash_alone()
    {
        // No key, but the hash of these bytes is a peer id: nobody pays for decoding what a neighbour made up.
        byte[] key = [0x08, 0x03, .. new byte[100]];
        var origin = PeerId.FromBytes([0x12, 32, .. SHA256.HashData(key)]);
        Assert.True(MessageIds.TryRead([.. key, 0, 0, 0, 0, 0, 0, 0, 9], new OriginCache(8), out var id, out var form));
        Assert.Equal((new MessageId(origin, 9), MessageIdForm.PublicKey), (id, form));
    }

    [Fact]
    public void A_floodsub_neighbour_of_a_low_score_gets_nothing_handed_on()
    {
        var lone = new Lone(score: GraftTests.Scored()).With(1, PubSubPeerKind.FloodSub).Follow();
        lone.Link(1);
        lone.Brings(1);
        Assert.Equal([0], lone.To(PubSubEffectKind.Send));

        lone.Core.Score!.AddPenalty(Lone.Peer(0), 1000);
        lone.Brings(1);
        Assert.Empty(lone.To(PubSubEffectKind.Send));
        Assert.Equal(1, lone.Core.Counters.Withheld);
    }
}
