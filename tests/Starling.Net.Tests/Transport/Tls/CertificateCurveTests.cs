using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport.Tls;

public sealed class CertificateCurveTests
{
    [Fact]
    public void A_certificate_on_a_curve_that_is_unknown_here_is_refused_as_malformed()
    {
        using var identity = NodeIdentity.Generate();
        using var certificate = Libp2pCertificate.Create(identity, TimeProvider.System);
        var der = certificate.RawData;
        ReadOnlySpan<byte> p256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        der[der.AsSpan().IndexOf(p256) + 5] = 0x13;

        var refusal = Assert.Throws<HandshakeException>(() => Libp2pCertificate.Verify(der, TimeProvider.System.GetUtcNow()));

        Assert.Equal(HandshakeFailure.CertificateMalformed, refusal.Failure);
    }
}
