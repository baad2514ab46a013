using System.Buffers.Binary;
using System.Globalization;

namespace Starling.Protocols.Spread;

/// <summary>What a spread item is told apart by: 128 bits, random unless the item's kind says otherwise.</summary>
/// <param name="Value">The bits; the wire carries them as 16 bytes, the most significant first.</param>
public readonly record struct SpreadId(UInt128 Value)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Length = 16;

    /// <summary>A random id.</summary>
    public static SpreadId New(RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> bytes = stackalloc byte[Length];
        random.Fill(bytes);
        return Read(bytes);
    }

    /// <summary>Reads an id.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than 16 bytes.</exception>
    public static SpreadId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes the id's 16 bytes.</summary>
    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}

/// <summary>What duplicates are known by. Origin and signature belong to it, so that nobody can use up the id of another's item.</summary>
/// <param name="Id">The item's id.</param>
/// <param name="Origin">Who says that it is the first sender.</param>
/// <param name="IsSigned">Whether the origin's signature goes with the item.</param>
public readonly record struct SpreadKey(SpreadId Id, PeerId Origin, bool IsSigned);
