using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

public class IdentifyCodecTests
{
    private static readonly IdentifyMessage Full = new()
    {
        PublicKey = new byte[] { 8, 1, 18, 1, 7 },
        ListenAddresses = [Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001"), Multiaddr.Parse("/ip6/::1/tcp/4001")],
        Protocols = ["/ipfs/ping/1.0.0", "/chat/1.0.0"],
        ObservedAddress = Multiaddr.Parse("/ip4/10.0.0.9/tcp/50123"),
        ProtocolVersion = "/starling/1.0.0",
        AgentVersion = "starling/0.1.0",
        DisplayName = "ada",
        SignedPeerRecord = new byte[] { 1, 2, 3 },
    };

    [Fact]
    public void What_was_written_is_read()
    {
        Assert.True(IdentifyCodec.TryDecode(IdentifyCodec.Encode(Full), out var read, out var error), error);
        Assert.Equal(Full.PublicKey!.Value.ToArray(), read!.PublicKey!.Value.ToArray());
        Assert.Equal(Full.ListenAddresses, read.ListenAddresses);
        Assert.Equal(Full.Protocols, read.Protocols);
        Assert.Equal(Full.ObservedAddress, read.ObservedAddress);
        Assert.Equal((Full.ProtocolVersion, Full.AgentVersion, Full.DisplayName), (read.ProtocolVersion, read.AgentVersion, read.DisplayName));
        Assert.Equal(Full.SignedPeerRecord.ToArray(), read.SignedPeerRecord.ToArray());
        Assert.Equal(0, read.Skipped);
    }

    [Fact]
    public void An_end_within_a_message_is_refused_at_every_byte()
    {
        var bytes = IdentifyCodec.Encode(Full);
        for (var length = 1; length < bytes.Length; length++)
        {
            Assert.False(IdentifyCodec.TryDecode(bytes.AsSpan(0, length), out _, out var error));
            Assert.NotNull(error);
        }
    }

    [Fact]
    public void A_long_list_of_protocols_is_split_and_merged_again()
    {
        var many = Full with { Protocols = [.. Enumerable.Range(0, 400).Select(i => $"/a/protocol/with/a/rather/long/name/{i}/1.0.0")] };
        var bytes = IdentifyCodec.Encode(many);

        Assert.True(bytes.Length > IdentifyCodec.MaxMessageLength);
        Assert.True(IdentifyCodec.TryDecode(bytes, out var read, out var error), error);
        Assert.Equal(many.Protocols, read!.Protocols);
        Assert.Equal(many.DisplayName, read.DisplayName);
    }

    [Fact]
    public void More_messages_or_longer_ones_than_allowed_are_refused()
    {
        var empty = new byte[IdentifyCodec.MaxMessages + 1];
        Assert.False(IdentifyCodec.TryDecode(empty, out _, out var error));
        Assert.Contains("10 messages", error, StringComparison.Ordinal);
        Assert.True(IdentifyCodec.TryDecode(empty.AsSpan(1), out _, out _));

        Assert.False(IdentifyCodec.TryDecode([0xff, 0xff, 0x7f], out _, out error));
        Assert.Contains("8192", error, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => IdentifyCodec.Encode(Full with { SignedPeerRecord = new byte[9000] }));
    }

    [Fact]
    public void Bad_addresses_and_surplus_entries_are_passed_over_and_counted()
    {
        var wire = new Starling.Protocols.Links.Wire.Identify();
        wire.ListenAddrs.Add(Google.Protobuf.ByteString.CopyFrom(0xff, 0xff));
        wire.Protocols.AddRange(Enumerable.Range(0, IdentifyCodec.MaxProtocols + 5).Select(i => $"/{i}"));
        wire.Protocols.Add("/steers\u001b[2Jterminals");
        wire.AgentVersion = "evil\u001b[31m" + new string('x', 500);

        Assert.True(IdentifyCodec.TryDecode(Frame(wire), out var read, out var error), error);
        Assert.Empty(read!.ListenAddresses);
        Assert.Equal(IdentifyCodec.MaxProtocols, read.Protocols.Count);
        Assert.Equal(7, read.Skipped);
        Assert.Equal(IdentifyCodec.MaxTextLength, read.AgentVersion!.Length);
        Assert.DoesNotContain('\u001b', read.AgentVersion);
    }

    [Fact]
    public void Random_changes_never_break_the_reader()
    {
        var random = RandomSource.Seeded(7);
        var valid = IdentifyCodec.Encode(Full);
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = valid.ToArray();
            for (var change = 0; change < 1 + random.Next(4); change++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (!IdentifyCodec.TryDecode(bytes, out var message, out var error)) Assert.NotNull(error);
            else Assert.NotNull(message);
        }
    }

    [Fact]
    public void A_signed_record_holds_until_a_bit_changes()
    {
        using var identity = NodeIdentity.Generate();
        var bytes = PeerRecords.Seal(identity, 42, Full.ListenAddresses);
        Assert.True(PeerRecords.TryOpen(bytes, out var peer, out var sequence, out var addresses));
        Assert.Equal((identity.PeerId, 42ul), (peer, sequence));
        Assert.Equal(Full.ListenAddresses, addresses);

        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 1;
            Assert.False(PeerRecords.TryOpen(bytes, out _, out _, out _), $"byte {i}");
            bytes[i] ^= 1;
        }
    }

    private static byte[] Frame(Starling.Protocols.Links.Wire.Identify message)
    {
        var chunks = new List<byte>();
        var prefix = new byte[Varint.MaxLength];
        var body = Google.Protobuf.MessageExtensions.ToByteArray(message);
        // Whole messages of 8 KiB are enough for this test; one frame when it fits.
        Assert.True(body.Length <= IdentifyCodec.MaxMessageLength);
        chunks.AddRange(prefix.AsSpan(0, Varint.Write(prefix, (ulong)body.Length)));
        chunks.AddRange(body);
        return [.. chunks];
    }
}
