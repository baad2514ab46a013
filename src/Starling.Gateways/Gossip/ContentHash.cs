using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Starling.Gateways.Gossip;

/// <summary>SHA-256 over type and data: what a message is known by wherever it comes from.</summary>
/// <param name="High">The first half.</param>
/// <param name="Low">The second half.</param>
public readonly record struct ContentHash(UInt128 High, UInt128 Low)
{
    /// <summary>The hash of a message.</summary>
    public static ContentHash Of(ushort dataType, ReadOnlySpan<byte> data)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, dataType);
        sha.AppendData(bytes[..2]);
        sha.AppendData(data);
        sha.GetHashAndReset(bytes);
        return new ContentHash(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));
    }
}

/// <summary>The hashes of messages that were vetoed: so many, the oldest make room. Not safe for several threads.</summary>
/// <param name="limit">How many; about 100 bytes each.</param>
public sealed class RejectedHashes(int limit)
{
    private readonly HashSet<ContentHash> _hashes = [];
    private readonly Queue<ContentHash> _order = new();

    /// <summary>How many are remembered.</summary>
    public int Count => _hashes.Count;

    /// <summary>Remembers one.</summary>
    public void Add(ContentHash hash)
    {
        if (!_hashes.Add(hash)) return;
        _order.Enqueue(hash);
        if (_order.Count > limit) _hashes.Remove(_order.Dequeue());
    }

    /// <summary>Whether it is remembered.</summary>
    public bool Contains(ContentHash hash) => _hashes.Contains(hash);
}
