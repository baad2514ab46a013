using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using Starling.Protocols.PubSub;
using Starling.Protocols.Tests.PubSub.Wire;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>The hand-written RPC codec against classes that Google.Protobuf generated, and against hostile bytes.</summary>
public sealed class RpcCodecTests
{
    private readonly PubSubOptions _options = new() { MaxSubscriptionsPerRpc = 20, MaxMessagesPerRpc = 20, MaxTopicBytes = 40 };

    [Fact]
    public void Subscriptions_read_as_the_generated_classes_wrote_them()
    {
        var wire = new WireRpc { FromTheFuture = ByteString.CopyFrom(1, 2), Control = new WireControl { Graft = { new WireGraft { Topic = "a" } } } };
        wire.Subscriptions.Add(new WireSubscription { Subscribe = true, Topic = "a" });
        wire.Subscriptions.Add(new WireSubscription { Subscribe = false, Topic = "ü" });
        wire.Subscriptions.Add(new WireSubscription { Topic = "c" });
        wire.Subscriptions.Add(new WireSubscription { Subscribe = true });

        var rpc = Decode(wire.ToByteArray());

        Assert.Equal([new("a", true), new("ü", false), new("c", false)], rpc.Subscriptions);
        Assert.Equal(1, rpc.BadSubscriptions);
        Assert.True(rpc.HasControl);
    }

    [Fact]
    public void What_is_written_the_generated_classes_read() =>
        Prop.ForAll<NonEmptyString, bool, byte[]>((topic, subscribe, data) =>
        {
            var name = topic.Get.Length > 100 || topic.Get.Any(char.IsSurrogate) ? "plain" : topic.Get;
            var buffer = new byte[RpcCodec.SizeOfSubscription(name) + RpcCodec.SizeOfMessage(data.Length)];
            var at = RpcCodec.WriteSubscription(buffer, name, subscribe);
            at += RpcCodec.WriteMessage(buffer.AsSpan(at), data);
            var outer = new byte[buffer.Length];
            Assert.Equal(buffer.Length, at);
            buffer.CopyTo(outer, 0);
            var wire = WireRpc.Parser.ParseFrom(outer.AsSpan(0, RpcCodec.SizeOfSubscription(name)).ToArray());
            return wire.Subscriptions.Single() is { } entry && entry.Topic == name && entry.Subscribe == subscribe;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_signed_message_reads_back_in_the_generated_classes()
    {
        using var identity = NodeIdentity.Generate();
        var signer = new MessageSigner(identity, DateTimeOffset.UnixEpoch);
        Prop.ForAll<byte[]>(data =>
        {
            var message = signer.Sign("topic", data);
            var wire = message.ToWire();
            return wire.Data.Span.SequenceEqual(data) && wire.Topic == "topic" && wire.HasData
                && wire.From.Span.SequenceEqual(identity.PeerId.Bytes)
                && message.Data.Span.SequenceEqual(data)
                && message.Encoded.Length <= signer.EncodedSize(5, data.Length);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void An_rpc_cut_anywhere_is_refused_or_ends_between_two_fields()
    {
        var whole = Sample().ToByteArray();
        for (var length = 0; length < whole.Length; length++)
        {
            var refusal = RpcCodec.Decode(whole.AsMemory(0, length), _options, new Rpc());
            WireRpc? generated = null;
            try
            {
                generated = WireRpc.Parser.ParseFrom(whole, 0, length);
            }
            catch (InvalidProtocolBufferException)
            {
                Assert.Equal(PubSubRefusal.Malformed, refusal);
            }

            if (generated is not null) Assert.Equal(PubSubRefusal.None, refusal);
        }
    }

    [Fact]
    public void Mutated_rpcs_are_read_or_refused_and_never_throw()
    {
        var whole = Sample().ToByteArray();
        var mutations = Gen.Choose(0, whole.Length - 1).Zip(Gen.Choose(0, 255)).ListOf();
        var rpc = new Rpc();
        using var flock = new Flock(2);
        flock.Subscribe(0, "a");
        flock.Link(0, 1);
        Prop.ForAll(mutations.ToArbitrary(), changes =>
        {
            var bytes = whole.ToArray();
            foreach (var (at, value) in changes) bytes[at] = (byte)value;
            flock.Receive(flock.Birds[0], flock.Birds[1].Id, bytes);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Fact]
    public void Arbitrary_bytes_are_read_or_refused_and_never_throw()
    {
        var rpc = new Rpc();
        Prop.ForAll<byte[]>(bytes => { RpcCodec.Decode(bytes, _options, rpc); }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Fact]
    public void Counts_and_lengths_are_bounded_each_with_its_reason()
    {
        var many = new WireRpc();
        for (var i = 0; i < 21; i++) many.Subscriptions.Add(new WireSubscription { Subscribe = true, Topic = "t" });
        Assert.Equal(PubSubRefusal.TooManySubscriptions, RpcCodec.Decode(many.ToByteArray(), _options, new Rpc()));

        many = new WireRpc();
        for (var i = 0; i < 21; i++) many.Publish.Add(new WireMessage { Topic = "t" });
        Assert.Equal(PubSubRefusal.TooManyMessages, RpcCodec.Decode(many.ToByteArray(), _options, new Rpc()));

        var large = new byte[_options.MaxRpcBytes + 1];
        Assert.Equal(PubSubRefusal.RpcTooLarge, RpcCodec.Decode(large, _options, new Rpc()));

        var longName = new WireRpc { Subscriptions = { new WireSubscription { Subscribe = true, Topic = new string('x', 41) } } };
        Assert.Equal(1, Decode(longName.ToByteArray()).BadSubscriptions);

        byte[] notUtf8 = [0x0A, 0x05, 0x08, 0x01, 0x12, 0x01, 0xFF];
        Assert.Equal(1, Decode(notUtf8).BadSubscriptions);
    }

    [Fact]
    public void A_field_that_occurs_once_and_is_sent_twice_is_refused()
    {
        var message = new WireMessage { Topic = "t" }.ToByteArray();
        byte[] twice = [.. message, .. message];
        var frame = new byte[RpcCodec.SizeOfMessage(twice.Length)];
        RpcCodec.WriteMessage(frame, twice);

        Assert.Equal(PubSubRefusal.Malformed, RpcCodec.Decode(frame, _options, new Rpc()));
    }

    [Theory]
    [InlineData(new byte[] { 0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F })]
    [InlineData(new byte[] { 0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01 })]
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01 })]
    [InlineData(new byte[] { 0x10, 0x01 })]
    [InlineData(new byte[] { 0x00 })]
    [InlineData(new byte[] { 0x23, 0x24 })]
    public void A_length_beyond_the_end_a_wrong_wire_type_or_a_group_is_refused(byte[] bytes) =>
        Assert.Equal(PubSubRefusal.Malformed, RpcCodec.Decode(bytes, _options, new Rpc()));

    private static WireRpc Sample()
    {
        using var identity = NodeIdentity.Generate();
        var signer = new MessageSigner(identity, DateTimeOffset.UnixEpoch);
        return new WireRpc
        {
            Subscriptions = { new WireSubscription { Subscribe = true, Topic = "a" }, new WireSubscription { Subscribe = false, Topic = "b" } },
            Publish = { signer.Sign("a", [1, 2, 3]).ToWire(), signer.Sign("a", []).ToWire() },
            FromTheFuture = ByteString.CopyFrom(1, 2, 3),
        };
    }

    private Rpc Decode(byte[] bytes)
    {
        var rpc = new Rpc();
        Assert.Equal(PubSubRefusal.None, RpcCodec.Decode(bytes, _options, rpc));
        return rpc;
    }
}
