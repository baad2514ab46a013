namespace Starling;

/// <summary>placeholder surface; the identity part fills it in</summary>
public enum KeyType
{ /// <summary>RSA</summary>
    Rsa = 0, /// <summary>Ed25519</summary>
    Ed25519 = 1, /// <summary>secp256k1</summary>
    Secp256k1 = 2, /// <summary>ECDSA</summary>
    Ecdsa = 3
}

/// <summary>placeholder</summary>
public sealed class PublicKey : IEquatable<PublicKey>
{
    /// <summary>Type.</summary>
    public KeyType Type => throw new NotSupportedException();
    /// <summary>The protobuf encoding (peer-ids spec).</summary>
    public ReadOnlyMemory<byte> Encoded => throw new NotSupportedException();
    /// <summary>Decodes the protobuf; ProtocolViolationException when malformed.</summary>
    public static PublicKey Decode(ReadOnlySpan<byte> protobuf) => throw new NotSupportedException();
    /// <summary>Decodes, or says what is wrong.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> protobuf, out PublicKey? key, out string? error) => throw new NotSupportedException();
    /// <summary>Verifies a signature over data (hashing as the key type's scheme says).</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => throw new NotSupportedException();
    /// <summary>The id.</summary>
    public PeerId ToPeerId() => PeerId.FromPublicKey(this);
    /// <inheritdoc/>
    public bool Equals(PublicKey? other) => throw new NotSupportedException();
    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PublicKey);
    /// <inheritdoc/>
    public override int GetHashCode() => throw new NotSupportedException();
}
