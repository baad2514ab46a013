using System.Security.Cryptography;

namespace Starling;

/// <summary>ECDSA with SHA-256 and DER signatures by .NET; data formats of the peer-ids spec, "ECDSA".</summary>
internal static class Ecdsa
{
    /// <summary>The DER of a public key up to its point, per curve. Comparing it admits exactly one encoding of each key
    /// and keeps explicit curve parameters, chosen by an attacker, away from the parser.</summary>
    private static readonly (byte[] Header, int Length)[] Curves =
    [
        (Convert.FromHexString("3059301306072a8648ce3d020106082a8648ce3d03010703420004"), 91), // P-256
        (Convert.FromHexString("3076301006072a8648ce3d020106052b8104002203620004"), 120), // P-384
        (Convert.FromHexString("30819b301006072a8648ce3d020106052b810400230381860004"), 158), // P-521
    ];

    internal static (IVerifier?, string?) Read(byte[] data)
    {
        if (!Array.Exists(Curves, curve => data.Length == curve.Length && data.AsSpan().StartsWith(curve.Header)))
            return (null, "an ECDSA key must be the DER of an uncompressed point on P-256, P-384 or P-521");
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(data, out _);
            return (new Verifier(key), null);
        }
        catch (CryptographicException e)
        {
            key.Dispose();
            return (null, $"the ECDSA key is no point on its curve ({e.Message})");
        }
    }

    internal static ISigner Generate() => new Signer(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    internal static ISigner Import(ReadOnlySpan<byte> data)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportECPrivateKey(data, out var read);
            if (read != data.Length) throw new FormatException("bytes follow the ECDSA key");
            return new Signer(key);
        }
        catch (PlatformNotSupportedException e)
        {
            key.Dispose();
            throw new FormatException("the ECDSA key's curve is unknown here", e);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private sealed class Verifier(ECDsa key) : IVerifier
    {
        private readonly Lock _gate = new();

        public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
        {
            lock (_gate) return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
    }

    private sealed class Signer(ECDsa key) : ISigner
    {
        private readonly Lock _gate = new();

        public KeyType Type => KeyType.Ecdsa;

        public byte[] PublicData { get; } = key.ExportSubjectPublicKeyInfo();

        public byte[] ExportPrivateData()
        {
            lock (_gate) return key.ExportECPrivateKey();
        }

        public byte[] Sign(ReadOnlySpan<byte> data)
        {
            lock (_gate) return key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }

        public void Dispose()
        {
            lock (_gate) key.Dispose();
        }
    }
}
