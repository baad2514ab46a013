namespace Starling;

/// <summary>A node's own key pair: what its peer id names and its signatures prove. Safe for several threads.</summary>
/// <remarks>Disposing frees the private key; signing then throws <see cref="ObjectDisposedException"/>, the public key stays.</remarks>
public sealed class NodeIdentity : IDisposable
{
    private readonly ISigner _signer;

    private NodeIdentity(ISigner signer)
    {
        _signer = signer;
        if (!Starling.PublicKey.TryCreate(signer.Type, signer.PublicData, out var key, out var error))
        {
            signer.Dispose();
            throw new StarlingException($"The private key has no usable public key: {error}.");
        }

        PublicKey = key;
        PeerId = key.ToPeerId();
    }

    /// <summary>Whether Ed25519, the key that every libp2p reads, works here: libcrypto of OpenSSL 3 or 1.1.1 was found.</summary>
    public static bool SupportsEd25519 => LibCrypto.IsAvailable;

    /// <summary>The public key.</summary>
    public PublicKey PublicKey { get; }

    /// <summary>The id that belongs to the key.</summary>
    public PeerId PeerId { get; }

    /// <summary>A new identity: Ed25519 where <see cref="SupportsEd25519"/>, else ECDSA on P-256.</summary>
    public static NodeIdentity Generate() => Generate(SupportsEd25519 ? KeyType.Ed25519 : KeyType.Ecdsa);

    /// <summary>A new identity of the given kind.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The kind is neither Ed25519 nor Ecdsa.</exception>
    /// <exception cref="StarlingException">Ed25519 was asked for where libcrypto was not found.</exception>
    public static NodeIdentity Generate(KeyType type) => new(Signers.Generate(type));

    /// <summary>Reads the Data of a private key as the peer-ids spec describes it for each kind.</summary>
    /// <param name="type">The kind of key.</param>
    /// <param name="data">The Data field, not the whole message. Copied.</param>
    /// <exception cref="StarlingException">It is no such key.</exception>
    public static NodeIdentity Import(KeyType type, ReadOnlySpan<byte> data)
    {
        try
        {
            return new(Signers.Import(type, data));
        }
        catch (Exception e) when (e is FormatException or System.Security.Cryptography.CryptographicException)
        {
            throw new StarlingException($"The private key is invalid: {e.Message}.", e);
        }
    }

    /// <summary>The Ed25519 identity of a seed: the 32 bytes that RFC 8032 calls the private key, as PKCS #8 files hold them.</summary>
    /// <exception cref="StarlingException">The seed has another length, or libcrypto was not found.</exception>
    public static NodeIdentity ImportEd25519Seed(ReadOnlySpan<byte> seed)
    {
        try
        {
            return new(Ed25519.FromSeed(seed));
        }
        catch (FormatException e)
        {
            throw new StarlingException($"The private key is invalid: {e.Message}.", e);
        }
    }

    /// <summary>Loads the key file, or creates one with a new identity when there is none. Processes that race agree on one identity.</summary>
    /// <param name="path">The file; missing directories are created for this user only.</param>
    /// <exception cref="StarlingException">As <see cref="Load"/> and <see cref="Save"/>.</exception>
    public static NodeIdentity LoadOrCreate(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Path.Exists(path)) return Load(path);
        var created = Generate();
        try
        {
            if (KeyFile.TryCreate(path, created._signer)) return created;
        }
        catch
        {
            created.Dispose();
            throw;
        }

        created.Dispose();
        return Load(path);
    }

    /// <summary>Loads a key file: the PrivateKey message of the peer-ids spec, of any kind, with mode 0600 or stricter (not checked on Windows).</summary>
    /// <exception cref="StarlingException">The file is missing, open to other users, empty, damaged or no key file; the message names the file, what is wrong and what to do.</exception>
    public static NodeIdentity Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(KeyFile.Load(path));
    }

    /// <summary>Saves the private key in a new file with mode 0600, whole or not at all. Never overwrites.</summary>
    /// <exception cref="StarlingException">There is a file already, or the place cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!KeyFile.TryCreate(path, _signer)) throw new StarlingException($"There is a file '{path}' already, and identities are never overwritten. Name another file, or move that one away.");
    }

    /// <summary>Signs data, hashing it as the key's scheme says.</summary>
    /// <returns>The signature as the peer-ids spec encodes it for the key's kind: 64 bytes for Ed25519, DER for ECDSA.</returns>
    public byte[] Sign(ReadOnlySpan<byte> data) => _signer.Sign(data);

    /// <summary>Frees the private key.</summary>
    public void Dispose() => _signer.Dispose();
}
