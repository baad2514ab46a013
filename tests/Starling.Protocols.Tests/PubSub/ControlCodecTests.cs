using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using Starling.Protocols.PubSub;
using Starling.Protocols.Tests.PubSub.Wire;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>Control messages on the wire, against classes that Google.Protobuf generated and against hostile bytes.</summary>
public sealed class ControlCodecTests
{
    private static readonly MessageId[] Ids = [new(Lone.Peer(1), 7), new(Lone.Peer(2), ulong.MaxValue)];
    private static readonly PruneDetail Detail = new(TimeSpan.FromSeconds(300), [new(Lone.Peer(3), new byte[] { 1, 2, 3 }), new(Lone.Peer(4), default)]);

    public static TheoryData<GossipControlKind> Kinds => [.. Enum.GetValues<GossipControlKind>()];

    [Theory, MemberData(nameof(Kinds))]
    public void What_is_written_the_generated_classes_read(GossipControlKind kind)
    {
        foreach (var form in Enum.GetValues<MessageIdForm>())
        {
            var rpc = WireRpc.Parser.ParseFrom(Flock.Encode(Sample(kind), form));
            byte[][] ids = [.. Ids.Select(id => Bytes(id, form))];
            var expected = new WireControl();
            switch (kind)
            {
                case GossipControlKind.IHave:
                    expected.Ihave.Add(new WireIHave { Topic = "ü", Ids = { ids.Select(ByteString.CopyFrom) } });
                    break;
                case GossipControlKind.IWant:
                    expected.Iwant.Add(new WireIWant { Ids = { ids.Select(ByteString.CopyFrom) } });
                    break;
                case GossipControlKind.Graft:
                    expected.Graft.Add(new WireGraft { Topic = "ü" });
                    break;
                case GossipControlKind.Prune:
                    expected.Prune.Add(new WirePrune { Topic = "ü", Backoff = 300, Peers = { new WirePeer { Id = Of(3), Record = ByteString.CopyFrom(1, 2, 3) }, new WirePeer { Id = Of(4) } } });
                    break;
                case GossipControlKind.IDontWant:
                    expected.Idontwant.Add(new WireIDontWant { Ids = { ids.Select(ByteString.CopyFrom) } });
                    break;
            }

            Assert.Equal(new WireRpc { Control = expected }, rpc);
        }
    }

    [Fact]
    public void What_the_generated_classes_wrote_reaches_the_router_and_what_is_unknown_is_skipped()
    {
        using var flock = Linked();
        var (bird, from) = (flock.Birds[0], flock.Birds[1].Id);
        var control = new WireControl
        {
            Graft = { new WireGraft { Topic = "a" } },
            Ihave = { new WireIHave { Topic = "a", Ids = { Id(new MessageId(from, 9)) } } },
            Extensions = new WireFeatures { PartialMessages = true, Test = true },
        };
        flock.Receive(bird, from, new WireRpc { Control = control, FromTheFuture = ByteString.CopyFrom(1) }.ToByteArray());
        Assert.Equal([from], bird.Core.Mesh("a"));
        Assert.Equal([new MessageId(from, 9)], (MessageId[])bird.Said.Single(effect => effect.Kind == PubSubEffectKind.IWant).Detail!);

        flock.Receive(bird, from, new WireRpc { Control = new WireControl { Prune = { new WirePrune { Topic = "a", Backoff = ulong.MaxValue } } } }.ToByteArray());
        Assert.Empty(bird.Core.Mesh("a"));
        flock.Beat(62);
        Assert.Empty(bird.Core.Mesh("a"));
    }

    [Fact]
    public void A_neighbour_is_answered_in_the_form_of_ids_that_it_uses()
    {
        using var flock = Linked();
        var (bird, from) = (flock.Birds[0], flock.Birds[1].Id);
        Assert.Equal(MessageIdForm.PeerId, bird.Core.IdFormOf(from));
        var id = new MessageId(flock.Birds[1].Id, 9);
        var have = new WireIHave { Topic = "a", Ids = { ByteString.CopyFrom(Bytes(id, MessageIdForm.PublicKey)) } };
        flock.Receive(bird, from, new WireRpc { Control = new WireControl { Ihave = { have } } }.ToByteArray());

        Assert.Equal([id], (MessageId[])bird.Said.Single(effect => effect.Kind == PubSubEffectKind.IWant).Detail!);
        Assert.Equal(MessageIdForm.PublicKey, bird.Core.IdFormOf(from));
    }

    [Fact]
    public void Ids_that_are_none_are_counted_and_left_out()
    {
        using var flock = Linked();
        var (bird, from) = (flock.Birds[0], flock.Birds[1].Id);
        var have = new WireIHave { Topic = "a", Ids = { ByteString.Empty, ByteString.CopyFrom(new byte[8]), ByteString.CopyFrom(new byte[40]), ByteString.CopyFrom(new byte[5000]) } };
        flock.Receive(bird, from, new WireRpc { Control = new WireControl { Ihave = { have } } }.ToByteArray());
        Assert.Equal(4, bird.Core.Counters.Refused(PubSubRefusal.BadMessageId));
        Assert.Empty(bird.Said);
    }

