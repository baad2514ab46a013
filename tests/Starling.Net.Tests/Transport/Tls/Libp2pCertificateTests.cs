using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport.Tls;

public sealed class Libp2pCertificateTests
{
    private static readonly DateTimeOffset Now = new ManualClock().GetUtcNow();

    [Theory]
    [InlineData(SpecCertificates.Ed25519, "12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv")]
    [InlineData(SpecCertificates.Ecdsa, "QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE")]
    [InlineData(SpecCertificates.Secp256k1, "16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs")]
    public void A_valid_certificate_of_the_specification_proves_its_peer_id(string certificate, string peer) =>
        Assert.Equal(PeerId.Parse(peer), Libp2pCertificate.Verify(Convert.FromHexString(certificate), Now).ToPeerId());

    [Fact]
    public void The_invalid_certificate_of_the_specification_is_refused_for_its_host_key_signature() =>
        Assert.Equal(HandshakeFailure.CertificateKeySignature, Refusal(Convert.FromHexString(SpecCertificates.Invalid), Now));

    [Fact]
    public void A_certificate_counts_from_its_first_to_its_last_second()
    {
        var der = Convert.FromHexString(SpecCertificates.Ed25519);
        var (first, last) = (new DateTimeOffset(1975, 1, 1, 13, 0, 0, TimeSpan.Zero), new DateTimeOffset(4096, 1, 1, 13, 0, 0, TimeSpan.Zero));

        Libp2pCertificate.Verify(der, first);
        Libp2pCertificate.Verify(der, last);
        Assert.Equal(HandshakeFailure.CertificateDates, Refusal(der, first.AddSeconds(-1)));
        Assert.Equal(HandshakeFailure.CertificateDates, Refusal(der, last.AddSeconds(1)));
    }

    [Theory]
    [InlineData(KeyType.Ed25519)]
    [InlineData(KeyType.Ecdsa)]
    public void What_this_node_makes_proves_its_identity(KeyType type)
    {
        if (type == KeyType.Ed25519 && !NodeIdentity.SupportsEd25519) Assert.Skip("libcrypto was not found.");
        using var identity = NodeIdentity.Generate(type);
        using var certificate = Libp2pCertificate.Create(identity, new ManualClock());

        Assert.Equal(identity.PublicKey, Libp2pCertificate.Verify(certificate.RawDataMemory, Now));
        Assert.Equal(Libp2pCertificate.ExtensionOid, certificate.Extensions[0].Oid!.Value);
    }

    [Fact]
    public void A_certificate_that_is_cut_or_lengthened_anywhere_is_refused()
    {
        var der = Convert.FromHexString(SpecCertificates.Ed25519);
        for (var length = 0; length < der.Length; length++) Refusal(der[..length], Now);
        Refusal([.. der, 0], Now);
    }

    [Fact]
    public void No_changed_bit_goes_unnoticed()
    {
        var der = Convert.FromHexString(SpecCertificates.Ed25519);
        for (var bit = 0; bit < der.Length * 8; bit++)
        {
            var changed = der.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Refusal(changed, Now);
        }
    }

    private static HandshakeFailure Refusal(byte[] der, DateTimeOffset now) =>
        Assert.Throws<HandshakeException>(() => Libp2pCertificate.Verify(der, now)).Failure;
}
