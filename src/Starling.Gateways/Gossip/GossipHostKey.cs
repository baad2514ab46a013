using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Starling.Gateways.Gossip;

/// <summary>Reads the key file that <c>hostkey</c> names: PEM with an RSA, Ed25519 or ECDSA private key, or an identity file of Starling.</summary>
/// <remarks>A VoidPhone hostkey is RSA in PEM; the node then has the peer id of that key, which libp2p peers read as well.</remarks>
public static class GossipHostKey
{
    private const int MaxBytes = 64 << 10;
    private const string Ed25519Oid = "1.3.101.112";
    private const string RsaOid = "1.2.840.113549.1.1.1";
    private const string EcOid = "1.2.840.10045.2.1";

    /// <summary>Loads a key file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The identity; the caller's to dispose, after the node.</returns>
    /// <exception cref="StarlingException">It cannot be read, or holds no private key that can be used; the message says what to do.</exception>
    public static NodeIdentity Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            if (Directory.Exists(path)) throw new StarlingException($"The hostkey {path} is a directory; name the file of a private key.");
            if (!File.Exists(path)) throw new StarlingException($"The hostkey {path} does not exist; name the file of a private key, or make one: openssl genpkey -algorithm ed25519 -out {path}");
            if (new FileInfo(path).Length > MaxBytes) throw new StarlingException($"The hostkey {path} has more than {MaxBytes} bytes and is no key; name the right file.");
            var text = File.ReadAllText(path);
            return text.Contains("-----BEGIN", StringComparison.Ordinal) ? Import(text, path) : NodeIdentity.Load(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The hostkey {path} cannot be read: {error.Message}", error);
        }
    }

    private static NodeIdentity Import(string text, string path)
    {
        var rest = text.AsSpan();
        string? unfit = null;
        while (PemEncoding.TryFind(rest, out var fields))
        {
            var label = rest[fields.Label].ToString();
            var data = new byte[fields.DecodedDataLength];
            if (!Convert.TryFromBase64Chars(rest[fields.Base64Data], data, out _)) break;
            try
            {
                switch (label)
                {
                    case "RSA PRIVATE KEY": return NodeIdentity.Import(KeyType.Rsa, data);
                    case "EC PRIVATE KEY": return NodeIdentity.Import(KeyType.Ecdsa, data);
                    case "PRIVATE KEY": return ImportPkcs8(data, path);
                    case "ENCRYPTED PRIVATE KEY": throw new StarlingException($"The hostkey {path} is encrypted; decrypt it: openssl pkey -in {path} -out NEW.pem");
                    default: unfit = label; break;
                }
            }
            catch (Exception error) when (error is CryptographicException or AsnContentException)
            {
                throw new StarlingException($"The hostkey {path} is damaged: {error.Message}", error);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(data);
            }

            rest = rest[fields.Location.End..];
        }

        throw new StarlingException($"The hostkey {path} holds no private key{(unfit is null ? "" : $" but a {unfit}")}; name a PEM file with a private key, as openssl genpkey makes it.");
    }

    private static NodeIdentity ImportPkcs8(byte[] data, string path)
    {
        // PKCS #8, RFC 5208: version, algorithm, key.
        var outer = new AsnReader(data, AsnEncodingRules.DER).ReadSequence();
        outer.ReadInteger();
        var algorithm = outer.ReadSequence().ReadObjectIdentifier();
        var key = outer.ReadOctetString();
        switch (algorithm)
        {
            case RsaOid:
                return NodeIdentity.Import(KeyType.Rsa, key);
            case EcOid:
                using (var curve = ECDsa.Create())
                {
                    curve.ImportPkcs8PrivateKey(data, out _);
                    return NodeIdentity.Import(KeyType.Ecdsa, curve.ExportECPrivateKey());
                }

            case Ed25519Oid:
                return NodeIdentity.ImportEd25519Seed(AsnDecoder.ReadOctetString(key, AsnEncodingRules.DER, out _));
            default:
                throw new StarlingException($"The hostkey {path} is of a kind ({algorithm}) that peers cannot read; use Ed25519, RSA or ECDSA: openssl genpkey -algorithm ed25519 -out NEW.pem");
        }
    }
}
