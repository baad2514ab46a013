using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Starling.Core.Tests.Identity;

namespace Starling.Core.Tests;

/// <summary>Every decoder answers damaged input with its documented error, and whatever it accepts survives a round trip.</summary>
public sealed class MutationTests
{
    private const string Id = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";

    private static readonly UTF8Encoding Utf8 = new();

    private static readonly string[] Addresses =
    [
        $"/ip4/192.0.2.1/tcp/4001/p2p/{Id}", "/ip6zone/eth0/ip6/fe80::1/udp/4001/quic-v1", "/dns4/a.example/tcp/443/tls/ws",
        "/unix/tmp/a.sock", "/memory/77", $"/dnsaddr/x.example/p2p/{Id}/p2p-circuit/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
        "192.0.2.1:4001", "[2001:db8::1%1]:4001", "name.example:4001",
    ];

    private static readonly string[] Ids =
        [Id, "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe", "zbafz", "f0172"];

    [Fact]
    public void Address_text() => Mutate(Addresses, 20_000, text =>
    {
        if (!Multiaddr.TryParse(text, out var address, out var error)) Assert.NotEmpty(error);
        else RoundTrips(address);
        try
        {
            RoundTrips(Multiaddr.ParseUserInput(text));
        }
        catch (FormatException e)
        {
            Assert.DoesNotContain(e.Message, char.IsControl);
            Assert.True(e.Message.Length < 600, e.Message);
        }
    });

    [Fact]
    public void Address_bytes() => Mutate([.. Addresses.Take(6).Select(text => Multiaddr.Parse(text).Bytes.ToArray())], 20_000, bytes =>
    {
        if (!Multiaddr.TryDecode(bytes, out var address, out var error))
        {
            Assert.NotEmpty(error);
            return;
        }

        Assert.Equal(bytes, address.Bytes.ToArray());
        RoundTrips(address);
    });

    [Fact]
    public void Peer_id_text() => Mutate(Ids, 20_000, text =>
    {
        if (!PeerId.TryParse(text, out var id, out var error))
        {
            Assert.NotEmpty(error);
            return;
        }

        Assert.Equal(id, PeerId.Parse(id.ToString()));
        Assert.Equal(id, PeerId.Parse(id.ToCid()));
        Assert.Equal(id, PeerId.FromBytes(id.Bytes));
    });

    [Fact]
    public void Every_multihash_comes_back_from_its_texts() => Prop.ForAll<byte[]>(bytes =>
    {
        byte[] inline = [.. bytes.Take(42)];
        if (inline.Length == 0) return;
        var id = PeerId.FromBytes([0, (byte)inline.Length, .. inline]);
        Assert.Equal(id, PeerId.Parse(id.ToString()));
        Assert.Equal(id, PeerId.Parse(id.ToCid()));
        Assert.Equal(id, PeerId.Parse("f0172" + Convert.ToHexStringLower(id.Bytes)));
        Assert.Equal(0, id.CompareTo(PeerId.Parse(id.ToCid().ToUpperInvariant())));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Public_keys() => Mutate(
        [.. new[] { KeyVectors.EcdsaPublic, KeyVectors.Ed25519Public, KeyVectors.Secp256k1Public, KeyVectors.RsaPublic }.Select(Convert.FromHexString)],
        10_000,
        bytes =>
        {
            if (!PublicKey.TryDecode(bytes, out var key, out var error))
            {
                Assert.NotEmpty(error);
                return;
            }

            Assert.Equal(key, PublicKey.Decode(key.Encoded.Span));
            Assert.False(key.Verify("x"u8, bytes));
            Assert.Equal(key.ToPeerId(), PeerId.FromPublicKey(key));
        });

    [Fact]
    public void Signatures()
    {
        var signers = new[] { (KeyType.Ecdsa, KeyVectors.EcdsaPrivate), (KeyType.Ed25519, KeyVectors.Ed25519Private), (KeyType.Secp256k1, KeyVectors.Secp256k1Private) }
            .Select(vector => KeyData.Import(vector.Item1, vector.Item2)).ToArray();
        Mutate([.. signers.Select(signer => signer.Sign("x"u8))], 3_000, bytes =>
        {
            foreach (var signer in signers) Assert.False(signer.PublicKey.Verify("y"u8, bytes));
        });
        foreach (var signer in signers) signer.Dispose();
    }

    [Fact]
    public void Private_keys() => Mutate(
        [.. new[] { KeyVectors.EcdsaPrivate, KeyVectors.Ed25519Private, KeyVectors.Secp256k1Private }.Select(hex => Convert.FromHexString(hex)[4..])],
        2_000,
        bytes =>
        {
            foreach (var type in Enum.GetValues<KeyType>())
            {
                try
                {
                    using var identity = NodeIdentity.Import(type, bytes);
                    Assert.True(identity.PublicKey.Verify("x"u8, identity.Sign("x"u8)));
                }
                catch (StarlingException e)
                {
                    Assert.Contains("private key", e.Message, StringComparison.Ordinal);
                }
            }
        });

    [Fact]
    public void Framed_messages() => Mutate([new byte[] { 3, 1, 2, 3 }, [0x80, 0x01, .. new byte[128]]], 20_000, bytes =>
    {
        var sequence = new ReadOnlySequence<byte>(bytes);
        var status = LengthDelimited.TryRead(bytes, 100, out var message, out var consumed);
        Assert.Equal(status, LengthDelimited.TryRead(ref sequence, 100, out var same));
        Assert.Equal(message.ToArray(), same.ToArray());
        Assert.Equal(bytes.Length - consumed, sequence.Length);
        Assert.InRange(message.Length, 0, 100);
    });

    private static void RoundTrips(Multiaddr address)
    {
        Assert.Equal(address, Multiaddr.Parse(address.ToString()));
        Assert.True(Multiaddr.TryDecode(address.Bytes.Span, out var decoded, out var error), error);
        Assert.Equal(address.ToString(), decoded.ToString());
        Assert.Equal(address.PeerId, decoded.PeerId);
        if (address.TryGetTcpEndPoint(out var endPoint)) Assert.Equal(endPoint.Port, address.Port);
        Assert.False(address.IsLoopback && address.IsUnspecified);
    }

    private static void Mutate(string[] seeds, int count, Action<string> test) =>
        Mutate([.. seeds.Select(text => Utf8.GetBytes(text))], count, bytes => test(Utf8.GetString(bytes)));

    private static void Mutate(byte[][] seeds, int count, Action<byte[]> test) =>
        Prop.ForAll<ulong>(seed =>
        {
            var random = RandomSource.Seeded(seed);
            for (var i = 0; i < 100; i++) test(Mutant(seeds, random));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(count / 100));

    private static byte[] Mutant(byte[][] seeds, RandomSource random)
    {
        var bytes = seeds[random.Next(seeds.Length)].ToList();
        for (var changes = random.Next(4); changes >= 0; changes--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(6))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3 when at < bytes.Count:
                    bytes.RemoveRange(at, random.Next(bytes.Count - at) + 1);
                    break;
                case 4:
                    bytes.InsertRange(at, seeds[random.Next(seeds.Length)]);
                    break;
                case 5:
                    bytes.InsertRange(at, Enumerable.Repeat((byte)"/:.%1"[random.Next(5)], random.Next(60)));
                    break;
            }
        }

        return [.. bytes];
    }
}
