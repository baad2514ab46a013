using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Noise;

namespace Starling.Protocols.Tests.Noise;

public sealed class NoiseHandshakeTests : IDisposable
{
    private static readonly string[] Yamux = ["/yamux/1.0.0"];

    private readonly Party _alice = new(1);
    private readonly Party _bob = new(2);

    public void Dispose()
    {
        _alice.Dispose();
        _bob.Dispose();
    }

    [Theory]
    [InlineData(KeyType.Ed25519)]
    [InlineData(KeyType.Ecdsa)]
    public void Both_sides_learn_who_the_other_is(KeyType type)
    {
        using var carol = new Party(3, type);
        var (initiator, responder) = Run(_alice.Start(Direction.Outbound, Yamux, carol.Id), carol.Start(Direction.Inbound, Yamux, null));

        Assert.Equal(carol.Id, initiator.RemoteKey.ToPeerId());
        Assert.Equal(_alice.Id, responder.RemoteKey.ToPeerId());
    }

    [Fact]
    public void What_one_side_sends_only_the_other_one_reads()
    {
        var (initiator, responder) = Run(_alice.Start(Direction.Outbound, Yamux, null), _bob.Start(Direction.Inbound, Yamux, null));
        var message = new byte[5 + NoiseFrame.TagLength];
        initiator.Sending.Encrypt("hello"u8, [], message);

        Assert.False(initiator.Receiving.TryDecrypt(message, [], new byte[5]));
        Assert.True(responder.Receiving.TryDecrypt(message, [], message));
        Assert.Equal("hello"u8, message.AsSpan(0, 5));
    }

    [Theory]
    [InlineData("/a,/b", "/b,/a", "/a")]
    [InlineData("/b,/a", "/a,/b", "/b")]
    [InlineData("/x,/b", "/a,/b", "/b")]
    [InlineData("", "/a", null)]
    [InlineData("/a", "", null)]
    [InlineData("", "", null)]
    public void The_muxer_is_the_initiators_first_that_both_speak(string initiators, string responders, string? agreed)
    {
        var (initiator, responder) = Run(
            _alice.Start(Direction.Outbound, Split(initiators), null), _bob.Start(Direction.Inbound, Split(responders), null));

        Assert.Equal(agreed, initiator.Muxer);
        Assert.Equal(agreed, responder.Muxer);
    }

    [Fact]
    public void Sides_without_a_common_muxer_do_not_link()
    {
        var failure = Assert.Throws<HandshakeException>(() =>
            Run(_alice.Start(Direction.Outbound, ["/a"], null), _bob.Start(Direction.Inbound, ["/b"], null)));

        Assert.Equal(HandshakeFailure.NoCommonProtocol, failure.Failure);
    }

