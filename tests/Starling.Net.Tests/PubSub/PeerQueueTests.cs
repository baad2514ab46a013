using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>The lanes of a neighbour's queue.</summary>
public sealed class PeerQueueTests
{
    private static readonly PeerId Peer = NodeIdentity.Generate().PeerId;
    private static readonly MessageSigner Signer = new(NodeIdentity.Generate(), DateTimeOffset.UnixEpoch, OriginPolicy.Link);

    [Fact]
    public void A_full_queue_sheds_the_oldest_relayed_messages_and_no_control_and_no_own_ones()
    {
        var (queue, batch) = (Open(maxBytes: 10_000), new RpcBatch());
        Assert.True(queue.TryEnqueueOwn(new Outgoing(Message(2000), null), waited: false));
        Assert.True(Tell(queue, PubSubEffectKind.Graft, "songs"));
        var shed = Enumerable.Range(0, 20).Sum(_ => queue.EnqueueRelayed(Message(2000)));
        Assert.True(Tell(queue, PubSubEffectKind.AnnounceSubscribe, "songs"));

        Assert.InRange(shed, 16, 18);
        Assert.True(queue.TryBeginWriting());
        Assert.True(queue.TryTake(batch, 1 << 20));
        Assert.Equal(1 + 20 - shed, batch.Messages.Count);
        var rpc = new Rpc();
        var frame = new byte[batch.FrameLength];
        var length = batch.Write(frame);
        Assert.Equal(batch.FrameLength, length);
        Assert.Equal(PubSubRefusal.None, RpcCodec.Decode(frame.AsMemory(length - batch.Size), new PubSubOptions(), rpc));
        Assert.Equal((1, 1, batch.Messages.Count), (rpc.Subscriptions.Count, rpc.ControlCount, rpc.MessageCount));
    }

    [Fact]
    public void Later_news_of_a_topic_replace_earlier_ones_and_old_asks_make_room()
    {
        var (queue, batch) = (Open(maxBytes: 10_000), new RpcBatch());
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(Tell(queue, i % 2 == 0 ? PubSubEffectKind.Prune : PubSubEffectKind.Graft, "songs", i % 2 == 0 ? new PruneDetail(TimeSpan.FromMinutes(1), []) : null));
            Assert.True(Tell(queue, i % 2 == 0 ? PubSubEffectKind.AnnounceSubscribe : PubSubEffectKind.AnnounceUnsubscribe, "songs"));
            Assert.True(Tell(queue, PubSubEffectKind.IHave, "songs", Ids(100)));
        }

        queue.Tell(new PubSubEffect(PubSubEffectKind.IWant, Peer, "", null, Ids(150)), MessageIdForm.PeerId, out var stale);
        Assert.Equal(50, stale);
        Assert.True(queue.TryBeginWriting());
        Assert.True(queue.TryTake(batch, 1 << 20));
        Assert.Equal(100, batch.Ids);
        queue.Written(batch);
        batch.Clear();
        Assert.True(queue.TryTake(batch, 1 << 20));
        Assert.Equal(100, batch.Ids);
        queue.Written(batch);
        batch.Clear();
        Assert.False(queue.TryTake(batch, 1 << 20));
    }

    [Fact]
    public void Too_many_topics_to_tell_of_ask_for_a_new_stream()
    {
        var queue = Open(maxBytes: 10_000);
        var answers = Enumerable.Range(0, 11).Select(i => Tell(queue, PubSubEffectKind.AnnounceSubscribe, $"{i}")).ToList();

        Assert.Equal([.. Enumerable.Repeat(true, 10), false], answers);
    }

    private static PeerQueue Open(int maxBytes)
    {
        var queue = new PeerQueue(maxBytes, maxTopics: 10, maxIds: 100, new ResourceBudget());
        queue.Open();
        return queue;
    }

    private static bool Tell(PeerQueue queue, PubSubEffectKind kind, string topic, object? detail = null) =>
        queue.Tell(new PubSubEffect(kind, Peer, topic, null, detail), MessageIdForm.PeerId, out _);

    private static MessageId[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => new MessageId(Peer, (ulong)i))];

    private static PubSubMessage Message(int size) => Signer.Sign("songs", new byte[size]);
}
