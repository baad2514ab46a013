using System.Security.Cryptography;

namespace Starling;

/// <summary>Advanced: a key pair for the X25519 key agreement (RFC 7748) by libcrypto, as Noise needs it. Safe for several threads.</summary>
/// <remarks>A building block of handshakes, not a way to encrypt. Disposing frees the private key.</remarks>
public sealed class X25519Key : IDisposable
{
    /// <summary>The length of private keys, public keys and shared secrets, bytes.</summary>
    public const int Length = 32;

    private readonly EvpKeyHandle _key;
    private readonly byte[] _public;

    private X25519Key(ReadOnlySpan<byte> privateKey)
    {
        _key = LibCrypto.RawKey(LibCrypto.KeyX25519, privateKey, isPrivate: true);
        _public = LibCrypto.RawPublicBytes(_key);
    }

    /// <summary>Whether libcrypto was found, so that keys can be made.</summary>
    public static bool IsSupported => LibCrypto.IsAvailable;

    /// <summary>The public key to send: 32 bytes.</summary>
    public ReadOnlyMemory<byte> PublicKey => _public;

    /// <summary>A new key pair.</summary>
    /// <param name="random">Where the private key comes from; null takes the operating system's generator. Tests pass a seeded source.</param>
    /// <exception cref="StarlingException">libcrypto was not found.</exception>
    public static X25519Key Generate(RandomSource? random = null)
    {
        Span<byte> secret = stackalloc byte[Length];
        (random ?? RandomSource.System).Fill(secret);
        try
        {
            return FromPrivateKey(secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>The key pair of a private key, such as a test vector's. The bytes are copied.</summary>
    /// <exception cref="ArgumentException">There are not 32 bytes.</exception>
    /// <exception cref="StarlingException">libcrypto was not found.</exception>
    public static X25519Key FromPrivateKey(ReadOnlySpan<byte> privateKey)
    {
        if (privateKey.Length != Length) throw new ArgumentException($"A private key has {Length} bytes, not {privateKey.Length}.", nameof(privateKey));
        LibCrypto.Require("X25519");
        return new X25519Key(privateKey);
    }

    /// <summary>Computes the secret that this private key shares with another party's public key.</summary>
    /// <param name="peerPublicKey">Exactly 32 bytes from the other party.</param>
    /// <param name="secret">Receives exactly 32 bytes; the caller clears them.</param>
    /// <returns>False when the other party's key is of small order, so that the secret would be all zero: refuse it.</returns>
    /// <exception cref="ArgumentException">A span does not have 32 bytes.</exception>
    /// <exception cref="ObjectDisposedException">The key was disposed.</exception>
    public bool TryDeriveSecret(ReadOnlySpan<byte> peerPublicKey, Span<byte> secret)
    {
        if (peerPublicKey.Length != Length) throw new ArgumentException($"A public key has {Length} bytes, not {peerPublicKey.Length}.", nameof(peerPublicKey));
        if (secret.Length != Length) throw new ArgumentException($"A secret has {Length} bytes, not {secret.Length}.", nameof(secret));
        using var peer = LibCrypto.RawKey(LibCrypto.KeyX25519, peerPublicKey, isPrivate: false);
        using var context = LibCrypto.EVP_PKEY_CTX_new(_key, 0);
        nuint length = Length;
        var derived = !context.IsInvalid
            && LibCrypto.EVP_PKEY_derive_init(context) == 1
            && LibCrypto.EVP_PKEY_derive_set_peer(context, peer) == 1
            && LibCrypto.EVP_PKEY_derive(context, secret, ref length) == 1
            && length == Length
            && secret.ContainsAnyExcept((byte)0);
        if (derived) return true;
        LibCrypto.ERR_clear_error();
        CryptographicOperations.ZeroMemory(secret);
        return false;
    }

    /// <summary>Frees the private key.</summary>
    public void Dispose() => _key.Dispose();
}
