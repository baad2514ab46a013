using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Starling;

/// <summary>Verifies signatures with one public key. Safe for several threads.</summary>
internal interface IVerifier
{
    bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature);
}

/// <summary>A private key, as the peer-ids spec describes each type. Signing is safe for several threads.</summary>
internal interface ISigner : IDisposable
{
    KeyType Type { get; }

    /// <summary>The Data field of the public key message.</summary>
    byte[] PublicData { get; }

    /// <summary>The Data field of the private key message; the caller clears it.</summary>
    byte[] ExportPrivateData();

    byte[] Sign(ReadOnlySpan<byte> data);
}

internal static class Verifiers
{
    /// <summary>Checks the Data field of a public key message and makes the key's verifier.</summary>
    internal static bool TryCreate(KeyType type, byte[] data, [NotNullWhen(true)] out IVerifier? verifier, [NotNullWhen(false)] out string? error)
    {
        (verifier, error) = type switch
        {
            KeyType.Ed25519 => Ed25519.Read(data),
            KeyType.Ecdsa => Ecdsa.Read(data),
            KeyType.Rsa => Rsa.Read(data),
            KeyType.Secp256k1 => Secp256k1.Read(data),
            _ => (null, $"key type {(int)type} is unknown"),
        };
        return verifier is not null;
    }
}

internal static class Signers
{
    /// <summary>Reads the Data field of a private key message.</summary>
    /// <exception cref="FormatException">The data is no such key.</exception>
    /// <exception cref="CryptographicException">The data is no such key.</exception>
    internal static ISigner Import(KeyType type, ReadOnlySpan<byte> data) => type switch
    {
        KeyType.Ed25519 => Ed25519.Import(data),
        KeyType.Ecdsa => Ecdsa.Import(data),
        KeyType.Rsa => Rsa.Import(data),
        KeyType.Secp256k1 => Secp256k1.Import(data),
        _ => throw new FormatException($"key type {(int)type} is unknown"),
    };

    internal static ISigner Generate(KeyType type) => type switch
    {
        KeyType.Ed25519 => Ed25519.Generate(),
        KeyType.Ecdsa => Ecdsa.Generate(),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Only Ed25519 and Ecdsa identities are generated."),
    };
}

/// <summary>Stands in where libcrypto is missing: the key has an id, but nothing it signed can be judged.</summary>
internal sealed class UnavailableVerifier(string algorithm) : IVerifier
{
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        LibCrypto.Require($"Verifying {algorithm} signatures");
        return false;
    }
}
