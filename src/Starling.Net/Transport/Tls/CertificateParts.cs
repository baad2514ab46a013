using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Starling.Net.Transport;

/// <summary>One extension of a certificate.</summary>
internal readonly record struct CertificateExtension(string Oid, bool Critical, ReadOnlyMemory<byte> Value);

/// <summary>The parts of an X.509 certificate (RFC 5280, section 4.1) that libp2p looks at, sliced from its DER and not yet believed.</summary>
internal sealed class CertificateParts
{
    /// <summary>Extensions that are looked at; a certificate with more is malformed.</summary>
    private const int MaxExtensions = 32;

    public required ReadOnlyMemory<byte> SignedPart { get; init; }

    public required string SignatureAlgorithm { get; init; }

    public required ReadOnlyMemory<byte> Signature { get; init; }

    public required ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    public required IReadOnlyList<CertificateExtension> Extensions { get; init; }

    /// <exception cref="AsnContentException">The certificate is malformed.</exception>
    public static CertificateParts Parse(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var signedPart = certificate.PeekEncodedValue();
        var body = certificate.ReadSequence();
        var outerAlgorithm = certificate.PeekEncodedValue();
        certificate.ReadSequence();
        var signature = certificate.ReadBitString(out var unused);
        certificate.ThrowIfNotEmpty();
        if (unused != 0) throw new AsnContentException("The signature is not whole bytes.");

        SkipVersion(body);
        body.ReadInteger();
        var algorithm = body.ReadEncodedValue();
        if (!algorithm.Span.SequenceEqual(outerAlgorithm.Span)) throw new AsnContentException("The two signature algorithms differ.");
        body.ReadSequence();
        var validity = body.ReadSequence();
        var (notBefore, notAfter) = (ReadTime(validity), ReadTime(validity));
        validity.ThrowIfNotEmpty();
        body.ReadSequence();
        var key = body.ReadEncodedValue();
        return new CertificateParts
        {
            SignedPart = signedPart,
            SignatureAlgorithm = new AsnReader(algorithm, AsnEncodingRules.DER).ReadSequence().ReadObjectIdentifier(),
            Signature = signature,
            SubjectPublicKeyInfo = key,
            NotBefore = notBefore,
            NotAfter = notAfter,
            Extensions = ReadExtensions(body),
        };
    }

    /// <summary>Whether the certificate's own key signed it.</summary>
    /// <exception cref="HandshakeException">The key or the signature algorithm is not supported.</exception>
    public bool VerifySelfSignature()
    {
        try
        {
            return SignatureAlgorithm switch
            {
                "1.2.840.10045.4.3.2" => VerifyEcdsa(HashAlgorithmName.SHA256),
                "1.2.840.10045.4.3.3" => VerifyEcdsa(HashAlgorithmName.SHA384),
                "1.2.840.10045.4.3.4" => VerifyEcdsa(HashAlgorithmName.SHA512),
                "1.2.840.113549.1.1.11" => VerifyRsa(HashAlgorithmName.SHA256),
                "1.2.840.113549.1.1.12" => VerifyRsa(HashAlgorithmName.SHA384),
                "1.2.840.113549.1.1.13" => VerifyRsa(HashAlgorithmName.SHA512),
                _ => throw new HandshakeException(HandshakeFailure.CertificateMalformed, $"The peer's certificate is signed by the unsupported algorithm {SignatureAlgorithm}."),
            };
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException)
        {
            // .NET reports a key that lies on no curve it knows as a platform's limit.
            throw new HandshakeException(HandshakeFailure.CertificateMalformed, "The key of the peer's certificate cannot be used.", e);
        }
    }

    private static void SkipVersion(AsnReader body)
    {
        var version = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        if (body.PeekTag() == version) body.ReadSequence(version);
    }

    private static DateTimeOffset ReadTime(AsnReader validity) =>
        validity.PeekTag() == Asn1Tag.UtcTime ? validity.ReadUtcTime() : validity.ReadGeneralizedTime();

    private static List<CertificateExtension> ReadExtensions(AsnReader body)
    {
        var found = new List<CertificateExtension>();
        var extensions = new Asn1Tag(TagClass.ContextSpecific, 3, isConstructed: true);
        while (body.HasData)
        {
            // What stands before the extensions are the two deprecated unique ids, which may be ignored.
            if (body.PeekTag() != extensions)
            {
                body.ReadEncodedValue();
                continue;
            }

            var list = body.ReadSequence(extensions).ReadSequence();
            body.ThrowIfNotEmpty();
            while (list.HasData)
            {
                if (found.Count == MaxExtensions) throw new AsnContentException("The certificate has too many extensions.");
                var extension = list.ReadSequence();
                var oid = extension.ReadObjectIdentifier();
                var critical = extension.PeekTag() == Asn1Tag.Boolean && extension.ReadBoolean();
                found.Add(new CertificateExtension(oid, critical, extension.ReadOctetString()));
                extension.ThrowIfNotEmpty();
            }
        }

        return found;
    }

    private bool VerifyEcdsa(HashAlgorithmName hash)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(SubjectPublicKeyInfo.Span, out _);
        return key.VerifyData(SignedPart.Span, Signature.Span, hash, DSASignatureFormat.Rfc3279DerSequence);
    }

    private bool VerifyRsa(HashAlgorithmName hash)
    {
        using var key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(SubjectPublicKeyInfo.Span, out _);
        return key.VerifyData(SignedPart.Span, Signature.Span, hash, RSASignaturePadding.Pkcs1);
    }
}
