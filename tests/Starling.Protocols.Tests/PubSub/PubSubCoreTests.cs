using Starling.Protocols.PubSub;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>The flooding router, several of it on virtual time.</summary>
public sealed class PubSubCoreTests
{
    private const string Topic = "songs";

    public static TheoryData<string, int, int[]> Graphs => new()
    {
        { "line", 4, [0, 1, 1, 2, 2, 3] },
        { "triangle", 3, [0, 1, 1, 2, 2, 0] },
        { "ring", 6, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0] },
        { "everyone", 5, [0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 1, 3, 1, 4, 2, 3, 2, 4, 3, 4] },
    };

    [Theory, MemberData(nameof(Graphs))]
    public void Every_follower_gets_every_message_once_and_in_its_origins_order(string shape, int size, int[] links)
    {
        for (var seed = 1ul; seed <= 20; seed++)
        {
            using var flock = Linked(size, links, seed);
            for (var i = 0; i < 10; i++)
            {
                for (var bird = 0; bird < size; bird++) flock.Publish(bird, Topic, [(byte)bird, (byte)i]);
                if (i % 3 == 0) flock.Settle();
            }

            flock.Settle();
            foreach (var bird in flock.Birds)
            {
                Assert.True(bird.Delivered.Count == 10 * (size - 1), $"{shape}, seed {seed}: {bird.Delivered.Count} delivered");
                foreach (var origin in bird.Delivered.GroupBy(message => message.Id.Origin))
                {
                    var others = flock.Birds.ToList().FindIndex(other => other.Id.Equals(origin.Key));
                    Assert.Equal(Enumerable.Range(0, 10), origin.Select(message => (int)message.Data.Span[1]).Order());
                    if (links.Length == 2 * (size - 1)) Assert.Equal(Enumerable.Range(0, 10), origin.Select(message => (int)message.Data.Span[1]));
                    Assert.All(origin, message => Assert.Equal(others, message.Data.Span[0]));
                }
            }
        }
    }

    [Fact]
    public void A_node_relays_only_what_it_follows()
    {
        using var flock = new Flock(3);
        flock.Link(0, 1);
        flock.Link(1, 2);
        flock.Subscribe(2, Topic);
        flock.Settle();

        Assert.Equal(0, flock.Publish(0, Topic, [1]));
        flock.Settle();

        Assert.Empty(flock.Birds[2].Delivered);
    }

    [Fact]
    public void A_new_neighbour_is_told_every_topic_and_repeats_change_nothing()
    {
        using var flock = new Flock(2);
        flock.Subscribe(0, Topic);
        flock.Subscribe(0, "other");
        flock.Link(0, 1);
        flock.Settle();
        Assert.Equal([flock.Birds[0].Id], flock.Birds[1].Core.Followers(Topic));
        Assert.Equal(2, flock.Birds[1].Heard.Count);

        var again = new byte[RpcCodec.SizeOfSubscription(Topic)];
        RpcCodec.WriteSubscription(again, Topic, subscribe: true);
        flock.Receive(flock.Birds[1], flock.Birds[0].Id, again);
        Assert.Equal(2, flock.Birds[1].Heard.Count);

        flock.Unsubscribe(0, Topic);
        flock.Settle();
        Assert.Empty(flock.Birds[1].Core.Followers(Topic));
        Assert.Equal(0, flock.Publish(1, Topic, [1]));
    }

    [Fact]
    public void What_a_neighbour_followed_goes_with_it()
    {
        using var flock = Linked(3, [0, 1, 0, 2], 1);
        flock.Unlink(0, 1);

        Assert.Equal([flock.Birds[2].Id], flock.Birds[0].Core.Followers(Topic));
        Assert.Contains(flock.Birds[0].Heard, effect => effect.Kind == PubSubEffectKind.PeerUnsubscribed && effect.Peer.Equals(flock.Birds[1].Id));
        Assert.False(flock.Birds[0].Core.HasPeer(flock.Birds[1].Id));
    }

    [Fact]
    public void A_flood_of_ten_thousand_subscriptions_is_bounded_and_counted()
    {
        using var flock = new Flock(2);
        flock.Link(0, 1);
        for (var i = 0; i < 10_000; i++)
        {
            var entry = new byte[RpcCodec.SizeOfSubscription($"t{i}")];
            RpcCodec.WriteSubscription(entry, $"t{i}", subscribe: true);
            flock.Receive(flock.Birds[0], flock.Birds[1].Id, entry);
        }

        Assert.Equal(1024, flock.Birds[0].Heard.Count);
        Assert.Equal(10_000 - 1024, flock.Birds[0].Core.Counters.Refused(PubSubRefusal.TooManyTopics));
    }

    [Fact]
    public void A_copy_is_known_before_its_signature_is_looked_at_and_forgotten_after_its_time()
    {
        using var flock = Linked(2, [0, 1], 1);
        var frame = flock.Birds[0].Signer.Sign(Topic, [7]).ToWire().InRpc();
        var bytes = Google.Protobuf.MessageExtensions.ToByteArray(frame);

        flock.Receive(flock.Birds[1], flock.Birds[0].Id, bytes);
        flock.Receive(flock.Birds[1], flock.Birds[0].Id, bytes);
        Assert.Equal(1, flock.Birds[1].Verifications);
        Assert.Equal(1, flock.Birds[1].Core.Counters.Duplicates);
        Assert.Single(flock.Birds[1].Delivered);

        flock.Now += flock.Options.SeenTime;
        flock.Receive(flock.Birds[1], flock.Birds[0].Id, bytes);
        Assert.Equal(2, flock.Birds[1].Delivered.Count);
    }

    [Fact]
    public void A_forged_copy_does_not_keep_the_true_message_out()
    {
        using var flock = Linked(2, [0, 1], 1);
        var good = flock.Birds[0].Signer.Sign(Topic, [7]).ToWire();
        var forged = good.Clone();
        forged.Data = Google.Protobuf.ByteString.CopyFrom(8);

        flock.Receive(flock.Birds[1], flock.Birds[0].Id, Google.Protobuf.MessageExtensions.ToByteArray(forged.InRpc()));
        Assert.Empty(flock.Birds[1].Delivered);
        Assert.Equal(1, flock.Birds[1].Core.Counters.Refused(PubSubRefusal.BadSignature));

        flock.Receive(flock.Birds[1], flock.Birds[0].Id, Google.Protobuf.MessageExtensions.ToByteArray(good.InRpc()));
        Assert.Single(flock.Birds[1].Delivered);
    }

    [Fact]
    public void The_seen_cache_is_bounded_by_count_and_says_when_it_forgot_early()
    {
        using var flock = Linked(2, [0, 1], 1, new PubSubOptions { MaxSeen = 10 });
        for (var i = 0; i < 15; i++) flock.Publish(0, Topic, [(byte)i]);
        flock.Settle();

        Assert.Equal(10, flock.Birds[1].Core.SeenCount);
        Assert.Equal(5, flock.Birds[1].Core.Counters.SeenEvicted);
        Assert.Equal(15, flock.Birds[1].Delivered.Count);
    }

    [Fact]
    public void What_a_neighbour_sent_before_its_link_ended_still_counts_but_not_what_it_follows()
    {
        using var flock = new Flock(2);
        flock.Subscribe(1, Topic);
        var frame = flock.Birds[0].Signer.Sign(Topic, [1]).ToWire().InRpc();
        frame.Subscriptions.Add(new Wire.WireSubscription { Subscribe = true, Topic = Topic });

        flock.Receive(flock.Birds[1], flock.Birds[0].Id, Google.Protobuf.MessageExtensions.ToByteArray(frame));

        Assert.Single(flock.Birds[1].Delivered);
        Assert.Empty(flock.Birds[1].Core.Followers(Topic));
    }

    [Fact]
    public void An_own_message_is_echoed_only_where_asked()
    {
        using var silent = Linked(1, [], 1);
        silent.Publish(0, Topic, [1]);
        Assert.Empty(silent.Birds[0].Delivered);

        using var echoing = Linked(1, [], 1, new PubSubOptions { EchoOwnMessages = true });
        echoing.Publish(0, Topic, [1]);
        Assert.Single(echoing.Birds[0].Delivered);
    }

    [Fact]
    public void Names_and_numbers_of_topics_are_bounded_with_a_message_that_says_so()
    {
        using var flock = new Flock(1, options: new PubSubOptions { MaxTopics = 2 });
        flock.Subscribe(0, "a");
        flock.Subscribe(0, "b");

        Assert.Contains("MaxTopics", Assert.Throws<InvalidOperationException>(() => flock.Subscribe(0, "c")).Message);
        Assert.Contains("MaxTopicBytes", Assert.Throws<ArgumentException>(() => flock.Subscribe(0, new string('x', 257))).Message);
        Assert.Throws<ArgumentException>(() => flock.Subscribe(0, ""));
        Assert.Contains("surrogate", Assert.Throws<ArgumentException>(() => flock.Subscribe(0, "\ud800")).Message);
    }

    private static Flock Linked(int size, int[] links, ulong seed, PubSubOptions? options = null)
    {
        var flock = new Flock(size, seed, options);
        for (var bird = 0; bird < size; bird++) flock.Subscribe(bird, Topic);
        for (var i = 0; i < links.Length; i += 2) flock.Link(links[i], links[i + 1]);
        flock.Settle();
        return flock;
    }
}
