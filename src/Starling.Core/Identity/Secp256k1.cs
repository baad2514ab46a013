using System.Security.Cryptography;

namespace Starling;

/// <summary>ECDSA on secp256k1 with SHA-256 and DER signatures by libcrypto; data formats of the peer-ids spec, "Secp256k1".</summary>
/// <remarks>.NET reads no compressed points, and not every platform's .NET knows the curve.</remarks>
internal static class Secp256k1
{
    private const int PrivateLength = 32;
    private const int CompressedLength = 33;
    private const int MaxSignatureLength = 72;

    private static ReadOnlySpan<byte> PublicHeader =>
        [0x30, 0x36, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a, 0x03, 0x22, 0x00];

    private static ReadOnlySpan<byte> PrivateHeader => [0x30, 0x2e, 0x02, 0x01, 0x01, 0x04, 0x20];

    private static ReadOnlySpan<byte> PrivateTrailer => [0xa0, 0x07, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a];

    internal static unsafe (IVerifier?, string?) Read(byte[] data)
    {
        if (data.Length != CompressedLength || data[0] is not (2 or 3)) return (null, "a secp256k1 key must be a compressed point of 33 bytes");
        if (!LibCrypto.IsAvailable) return (new UnavailableVerifier("secp256k1"), null);
        ReadOnlySpan<byte> der = [.. PublicHeader, .. data];
        fixed (byte* start = der)
        {
            var at = start;
            var key = LibCrypto.d2i_PUBKEY(0, &at, der.Length);
            if (!key.IsInvalid) return (new Verifier(key), null);
            key.Dispose();
            LibCrypto.ERR_clear_error();
            return (null, "the secp256k1 key is no point on the curve");
        }
    }

    internal static unsafe ISigner Import(ReadOnlySpan<byte> data)
    {
        LibCrypto.Require("A secp256k1 identity");
        if (data.Length != PrivateLength) throw new FormatException($"a secp256k1 private key has 32 bytes, not {data.Length}");
        Span<byte> der = [.. PrivateHeader, .. data, .. PrivateTrailer];
        fixed (byte* start = der)
        {
            var at = start;
            var key = LibCrypto.d2i_PrivateKey(LibCrypto.KeyEc, 0, &at, der.Length);
            CryptographicOperations.ZeroMemory(der);
            if (!key.IsInvalid) return new Signer(key, data.ToArray());
            key.Dispose();
            LibCrypto.ERR_clear_error();
            throw new FormatException("the secp256k1 private key is out of range");
        }
    }

    private static unsafe byte[] CompressedPoint(EvpKeyHandle key)
    {
        Span<byte> der = stackalloc byte[128];
        fixed (byte* start = der)
        {
            var at = start;
            var length = LibCrypto.i2d_PUBKEY(key, null) <= der.Length ? LibCrypto.i2d_PUBKEY(key, &at) : 0;
            if (length < 65 || der[length - 65] != 4) throw new StarlingException("libcrypto could not give the secp256k1 public key.");
            var point = der[(length - 65)..length];
            return [(byte)(2 + (point[64] & 1)), .. point[1..33]];
        }
    }

    private sealed class Verifier(EvpKeyHandle key) : IVerifier
    {
        public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
            LibCrypto.Verify(key, LibCrypto.EVP_sha256(), data, signature);
    }

    private sealed class Signer(EvpKeyHandle key, byte[] secret) : ISigner
    {
        public KeyType Type => KeyType.Secp256k1;

        public byte[] PublicData { get; } = CompressedPoint(key);

        public byte[] ExportPrivateData() => [.. secret];

        public byte[] Sign(ReadOnlySpan<byte> data) => LibCrypto.Sign(key, LibCrypto.EVP_sha256(), data, MaxSignatureLength);

        public void Dispose()
        {
            key.Dispose();
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
