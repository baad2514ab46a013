namespace Starling.Core.Tests.Identity;

public sealed class KeyTests
{
    public static TheoryData<KeyType, string, string> Vectors => new()
    {
        { KeyType.Ecdsa, KeyVectors.EcdsaPrivate, KeyVectors.EcdsaPublic },
        { KeyType.Ed25519, KeyVectors.Ed25519Private, KeyVectors.Ed25519Public },
        { KeyType.Secp256k1, KeyVectors.Secp256k1Private, KeyVectors.Secp256k1Public },
        { KeyType.Rsa, KeyVectors.RsaPrivate, KeyVectors.RsaPublic },
    };

    [Theory, MemberData(nameof(Vectors))]
    public void Private_keys_of_the_spec_yield_its_public_keys(KeyType type, string privateHex, string publicHex)
    {
        using var identity = KeyData.Import(type, privateHex);
        Assert.Equal(publicHex, Convert.ToHexStringLower(identity.PublicKey.Encoded.Span));
        Assert.Equal(type, identity.PublicKey.Type);
    }

    [Theory, MemberData(nameof(Vectors))]
    public void Signatures_verify_only_for_their_data_key_and_bytes(KeyType type, string privateHex, string publicHex)
    {
        using var identity = KeyData.Import(type, privateHex);
        var key = PublicKey.Decode(Convert.FromHexString(publicHex));
        Assert.True(key.CanVerify);
        var signature = identity.Sign("starling"u8);
        Assert.True(key.Verify("starling"u8, signature));
        Assert.False(key.Verify("starlings"u8, signature));
        Assert.False(key.Verify("starling"u8, []));
        Assert.False(key.Verify("starling"u8, signature.AsSpan(1)));
        using var other = NodeIdentity.Generate(KeyType.Ecdsa);
        Assert.False(other.PublicKey.Verify("starling"u8, signature));
        for (var i = 0; i < signature.Length; i++)
        {
            var bent = (byte[])signature.Clone();
            bent[i] ^= 1;
            Assert.False(key.Verify("starling"u8, bent));
        }

        Assert.True(key.Verify([], identity.Sign([])));
    }

    [Theory]
    [InlineData(KeyType.Ed25519)]
    [InlineData(KeyType.Ecdsa)]
    public void Generated_identities_sign_and_are_all_different(KeyType type)
    {
        using var one = NodeIdentity.Generate(type);
        using var two = NodeIdentity.Generate(type);
        Assert.NotEqual(one.PeerId, two.PeerId);
        Assert.True(PublicKey.Decode(one.PublicKey.Encoded.Span).Verify("x"u8, one.Sign("x"u8)));
        Assert.False(two.PublicKey.Verify("x"u8, one.Sign("x"u8)));
    }
}

internal static class KeyData
{
    /// <summary>Reads a whole private key message through a file, as a node does.</summary>
    internal static NodeIdentity Import(KeyType type, string messageHex)
    {
        var message = Convert.FromHexString(messageHex);
        Assert.Equal((byte)type, message[1]);
        var header = message[3] < 0x80 ? 4 : 5;
        return NodeIdentity.Import(type, message.AsSpan(header));
    }
}
