using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Starling;

/// <summary>A peer's name: the multihash of its public key (peer-ids spec, "Peer Ids"). Immutable; ordered and equal by its bytes.</summary>
/// <remarks>Keys whose encoding has at most 42 bytes (Ed25519, secp256k1) are inlined whole; longer ones are named by their SHA-256.</remarks>
public sealed class PeerId : IEquatable<PeerId>, IComparable<PeerId>
{
    /// <summary>The longest id, bytes: an inlined key of 42.</summary>
    public const int MaxLength = 2 + MaxInlineLength;

    private const int MaxInlineLength = 42;
    private const byte Identity = 0x00;
    private const byte Sha256 = 0x12;

    /// <summary>Version 1 and the multicodec libp2p-key.</summary>
    private const int CidHeaderLength = 2;

    /// <summary>More than the longest text of any form, base16, takes.</summary>
    private const int MaxTextLength = 128;

    private readonly byte[] _multihash;
    private readonly int _hashCode;
    private string? _text;
    private PublicKey? _inlineKey;

    private PeerId(byte[] multihash)
    {
        _multihash = multihash;
        var hash = new HashCode();
        hash.AddBytes(multihash);
        _hashCode = hash.ToHashCode();
    }

    private static ReadOnlySpan<byte> CidHeader => [0x01, 0x72];

    /// <summary>The multihash: the binary form that protocols carry.</summary>
    public ReadOnlySpan<byte> Bytes => _multihash;

    /// <summary>The id of a key.</summary>
    public static PeerId FromPublicKey(PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var encoded = key.Encoded.Span;
        if (encoded.Length <= MaxInlineLength) return new PeerId([Identity, (byte)encoded.Length, .. encoded]) { _inlineKey = key };
        return new PeerId([Sha256, SHA256.HashSizeInBytes, .. SHA256.HashData(encoded)]);
    }

    /// <summary>Reads multihash bytes.</summary>
    /// <exception cref="FormatException">The bytes are no peer id; the message says why.</exception>
    public static PeerId FromBytes(ReadOnlySpan<byte> multihash) =>
        Judge(multihash) is { } error ? throw new FormatException($"The peer id is invalid: {error}.") : new PeerId(multihash.ToArray());

    /// <summary>Reads multihash bytes.</summary>
    public static bool TryFromBytes(ReadOnlySpan<byte> multihash, [NotNullWhen(true)] out PeerId? id)
    {
        id = Judge(multihash) is null ? new PeerId(multihash.ToArray()) : null;
        return id is not null;
    }

    /// <summary>Parses an id as base58btc (<c>12D3KooW…</c>, <c>Qm…</c>) or as a CIDv1 of a libp2p key (<c>bafz…</c>, and in base58btc or base16).</summary>
    /// <exception cref="FormatException">The text is no peer id; the message says why.</exception>
    public static PeerId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var id, out var error) ? id : throw new FormatException($"The peer id '{Quote.Text(text)}' is invalid: {error}.");
    }

    /// <summary>Parses an id in any of its text forms, or says in part of a sentence what is wrong.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PeerId? id, [NotNullWhen(false)] out string? error)
    {
        id = null;
        error = text switch
        {
            null or "" => "it is empty",
            { Length: > MaxTextLength } => $"{text.Length} characters are more than the {MaxTextLength} that an id may have",
            _ => null,
        };
        if (error is not null) return false;

        Span<byte> buffer = stackalloc byte[MaxTextLength];
        int length;
        if (text![0] == '1' || text.StartsWith("Qm", StringComparison.Ordinal))
        {
            if (!Base58.TryDecode(text, buffer, out length, out error)) return false;
        }
        else
        {
            if (!Multibase.TryDecode(text, buffer, out length, out error)) return false;
            if (length < CidHeaderLength || !buffer[..CidHeaderLength].SequenceEqual(CidHeader))
            {
                error = "the CID is not version 1 with the codec libp2p-key";
                return false;
            }

            buffer[CidHeaderLength..length].CopyTo(buffer);
            length -= CidHeaderLength;
        }

        error = Judge(buffer[..length]);
        if (error is not null) return false;
        id = new PeerId(buffer[..length].ToArray());
        return true;
    }

    /// <summary>The key, when the id inlines a readable one.</summary>
    public bool TryGetInlineKey([NotNullWhen(true)] out PublicKey? key)
    {
        if (_inlineKey is null && _multihash[0] == Identity && PublicKey.TryDecode(_multihash.AsSpan(2), out var read, out _)) _inlineKey = read;
        key = _inlineKey;
        return key is not null;
    }

    /// <summary>The id as a CIDv1 in base32, such as <c>bafz…</c>.</summary>
    public string ToCid() => "b" + Base32.Encode([.. CidHeader, .. _multihash]);

    /// <summary>The id in base58btc: the form that users see and the specs prefer.</summary>
    public override string ToString() => _text ??= Base58.Encode(_multihash);

    /// <inheritdoc/>
    public bool Equals(PeerId? other) =>
        ReferenceEquals(this, other) || (other is not null && _hashCode == other._hashCode && other._multihash.AsSpan().SequenceEqual(_multihash));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PeerId);

    /// <inheritdoc/>
    public override int GetHashCode() => _hashCode;

    /// <summary>Orders by the bytes, shorter first where one begins the other; nothing comes before null.</summary>
    public int CompareTo(PeerId? other) => other is null ? 1 : _multihash.AsSpan().SequenceCompareTo(other._multihash);

    /// <summary>Whether both are the same id.</summary>
    public static bool operator ==(PeerId? left, PeerId? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether the ids differ.</summary>
    public static bool operator !=(PeerId? left, PeerId? right) => !(left == right);

    private static string? Judge(ReadOnlySpan<byte> multihash)
    {
        if (multihash.Length < 2) return $"a multihash has at least 2 bytes, not {multihash.Length}";
        var length = multihash.Length - 2;
        return multihash[0] switch
        {
            Identity when length is 0 or > MaxInlineLength => $"an inlined key has 1 to {MaxInlineLength} bytes, not {length}",
            Sha256 when length != SHA256.HashSizeInBytes => $"a SHA-256 has 32 bytes, not {length}",
            Identity or Sha256 when multihash[1] != length => $"the multihash announces {multihash[1]} bytes and holds {length}",
            Identity or Sha256 => null,
            var code => $"multihash code 0x{code:x2} is neither identity nor sha2-256",
        };
    }
}
