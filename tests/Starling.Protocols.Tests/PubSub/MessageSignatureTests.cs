using Google.Protobuf;
using Starling.Protocols.PubSub;
using Starling.Protocols.Tests.PubSub.Wire;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>StrictSign, as the one who receives sees it.</summary>
public sealed class MessageSignatureTests
{
    private const string Topic = "songs";

    public static TheoryData<string, PubSubRefusal> Spoiled => new()
    {
        { "no signature", PubSubRefusal.Unsigned },
        { "other signature", PubSubRefusal.BadSignature },
        { "empty signature", PubSubRefusal.BadSignature },
        { "other data", PubSubRefusal.BadSignature },
        { "other number", PubSubRefusal.BadSequenceNumber },
        { "number changed", PubSubRefusal.BadSignature },
        { "no number", PubSubRefusal.BadSequenceNumber },
        { "no origin", PubSubRefusal.BadOrigin },
        { "bad origin", PubSubRefusal.BadOrigin },
        { "other origin", PubSubRefusal.BadSignature },
        { "our origin", PubSubRefusal.OwnOrigin },
        { "other key", PubSubRefusal.BadKey },
        { "bad key", PubSubRefusal.BadKey },
        { "no topic", PubSubRefusal.BadTopic },
        { "other topic", PubSubRefusal.NotSubscribed },
        { "too large", PubSubRefusal.MessageTooLarge },
        { "unknown field", PubSubRefusal.BadSignature },
    };

    [Theory, MemberData(nameof(Spoiled))]
    public void A_spoiled_message_is_refused_with_its_reason(string how, PubSubRefusal expected)
    {
        using var flock = Pair(out var us, out var them);
        using var other = NodeIdentity.Generate();
        var message = them.Signer.Sign(Topic, [1, 2, 3]).ToWire();
        switch (how)
        {
            case "no signature": message.ClearSignature(); break;
            case "other signature": message.Signature = ByteString.CopyFrom(new byte[64]); break;
            case "empty signature": message.Signature = ByteString.Empty; break;
            case "other data": message.Data = ByteString.CopyFrom(1, 2, 4); break;
            case "other number": message.Seqno = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8, 9); break;
            case "number changed": message.Seqno = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8); break;
            case "no number": message.ClearSeqno(); break;
            case "no origin": message.ClearFrom(); break;
            case "bad origin": message.From = ByteString.CopyFrom(1, 2, 3); break;
            case "other origin": message.From = ByteString.CopyFrom(other.PeerId.Bytes); break;
            case "our origin": message.From = ByteString.CopyFrom(us.Id.Bytes); break;
            case "other key": message.Key = ByteString.CopyFrom(other.PublicKey.Encoded.Span); break;
            case "bad key": message.Key = ByteString.CopyFrom(9, 9); break;
            case "no topic": message.ClearTopic(); break;
            case "other topic": message.Topic = "elsewhere"; break;
            case "too large": message.Data = ByteString.CopyFrom(new byte[flock.Options.MaxMessageBytes]); break;
            case "unknown field": message.FromTheFuture = 1; break;
            default: throw new ArgumentException(how);
        }

        flock.Receive(us, them.Id, message.InRpc().ToByteArray());

        Assert.Empty(us.Delivered);
        Assert.Equal(1, us.Core.Counters.Refused(expected));
        Assert.Equal(0, us.Core.SeenCount);
    }

    [Theory]
    [InlineData(KeyType.Ed25519, false)]
    [InlineData(KeyType.Ecdsa, true)]
    public void The_key_travels_only_where_the_id_does_not_hold_it(KeyType type, bool travels)
    {
        if (type == KeyType.Ed25519 && !NodeIdentity.SupportsEd25519) Assert.Skip("libcrypto is not here");
        using var flock = Pair(out var us, out var them);
        using var identity = NodeIdentity.Generate(type);
        var message = new MessageSigner(identity, DateTimeOffset.UnixEpoch.AddYears(60)).Sign(Topic, [1]);

        flock.Receive(us, them.Id, message.ToWire().InRpc().ToByteArray());

        Assert.Equal(travels, message.ToWire().HasKey);
        Assert.Equal(identity.PeerId, Assert.Single(us.Delivered).Id.Origin);
    }

    [Fact]
    public void A_key_that_is_sent_although_the_id_holds_it_is_accepted()
    {
        using var flock = Pair(out var us, out var them);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var message = them.Signer.Sign(Topic, [1]).ToWire();
            message.Key = ByteString.CopyFrom(them.Identity.PublicKey.Encoded.Span);
            flock.Receive(us, them.Id, message.InRpc().ToByteArray());
        }

        Assert.Equal(2, us.Delivered.Count);
    }

    [Fact]
    public void The_signature_covers_the_bytes_as_they_were_sent_unknown_fields_and_order_included()
    {
        using var flock = Pair(out var us, out var them);
        var unsigned = new WireMessage
        {
            From = ByteString.CopyFrom(them.Id.Bytes),
            Data = ByteString.CopyFrom(5),
            Seqno = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, 1),
            Topic = Topic,
            FromTheFuture = 3,
        }.ToByteArray();
        var signature = new WireMessage { Signature = ByteString.CopyFrom(them.Identity.Sign([.. "libp2p-pubsub:"u8, .. unsigned])) }.ToByteArray();
        byte[] whole = [.. signature, .. unsigned];
        var frame = new byte[RpcCodec.SizeOfMessage(whole.Length)];
        RpcCodec.WriteMessage(frame, whole);

        flock.Receive(us, them.Id, frame);

        Assert.Equal([5], Assert.Single(us.Delivered).Data.ToArray());
        Assert.Equal(whole, us.Delivered[0].Encoded.ToArray());
    }

    [Fact]
    public void Numbers_start_at_the_wall_clock_and_rise()
    {
        using var identity = NodeIdentity.Generate();
        var time = new DateTimeOffset(2031, 2, 3, 4, 5, 6, TimeSpan.Zero);
        var signer = new MessageSigner(identity, time);

        var first = signer.Sign(Topic, []);
        var second = signer.Sign(Topic, []);

        Assert.Equal((ulong)(time - DateTimeOffset.UnixEpoch).Ticks * 100 + 1, first.Id.SequenceNumber);
        Assert.Equal(first.Id.SequenceNumber + 1, second.Id.SequenceNumber);
        Assert.Equal(8, first.ToWire().Seqno.Length);
    }

    private static Flock Pair(out Flock.Bird us, out Flock.Bird them)
    {
        var flock = new Flock(2);
        flock.Subscribe(0, Topic);
        flock.Link(0, 1);
        flock.Settle();
        (us, them) = (flock.Birds[0], flock.Birds[1]);
        return flock;
    }
}
