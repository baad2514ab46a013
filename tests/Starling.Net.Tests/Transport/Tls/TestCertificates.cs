using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport.Tls;

/// <summary>Makes certificates as libp2p wants them, except for what a test changes.</summary>
internal sealed class TestCertificates(NodeIdentity identity, DateTimeOffset now)
{
    public TimeSpan Begins { get; set; } = TimeSpan.FromDays(-1);

    public TimeSpan Ends { get; set; } = TimeSpan.FromDays(1);

    /// <summary>What the identity signs, given what it should sign.</summary>
    public Func<byte[], byte[]> Signed { get; set; } = right => right;

    /// <summary>The libp2p extension's value, given the right one; null leaves the extension out.</summary>
    public Func<byte[], byte[]?> Extension { get; set; } = right => right;

    public bool ExtensionIsCritical { get; set; }

    public IEnumerable<X509Extension> Others { get; set; } = [];

    /// <summary>Whether another key than the certificate's own signs it.</summary>
    public bool SignedByAnotherKey { get; set; }

    public X509Certificate2 Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        var signature = identity.Sign(Signed(Libp2pCertificate.SignedBytes(key.ExportSubjectPublicKeyInfo())));
        if (Extension(Libp2pCertificate.EncodeExtension(identity.PublicKey, signature)) is { } value)
            request.CertificateExtensions.Add(new X509Extension(Libp2pCertificate.ExtensionOid, value, ExtensionIsCritical));
        foreach (var other in Others) request.CertificateExtensions.Add(other);
        if (!SignedByAnotherKey) return request.CreateSelfSigned(now + Begins, now + Ends);
        using var another = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var bare = request.Create(request.SubjectName, X509SignatureGenerator.CreateForECDsa(another), now + Begins, now + Ends, [1, 2, 3]);
        return bare.CopyWithPrivateKey(key);
    }

    /// <summary>A certificate that another one issued, and that other one, so that a TLS library sends both.</summary>
    public (X509Certificate2 Leaf, X509Certificate2 Issuer) MakeTwo()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issuerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var issuer = new CertificateRequest("CN=issuer", issuerKey, HashAlgorithmName.SHA256);
        issuer.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var leaf = new CertificateRequest("CN=leaf", leafKey, HashAlgorithmName.SHA256);
        using var bare = leaf.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuerKey), now + Begins, now + Ends, [1]);
        return (
            bare.CopyWithPrivateKey(leafKey),
            issuer.Create(new X500DistinguishedName("CN=root"), X509SignatureGenerator.CreateForECDsa(rootKey), now + Begins, now + Ends, [2]));
    }
}
