using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Starling.Net.Transport;

/// <summary>The self-signed certificate by which a libp2p peer proves its identity within TLS.</summary>
/// <remarks>libp2p specification <c>tls</c>, sections Peer Authentication and libp2p Public Key Extension.</remarks>
public static class Libp2pCertificate
{
    /// <summary>The object identifier of the libp2p public key extension.</summary>
    public const string ExtensionOid = "1.3.6.1.4.1.53594.1.1";

    /// <summary>How far before its making a certificate is valid, for peers whose clocks are behind.</summary>
    public static readonly TimeSpan Backdated = TimeSpan.FromHours(24);

    private const string KeyUsageOid = "2.5.29.15";
    private const string BasicConstraintsOid = "2.5.29.19";
    private const int ValidYears = 100;

    /// <summary>Makes a P-256 certificate that carries the identity's key. The caller disposes it.</summary>
    /// <param name="identity">Whose key signs the certificate's key.</param>
    /// <param name="clock">The certificate is valid from a day before this clock's time, for a hundred years.</param>
    public static X509Certificate2 Create(NodeIdentity identity, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(clock);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=libp2p", key, HashAlgorithmName.SHA256);
        var signature = identity.Sign(SignedBytes(key.ExportSubjectPublicKeyInfo()));
        request.CertificateExtensions.Add(new X509Extension(ExtensionOid, EncodeExtension(identity.PublicKey, signature), critical: false));
        var now = clock.GetUtcNow();
        var certificate = request.CreateSelfSigned(now - Backdated, now.AddYears(ValidYears));
        if (!OperatingSystem.IsWindows()) return certificate;

        // Windows does TLS only with keys that its key store knows.
        using (certificate) return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    /// <summary>Checks everything that the specification asks of a certificate, and returns the identity that it proves.</summary>
    /// <param name="der">The certificate as it came.</param>
    /// <param name="now">The time to compare its dates with.</param>
    /// <exception cref="HandshakeException">It is refused; <see cref="HandshakeException.Failure"/> says for which reason.</exception>
    public static PublicKey Verify(ReadOnlyMemory<byte> der, DateTimeOffset now)
    {
        CertificateParts parts;
        try
        {
            parts = CertificateParts.Parse(der);
        }
        catch (AsnContentException e)
        {
            throw new HandshakeException(HandshakeFailure.CertificateMalformed, "The peer's certificate is not valid DER.", e);
        }

        foreach (var extension in parts.Extensions)
        {
            if (extension.Critical && extension.Oid is not (ExtensionOid or KeyUsageOid or BasicConstraintsOid))
                throw new HandshakeException(HandshakeFailure.CertificateCriticalExtension, $"The peer's certificate has the critical extension {extension.Oid}, which is not understood.");
        }

        if (now < parts.NotBefore)
            throw new HandshakeException(HandshakeFailure.CertificateDates, $"The peer's certificate is valid only from {parts.NotBefore:u}; it is {now:u} here.");
        if (now > parts.NotAfter)
            throw new HandshakeException(HandshakeFailure.CertificateDates, $"The peer's certificate was valid until {parts.NotAfter:u}; it is {now:u} here.");
        if (!parts.VerifySelfSignature())
            throw new HandshakeException(HandshakeFailure.CertificateSelfSignature, "The self-signature of the peer's certificate does not verify.");
        return VerifyHostKey(parts);
    }

    /// <summary>The extension's value: the host key and its signature over the certificate's key.</summary>
    internal static byte[] EncodeExtension(PublicKey key, ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteOctetString(key.Encoded.Span);
            writer.WriteOctetString(signature);
        }

        return writer.Encode();
    }

    /// <summary>What the host key signs.</summary>
    internal static byte[] SignedBytes(ReadOnlySpan<byte> subjectPublicKeyInfo) => [.. "libp2p-tls-handshake:"u8, .. subjectPublicKeyInfo];

    private static PublicKey VerifyHostKey(CertificateParts parts)
    {
        var found = parts.Extensions.Where(e => e.Oid == ExtensionOid).ToList();
        if (found.Count != 1)
            throw new HandshakeException(HandshakeFailure.CertificateExtension, $"The peer's certificate has {found.Count} libp2p extensions; exactly one is due.");
        ReadOnlyMemory<byte> keyBytes, signature;
        try
        {
            var sequence = new AsnReader(found[0].Value, AsnEncodingRules.DER);
            var content = sequence.ReadSequence();
            sequence.ThrowIfNotEmpty();
            keyBytes = content.ReadOctetString();
            signature = content.ReadOctetString();
            content.ThrowIfNotEmpty();
        }
        catch (AsnContentException e)
        {
            throw new HandshakeException(HandshakeFailure.CertificateExtension, "The libp2p extension of the peer's certificate cannot be read.", e);
        }

        if (!PublicKey.TryDecode(keyBytes.Span, out var key, out var error))
            throw new HandshakeException(HandshakeFailure.CertificateExtension, $"The libp2p extension of the peer's certificate holds an unusable key: {error}");
        if (!key!.Verify(SignedBytes(parts.SubjectPublicKeyInfo.Span), signature.Span))
            throw new HandshakeException(HandshakeFailure.CertificateKeySignature, $"The certificate is not signed by the key of {key.ToPeerId()}, which it claims.");
        return key;
    }
}