    [Fact]
    public void Control_messages_cut_anywhere_are_refused_exactly_where_the_generated_classes_refuse_them()
    {
        var whole = Everything();
        for (var length = 0; length < whole.Length; length++)
        {
            var refusal = RpcCodec.Decode(whole.AsMemory(0, length), new PubSubOptions(), new Rpc());
            var reads = true;
            try
            {
                WireRpc.Parser.ParseFrom(whole, 0, length);
            }
            catch (InvalidProtocolBufferException)
            {
                reads = false;
            }

            Assert.Equal(reads ? PubSubRefusal.None : PubSubRefusal.Malformed, refusal);
        }
    }

    [Fact]
    public void Mutated_control_messages_are_taken_or_refused_and_never_throw()
    {
        var whole = Everything();
        using var flock = Linked();
        var mutations = Gen.Choose(0, whole.Length - 1).Zip(Gen.Choose(0, 255)).ListOf();
        Prop.ForAll(mutations.ToArbitrary(), changes =>
        {
            var bytes = whole.ToArray();
            foreach (var (at, value) in changes) bytes[at] = (byte)value;
            flock.Receive(flock.Birds[0], flock.Birds[1].Id, bytes);
            flock.Now += TimeSpan.FromMilliseconds(100);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Fact]
    public void Huge_control_messages_are_refused_before_anything_is_made_of_them()
    {
        var options = new PubSubOptions { MaxControlsPerRpc = 10, MaxIdsPerRpc = 100 };
        var grafts = new WireControl { Graft = { Enumerable.Repeat(new WireGraft { Topic = "a" }, 11) } };
        Assert.Equal(PubSubRefusal.TooManyControls, RpcCodec.Decode(new WireRpc { Control = grafts }.ToByteArray(), options, new Rpc()));
        var ids = new WireIWant { Ids = { Enumerable.Repeat(ByteString.Empty, 101) } };
        Assert.Equal(PubSubRefusal.TooManyIds, RpcCodec.Decode(new WireRpc { Control = new WireControl { Iwant = { ids } } }.ToByteArray(), options, new Rpc()));

        // Empty entries are the smallest: two bytes each. The rest of the frame is never looked at.
        var empty = new byte[(4 << 20) - 16];
        for (var i = 0; i + 1 < empty.Length; i += 2) empty[i] = 0x1A;
        var frame = new byte[RpcCodec.SizeOfControl(empty.Length)];
        empty.CopyTo(frame, RpcCodec.WriteControlHead(frame, empty.Length));
        var rpc = new Rpc();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(PubSubRefusal.TooManyControls, RpcCodec.Decode(frame, new PubSubOptions(), rpc));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Names_of_peers_and_their_records_are_bounded()
    {
        using var flock = Linked();
        var (bird, from) = (flock.Birds[0], flock.Birds[1].Id);
        var prune = new WirePrune { Topic = "a", Peers = { Enumerable.Range(0, 200).Select(i => new WirePeer { Id = Of(i), Record = ByteString.CopyFrom(new byte[i == 0 ? 100_000 : 10]) }) } };
        flock.Receive(bird, from, new WireRpc { Control = new WireControl { Prune = { prune, prune } } }.ToByteArray());
        var connects = bird.Heard.Where(effect => effect.Kind == PubSubEffectKind.Connect).ToList();
        Assert.Equal(flock.Options.Gossip.MaxConnects, connects.Count);
        Assert.Equal(0, ((ReadOnlyMemory<byte>)connects[0].Detail!).Length);
        Assert.Equal(10, ((ReadOnlyMemory<byte>)connects[1].Detail!).Length);
    }

    private static GossipControl Sample(GossipControlKind kind) => new(
        kind,
        kind is GossipControlKind.IWant or GossipControlKind.IDontWant ? "" : "ü",
        kind is GossipControlKind.Graft or GossipControlKind.Prune ? default : Ids,
        kind == GossipControlKind.Prune ? Detail : null);

    private static byte[] Everything()
    {
        byte[] entries = [];
        foreach (var kind in Enum.GetValues<GossipControlKind>())
        {
            var control = Sample(kind) with { Topic = kind is GossipControlKind.IWant or GossipControlKind.IDontWant ? "" : "a" };
            var entry = new byte[RpcCodec.SizeOfControlEntry(in control, MessageIdForm.PeerId)];
            RpcCodec.WriteControlEntry(entry, in control, MessageIdForm.PeerId);
            entries = [.. entries, .. entry];
        }

        var frame = new byte[RpcCodec.SizeOfControl(entries.Length)];
        entries.CopyTo(frame, RpcCodec.WriteControlHead(frame, entries.Length));
        return [.. frame, .. new WireRpc { Subscriptions = { new WireSubscription { Topic = "a", Subscribe = true } } }.ToByteArray()];
    }

    private static Flock Linked()
    {
        var flock = new Flock(2, kind: PubSubPeerKind.Mesh12);
        flock.Subscribe(0, "a");
        flock.Link(0, 1);
        flock.Settle();
        return flock;
    }

    private static byte[] Bytes(MessageId id, MessageIdForm form)
    {
        var number = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(number, id.SequenceNumber);
        return [.. id.Origin.Bytes[(form == MessageIdForm.PublicKey ? 2 : 0)..], .. number];
    }

    private static ByteString Id(MessageId id) => ByteString.CopyFrom(Bytes(id, MessageIdForm.PeerId));

    private static ByteString Of(int peer) => ByteString.CopyFrom(Lone.Peer(peer).Bytes);
}
