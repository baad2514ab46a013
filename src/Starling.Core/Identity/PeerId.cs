namespace Starling;

/// <summary>placeholder surface; the identity part fills it in</summary>
public sealed class PeerId : IEquatable<PeerId>, IComparable<PeerId>
{
    private readonly byte[] _multihash;
    private PeerId(byte[] multihash) => _multihash = multihash;
    /// <summary>The multihash bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _multihash;
    /// <summary>From a key.</summary>
    public static PeerId FromPublicKey(PublicKey key) => throw new NotSupportedException();
    /// <summary>From multihash bytes.</summary>
    public static PeerId FromBytes(ReadOnlySpan<byte> multihash) => throw new NotSupportedException();
    /// <summary>From multihash bytes.</summary>
    public static bool TryFromBytes(ReadOnlySpan<byte> multihash, out PeerId? id) => throw new NotSupportedException();
    /// <summary>Parses base58btc or CIDv1.</summary>
    public static PeerId Parse(string text) => throw new NotSupportedException();
    /// <summary>Parses base58btc or CIDv1; error says what is wrong.</summary>
    public static bool TryParse(string? text, out PeerId? id, out string? error) => throw new NotSupportedException();
    /// <summary>The key, when the id inlines it (identity multihash).</summary>
    public bool TryGetInlineKey(out PublicKey? key) => throw new NotSupportedException();
    /// <summary>CIDv1 base32 text.</summary>
    public string ToCid() => throw new NotSupportedException();
    /// <summary>base58btc.</summary>
    public override string ToString() => throw new NotSupportedException();
    /// <inheritdoc/>
    public bool Equals(PeerId? other) => other is not null && other._multihash.AsSpan().SequenceEqual(_multihash);
    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PeerId);
    /// <inheritdoc/>
    public override int GetHashCode() => throw new NotSupportedException();
    /// <inheritdoc/>
    public int CompareTo(PeerId? other) => throw new NotSupportedException();
}
