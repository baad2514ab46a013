using System.Diagnostics.CodeAnalysis;

namespace Starling.Protocols.PubSub;

/// <summary>Decoded origins by their bytes, so that a known publisher's message costs no decoding. Two generations: bounded, no bookkeeping per use.</summary>
internal sealed class OriginCache(int capacity)
{
    private readonly int _generation = Math.Max(1, capacity / 2);
    private Dictionary<byte[], MessageOrigin> _young = new(ByteKey.Instance);
    private Dictionary<byte[], MessageOrigin> _old = new(ByteKey.Instance);

    public int Count => _young.Count + _old.Count;

    public bool TryGet(ReadOnlySpan<byte> id, [NotNullWhen(true)] out MessageOrigin? origin) =>
        _young.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out origin)
        || _old.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out origin);

    /// <summary>Keeps an origin that signed a valid message.</summary>
    public void Keep(MessageOrigin origin)
    {
        if (!_young.GetAlternateLookup<ReadOnlySpan<byte>>().TryAdd(origin.Id.Bytes, origin) || _young.Count < _generation) return;
        (_old, _young) = (_young, _old);
        _young.Clear();
    }

    private sealed class ByteKey : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly ByteKey Instance = new();

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}
