using System.Security.Cryptography;

namespace Starling;

/// <summary>Ed25519 (RFC 8032) by libcrypto; data formats of the peer-ids spec, "Ed25519".</summary>
internal static class Ed25519
{
    private const int KeyLength = 32;
    private const int SignatureLength = 64;

    internal static (IVerifier?, string?) Read(byte[] data)
    {
        if (data.Length != KeyLength) return (null, $"an Ed25519 key has 32 bytes, not {data.Length}");
        return (LibCrypto.IsAvailable ? new Verifier(data) : new UnavailableVerifier("Ed25519"), null);
    }

    internal static ISigner Generate()
    {
        LibCrypto.Require("An Ed25519 identity");
        Span<byte> seed = stackalloc byte[KeyLength];
        RandomSource.System.Fill(seed);
        var signer = new Signer(seed);
        CryptographicOperations.ZeroMemory(seed);
        return signer;
    }

    internal static ISigner FromSeed(ReadOnlySpan<byte> seed)
    {
        LibCrypto.Require("An Ed25519 identity");
        return seed.Length == KeyLength ? new Signer(seed) : throw new FormatException($"an Ed25519 seed has {KeyLength} bytes, not {seed.Length}");
    }

    internal static ISigner Import(ReadOnlySpan<byte> data)
    {
        LibCrypto.Require("An Ed25519 identity");
        // The old form repeats the public key.
        if (data.Length == 3 * KeyLength && data[64..].SequenceEqual(data[32..64])) data = data[..64];
        if (data.Length != 2 * KeyLength) throw new FormatException($"an Ed25519 private key has 64 bytes, not {data.Length}");
        var signer = new Signer(data[..KeyLength]);
        if (data[KeyLength..].SequenceEqual(signer.PublicData)) return signer;
        signer.Dispose();
        throw new FormatException("the public half does not belong to the private half");
    }

    private sealed class Verifier(byte[] data) : IVerifier
    {
        private readonly EvpKeyHandle _key = LibCrypto.RawKey(LibCrypto.KeyEd25519, data, isPrivate: false);

        public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
            signature.Length == SignatureLength && LibCrypto.Verify(_key, 0, data, signature);
    }

    private sealed class Signer : ISigner
    {
        private readonly EvpKeyHandle _key;

        internal Signer(ReadOnlySpan<byte> seed)
        {
            _key = LibCrypto.RawKey(LibCrypto.KeyEd25519, seed, isPrivate: true);
            PublicData = LibCrypto.RawPublicBytes(_key);
        }

        public KeyType Type => KeyType.Ed25519;

        public byte[] PublicData { get; }

        public byte[] ExportPrivateData()
        {
            var data = new byte[2 * KeyLength];
            nuint length = KeyLength;
            if (LibCrypto.EVP_PKEY_get_raw_private_key(_key, data.AsSpan(0, KeyLength), ref length) != 1) throw new StarlingException("libcrypto could not give the private key.");
            PublicData.CopyTo(data, KeyLength);
            return data;
        }

        public byte[] Sign(ReadOnlySpan<byte> data) => LibCrypto.Sign(_key, 0, data, SignatureLength);

        public void Dispose() => _key.Dispose();
    }
}
