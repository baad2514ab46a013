using System.Security.Cryptography;

namespace Starling.Core.Tests.Identity;

public sealed class PublicKeyTests
{
    [Fact]
    public void Other_encodings_of_the_protobuf_become_the_one_that_ids_are_made_of()
    {
        var canonical = Convert.FromHexString(KeyVectors.Ed25519Public);
        var data = canonical[4..];
        byte[][] variants =
        [
            [0x12, 0x20, .. data, 0x08, 0x01], // data before type
            [0x08, 0x81, 0x00, 0x12, 0x20, .. data], // type not minimal
            [.. canonical, 0x18, 0x05], // a field more
            [0x08, 0x02, .. canonical], // the last type counts
        ];
        Assert.All(variants, variant =>
        {
            var key = PublicKey.Decode(variant);
            Assert.Equal(canonical, key.Encoded.ToArray());
            Assert.Equal(PublicKey.Decode(canonical), key);
            Assert.Equal(PublicKey.Decode(canonical).GetHashCode(), key.GetHashCode());
        });
    }

    [Theory]
    [InlineData("", "missing")]
    [InlineData("0801", "missing")]
    [InlineData("1200", "missing")]
    [InlineData("08041200", "unknown")]
    [InlineData("080112", "cannot be read")]
    [InlineData("08011203010203", "32 bytes, not 3")]
    [InlineData("08021203010203", "33 bytes")]
    [InlineData("0802122104" + "7777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99", "33 bytes")]
    [InlineData("0802122102" + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "no point on the curve")]
    [InlineData("08031203010203", "P-256, P-384 or P-521")]
    [InlineData("08001203010203", "RSA key cannot be read")]
    public void Unusable_keys_are_refused_with_the_reason(string hex, string expected)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.False(PublicKey.TryDecode(bytes, out _, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Contains(expected, Assert.Throws<ProtocolViolationException>(() => PublicKey.Decode(bytes)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_outside_the_limits_are_refused_before_they_are_parsed()
    {
        Assert.False(PublicKey.TryDecode(new byte[100_000], out _, out var error));
        Assert.Contains("more than the 1200", error, StringComparison.Ordinal);
        Assert.Contains("1024 bits", Refusal(Convert.FromHexString(
            "30819f300d06092a864886f70d010101050003818d0030818902818100" + new string('f', 256) + "0203010001")), StringComparison.Ordinal);
        using var key = RSA.Create(2048);
        var dear = key.ExportParameters(false) with { Exponent = [1, 0, 0, 0, 1] };
        using var slow = RSA.Create();
        slow.ImportParameters(dear);
        Assert.Contains("exponent", Refusal(slow.ExportSubjectPublicKeyInfo()), StringComparison.Ordinal);
        Assert.Contains("DER", Refusal([.. key.ExportSubjectPublicKeyInfo(), 0]), StringComparison.Ordinal);
        Assert.Null(Refusal(key.ExportSubjectPublicKeyInfo()));
    }

    [Theory]
    [InlineData("nistP256")]
    [InlineData("nistP384")]
    [InlineData("nistP521")]
    public void Ecdsa_keys_on_each_curve_verify_and_a_point_off_it_is_refused(string curve)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve));
        var der = key.ExportSubjectPublicKeyInfo();
        var decoded = PublicKey.Decode(Message(3, der));
        Assert.True(decoded.Verify("x"u8, key.SignData("x"u8, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));
        der[^1] ^= 1;
        Assert.False(PublicKey.TryDecode(Message(3, der), out _, out var error));
        Assert.Contains("no point on its curve", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Signing_ends_with_the_identity_and_verifying_does_not()
    {
        Assert.All([KeyType.Ed25519, KeyType.Ecdsa], type =>
        {
            var identity = NodeIdentity.Generate(type);
            var signature = identity.Sign("x"u8);
            identity.Dispose();
            identity.Dispose();
            Assert.Throws<ObjectDisposedException>(() => identity.Sign("x"u8));
            Assert.True(identity.PublicKey.Verify("x"u8, signature));
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => NodeIdentity.Generate(KeyType.Rsa));
    }

    [Theory]
    [InlineData(KeyType.Ed25519)]
    [InlineData(KeyType.Ecdsa)]
    public async Task Threads_sign_and_verify_with_one_identity_at_once(KeyType type)
    {
        using var identity = NodeIdentity.Generate(type);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < 200; i++)
            {
                var data = BitConverter.GetBytes((thread * 1000) + i);
                Assert.True(identity.PublicKey.Verify(data, identity.Sign(data)));
            }
        }))).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private static string? Refusal(byte[] rsaDer) => PublicKey.TryDecode(Message(0, rsaDer), out _, out var error) ? null : error;

    private static byte[] Message(byte type, byte[] data)
    {
        var length = new byte[Varint.MaxLength];
        return [8, type, 0x12, .. length.AsSpan(0, Varint.Write(length, (ulong)data.Length)), .. data];
    }
}
