using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Starling.Messages;

namespace Starling;

/// <summary>The kinds of identity keys (peer-ids spec, "Key Types"); the numbers are those of the wire.</summary>
public enum KeyType
{
    /// <summary>RSA of 2,048 to 8,192 bits, PKCS#1 v1.5 signatures over SHA-256. Read, never generated.</summary>
    Rsa = 0,

    /// <summary>Ed25519: what every libp2p speaks. Needs libcrypto.</summary>
    Ed25519 = 1,

    /// <summary>ECDSA on Bitcoin's curve over SHA-256. Read, never generated. Needs libcrypto.</summary>
    Secp256k1 = 2,

    /// <summary>ECDSA on P-256 (P-384 and P-521 are read as well) over SHA-256.</summary>
    Ecdsa = 3,
}

/// <summary>A peer's public key. Immutable and safe for several threads; equal when the canonical encodings are.</summary>
/// <remarks>Native handles behind it are freed with the object.</remarks>
public sealed class PublicKey : IEquatable<PublicKey>
{
    /// <summary>The longest encoding that is read, bytes: an RSA key of 8,192 bits fits.</summary>
    public const int MaxEncodedLength = 1200;

    private readonly byte[] _encoded;
    private readonly IVerifier _verifier;
    private PeerId? _id;

    private PublicKey(KeyType type, byte[] encoded, IVerifier verifier)
    {
        Type = type;
        _encoded = encoded;
        _verifier = verifier;
    }

    /// <summary>The kind of key.</summary>
    public KeyType Type { get; }

    /// <summary>The deterministic protobuf encoding (peer-ids spec, "Keys"), whatever form was decoded.</summary>
    public ReadOnlyMemory<byte> Encoded => _encoded;

    /// <summary>Whether <see cref="Verify"/> works here: false for Ed25519 and secp256k1 where libcrypto was not found.</summary>
    public bool CanVerify => _verifier is not UnavailableVerifier;

    /// <summary>Decodes the protobuf encoding.</summary>
    /// <exception cref="ProtocolViolationException">It is malformed, or the key is of an unsupported kind or size; the message says which.</exception>
    public static PublicKey Decode(ReadOnlySpan<byte> protobuf) =>
        TryDecode(protobuf, out var key, out var error) ? key : throw new ProtocolViolationException($"The public key is invalid: {error}.");

    /// <summary>Decodes the protobuf encoding, or says in part of a sentence what is wrong with it.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> protobuf, [NotNullWhen(true)] out PublicKey? key, [NotNullWhen(false)] out string? error)
    {
        key = null;
        if (protobuf.Length > MaxEncodedLength)
        {
            error = $"{protobuf.Length} bytes are more than the {MaxEncodedLength} that a key may have";
            return false;
        }

        PublicKeyMessage message;
        try
        {
            message = PublicKeyMessage.Parser.ParseFrom(protobuf);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or IndexOutOfRangeException or ArgumentException)
        {
            error = $"the protobuf cannot be read ({e.Message})";
            return false;
        }

        if (!message.HasType || !message.HasData)
        {
            error = "the type is unknown, or type or data are missing";
            return false;
        }

        return TryCreate((KeyType)message.Type, message.Data.ToByteArray(), out key, out error);
    }

    internal static bool TryCreate(KeyType type, byte[] data, [NotNullWhen(true)] out PublicKey? key, [NotNullWhen(false)] out string? error)
    {
        key = null;
        if (!Verifiers.TryCreate(type, data, out var verifier, out error)) return false;
        var canonical = new PublicKeyMessage { Type = (KeyTypeMessage)type, Data = UnsafeByteOperations.UnsafeWrap(data) };
        key = new PublicKey(type, canonical.ToByteArray(), verifier);
        return true;
    }

    /// <summary>Whether the signature over the data (hashed as the key's scheme says) was made by this key. Never throws for bad signatures.</summary>
    /// <exception cref="StarlingException">Signatures of this kind cannot be judged here: <see cref="CanVerify"/> is false.</exception>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => _verifier.Verify(data, signature);

    /// <summary>The id that belongs to the key.</summary>
    public PeerId ToPeerId() => _id ??= PeerId.FromPublicKey(this);

    /// <inheritdoc/>
    public bool Equals(PublicKey? other) => other is not null && _encoded.AsSpan().SequenceEqual(other._encoded);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_encoded);
        return hash.ToHashCode();
    }

    /// <summary>The kind and the id, such as <c>Ed25519 12D3KooW…</c>.</summary>
    public override string ToString() => $"{Type} {ToPeerId()}";
}
