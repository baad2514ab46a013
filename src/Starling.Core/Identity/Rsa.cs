using System.Security.Cryptography;

namespace Starling;

/// <summary>RSASSA-PKCS1-v1_5 with SHA-256 by .NET; data formats of the peer-ids spec, "RSA".</summary>
internal static class Rsa
{
    private const int MinBits = 2048;
    private const int MaxBits = 8192;

    /// <summary>An 8,192-bit key with a 31-bit exponent takes under 1,070 bytes.</summary>
    private const int MaxLength = 1100;

    internal static (IVerifier?, string?) Read(byte[] data)
    {
        if (data.Length > MaxLength) return (null, $"an RSA key of {data.Length} bytes is larger than {MaxBits} bits");
        var key = RSA.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(data, out var read);
            var error = Judge(key) ?? (read == data.Length && key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(data)
                ? null
                : "the RSA key is not in DER");
            if (error is null) return (new Verifier(key), null);
            key.Dispose();
            return (null, error);
        }
        catch (CryptographicException e)
        {
            key.Dispose();
            return (null, $"the RSA key cannot be read ({e.Message})");
        }
    }

    internal static ISigner Import(ReadOnlySpan<byte> data)
    {
        var key = RSA.Create();
        try
        {
            key.ImportRSAPrivateKey(data, out var read);
            if (read != data.Length) throw new FormatException("bytes follow the RSA key");
            if (Judge(key) is { } error) throw new FormatException(error);
            return new Signer(key);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private static string? Judge(RSA key)
    {
        if (key.KeySize is < MinBits or > MaxBits) return $"an RSA key of {key.KeySize} bits is outside {MinBits} to {MaxBits}";
        var exponent = key.ExportParameters(includePrivateParameters: false).Exponent!;
        // A long exponent makes every verification as dear as a signature.
        return exponent.Length > 4 ? "the RSA key's public exponent is longer than 32 bits" : null;
    }

    private sealed class Verifier(RSA key) : IVerifier
    {
        private readonly Lock _gate = new();

        public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
        {
            lock (_gate) return key.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
    }

    private sealed class Signer(RSA key) : ISigner
    {
        private readonly Lock _gate = new();

        public KeyType Type => KeyType.Rsa;

        public byte[] PublicData { get; } = key.ExportSubjectPublicKeyInfo();

        public byte[] ExportPrivateData()
        {
            lock (_gate) return key.ExportRSAPrivateKey();
        }

        public byte[] Sign(ReadOnlySpan<byte> data)
        {
            lock (_gate) return key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }

        public void Dispose()
        {
            lock (_gate) key.Dispose();
        }
    }
}
