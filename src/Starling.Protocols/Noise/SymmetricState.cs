using System.Security.Cryptography;

namespace Starling.Protocols.Noise;

/// <summary>The chaining key, the transcript hash and the handshake's current cipher (Noise, section 5.2) with SHA-256.</summary>
internal sealed class SymmetricState : IDisposable
{
    private const int HashLength = SHA256.HashSizeInBytes;

    private readonly byte[] _chainingKey = new byte[HashLength];
    private readonly byte[] _hash = new byte[HashLength];
    private NoiseCipher? _cipher;

    /// <param name="protocolName">Exactly 32 bytes, so that it is the first hash itself.</param>
    /// <param name="prologue">What both sides must agree on beforehand; empty in libp2p.</param>
    public SymmetricState(ReadOnlySpan<byte> protocolName, ReadOnlySpan<byte> prologue)
    {
        protocolName.CopyTo(_hash);
        protocolName.CopyTo(_chainingKey);
        MixHash(prologue);
    }

    public ReadOnlySpan<byte> Hash => _hash;

    /// <summary>How much longer a payload gets: nothing before the first key, a tag after it.</summary>
    public int Overhead => _cipher is null ? 0 : NoiseFrame.TagLength;

    public void MixHash(ReadOnlySpan<byte> data)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(_hash);
        sha.AppendData(data);
        sha.GetHashAndReset(_hash);
    }

    public void MixKey(ReadOnlySpan<byte> secret)
    {
        Span<byte> keys = stackalloc byte[2 * HashLength];
        Derive(secret, keys);
        keys[..HashLength].CopyTo(_chainingKey);
        _cipher?.Dispose();
        _cipher = new NoiseCipher(keys[HashLength..]);
        CryptographicOperations.ZeroMemory(keys);
    }

    public void EncryptAndHash(ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        if (_cipher is { } cipher) cipher.Encrypt(plaintext, _hash, output);
        else plaintext.CopyTo(output);
        MixHash(output);
    }

    public bool TryDecryptAndHash(ReadOnlySpan<byte> message, Span<byte> output)
    {
        if (_cipher is null) message.CopyTo(output);
        else if (!_cipher.TryDecrypt(message, _hash, output)) return false;
        MixHash(message);
        return true;
    }

    /// <summary>The two transport ciphers: the initiator's sending direction first.</summary>
    public (NoiseCipher FromInitiator, NoiseCipher FromResponder) Split()
    {
        Span<byte> keys = stackalloc byte[2 * HashLength];
        Derive([], keys);
        var ciphers = (new NoiseCipher(keys[..HashLength]), new NoiseCipher(keys[HashLength..]));
        CryptographicOperations.ZeroMemory(keys);
        return ciphers;
    }

    public void Dispose()
    {
        _cipher?.Dispose();
        CryptographicOperations.ZeroMemory(_chainingKey);
    }

    // Noise's HKDF is RFC 5869 with the chaining key as salt and no info. Extracted by hand, as OpenSSL's refuses the empty secret of a split.
    private void Derive(ReadOnlySpan<byte> secret, Span<byte> keys)
    {
        Span<byte> extracted = stackalloc byte[HashLength];
        HMACSHA256.HashData(_chainingKey, secret, extracted);
        HKDF.Expand(HashAlgorithmName.SHA256, extracted, keys, []);
        CryptographicOperations.ZeroMemory(extracted);
    }
}
