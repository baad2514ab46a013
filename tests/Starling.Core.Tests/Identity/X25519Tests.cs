namespace Starling.Core.Tests.Identity;

public sealed class X25519Tests
{
    [Fact]
    public void The_vector_of_rfc_7748_agrees()
    {
        using var alice = X25519Key.FromPrivateKey(Convert.FromHexString("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
        using var bob = X25519Key.FromPrivateKey(Convert.FromHexString("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        Assert.Equal("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", Convert.ToHexStringLower(alice.PublicKey.Span));
        var (one, two) = (new byte[32], new byte[32]);
        Assert.True(alice.TryDeriveSecret(bob.PublicKey.Span, one));
        Assert.True(bob.TryDeriveSecret(alice.PublicKey.Span, two));
        Assert.Equal(one, two);
        Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", Convert.ToHexStringLower(one));
    }

    [Fact]
    public void A_key_of_small_order_is_refused_and_leaves_nothing()
    {
        using var key = X25519Key.Generate();
        var secret = new byte[32];
        Array.Fill(secret, (byte)7);
        Assert.False(key.TryDeriveSecret(new byte[32], secret));
        Assert.All(secret, b => Assert.Equal(0, b));
    }
}