    [Fact]
    public void A_dialler_that_meets_another_peer_says_nothing_of_itself()
    {
        using var carol = new Party(3);
        using var initiator = _alice.Start(Direction.Outbound, Yamux, carol.Id);
        using var responder = _bob.Start(Direction.Inbound, Yamux, null);
        responder.Read(Write(initiator));
        var answer = Write(responder);

        var failure = Assert.Throws<HandshakeException>(() => initiator.Read(answer));

        Assert.Equal(HandshakeFailure.PeerIdMismatch, failure.Failure);
        Assert.Contains(_bob.Id.ToString(), failure.Message, StringComparison.Ordinal);
        Assert.Contains(carol.Id.ToString(), failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_listener_that_expects_somebody_else_refuses()
    {
        using var carol = new Party(3);
        var failure = Assert.Throws<HandshakeException>(() =>
            Run(_alice.Start(Direction.Outbound, Yamux, null), _bob.Start(Direction.Inbound, Yamux, carol.Id)));

        Assert.Equal(HandshakeFailure.PeerIdMismatch, failure.Failure);
    }

    [Fact]
    public void A_static_key_that_the_identity_did_not_sign_is_refused()
    {
        using var other = X25519Key.Generate(RandomSource.Seeded(9));
        var stolen = NoisePayload.Encode(_bob.Identity.PublicKey, NoisePayload.Sign(_bob.Identity, other.PublicKey.Span), Yamux);

        var failure = Assert.Throws<HandshakeException>(() =>
            Run(_alice.Start(Direction.Outbound, Yamux, null), _bob.Start(Direction.Inbound, Yamux, null, stolen)));

        Assert.Equal(HandshakeFailure.NoisePayloadSignature, failure.Failure);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ff")]
    [InlineData("0a00")]
    [InlineData("0a020801120100")]
    public void A_payload_that_is_no_payload_is_malformed(string hex)
    {
        var failure = Assert.Throws<HandshakeException>(() =>
            Run(_alice.Start(Direction.Outbound, Yamux, null), _bob.Start(Direction.Inbound, Yamux, null, Convert.FromHexString(hex))));

        Assert.Equal(HandshakeFailure.Malformed, failure.Failure);
    }

    [Fact]
    public void Every_handshake_message_cut_short_anywhere_is_refused()
    {
        for (var which = 0; which < 3; which++)
        {
            var length = Tampered(which, message => message).Length;
            for (var cut = 0; cut < length; cut++)
            {
                var failure = Assert.Throws<HandshakeException>(() => Tampered(which, message => message[..cut]));
                Assert.Equal(HandshakeFailure.Malformed, failure.Failure);
            }
        }
    }

    [Fact]
    public void Every_handshake_message_with_any_bit_changed_is_refused()
    {
        var arbitrary = ArbMap.Default.ArbFor<(byte Which, ushort Position, byte Flip)>();
        Prop.ForAll(arbitrary, mutation =>
        {
            var (which, position, flip) = mutation;
            if (flip == 0) return;
            Assert.Throws<HandshakeException>(() => Tampered(which % 3, message =>
            {
                // The top bit of a public key is ignored by X25519; the transcript still tells.
                message[position % message.Length] ^= flip;
                return message;
            }));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_key_of_small_order_is_refused()
    {
        var failure = Assert.Throws<HandshakeException>(() => Tampered(0, message =>
        {
            Array.Clear(message);
            return message;
        }));

        Assert.Equal(HandshakeFailure.Malformed, failure.Failure);
    }

    [Fact]
    public void Neither_side_acts_out_of_turn()
    {
        using var initiator = _alice.Start(Direction.Outbound, Yamux, null);
        using var responder = _bob.Start(Direction.Inbound, Yamux, null);

        Assert.Throws<InvalidOperationException>(() => initiator.Read(new byte[200]));
        Assert.Throws<InvalidOperationException>(() => responder.Write(new byte[2000]));
        Assert.Throws<InvalidOperationException>(initiator.Finish);
    }

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries);

    private static byte[] Write(NoiseHandshake side)
    {
        var message = new byte[side.WriteLength];
        side.Write(message);
        return message;
    }

    private static (NoiseSession Initiator, NoiseSession Responder) Run(NoiseHandshake initiator, NoiseHandshake responder)
    {
        using (initiator)
        using (responder)
        {
            responder.Read(Write(initiator));
            initiator.Read(Write(responder));
            responder.Read(Write(initiator));
            return (initiator.Finish(), responder.Finish());
        }
    }

    /// <summary>Runs a handshake up to one message, changes that, and lets it be read: a change of the first shows when the second is read.</summary>
    private byte[] Tampered(int which, Func<byte[], byte[]> change)
    {
        using var initiator = _alice.Start(Direction.Outbound, Yamux, null);
        using var responder = _bob.Start(Direction.Inbound, Yamux, null);
        for (var i = 0; i < 3; i++)
        {
            var (writer, reader) = i % 2 == 0 ? (initiator, responder) : (responder, initiator);
            var message = Write(writer);
            if (i == which) message = change(message);
            reader.Read(message);
            if (i == which && i > 0) return message;
        }

        return new byte[32];
    }

    private sealed class Party : IDisposable
    {
        private readonly X25519Key _static;
        private readonly X25519Key _ephemeral;

        public Party(ulong seed, KeyType type = KeyType.Ed25519)
        {
            Identity = NodeIdentity.Generate(type);
            var random = RandomSource.Seeded(seed);
            _static = X25519Key.Generate(random);
            _ephemeral = X25519Key.Generate(random);
        }

        public NodeIdentity Identity { get; }

        public PeerId Id => Identity.PeerId;

        public NoiseHandshake Start(Direction side, string[] muxers, PeerId? expected, byte[]? payload = null) =>
            new(side, _static, _ephemeral, payload ?? Payload(muxers), muxers, expected);

        public void Dispose()
        {
            Identity.Dispose();
            _static.Dispose();
            _ephemeral.Dispose();
        }

        private byte[] Payload(string[] muxers) =>
            NoisePayload.Encode(Identity.PublicKey, NoisePayload.Sign(Identity, _static.PublicKey.Span), muxers);
    }
}
