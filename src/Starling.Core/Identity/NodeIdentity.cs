namespace Starling;

/// <summary>placeholder surface; the identity part fills it in</summary>
public sealed class NodeIdentity : IDisposable
{
    /// <summary>Key.</summary>
    public PublicKey PublicKey => throw new NotSupportedException();
    /// <summary>Id.</summary>
    public PeerId PeerId => throw new NotSupportedException();
    /// <summary>Ed25519 where libcrypto is found, else ECDSA P-256.</summary>
    public static NodeIdentity Generate() => throw new NotSupportedException();
    /// <summary>The given type (Ed25519 or Ecdsa).</summary>
    public static NodeIdentity Generate(KeyType type) => throw new NotSupportedException();
    /// <summary>Loads the key file, or creates it atomically with mode 0600.</summary>
    public static NodeIdentity LoadOrCreate(string path) => throw new NotSupportedException();
    /// <summary>Loads the key file.</summary>
    public static NodeIdentity Load(string path) => throw new NotSupportedException();
    /// <summary>Saves atomically, mode 0600; never overwrites.</summary>
    public void Save(string path) => throw new NotSupportedException();
    /// <summary>Signs data.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data) => throw new NotSupportedException();
    /// <inheritdoc/>
    public void Dispose() { }
}
